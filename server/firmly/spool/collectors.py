"""The spools of every collector on this machine, as the one loader and the operator see them.

Each collector process owns ``<root>/<its name>``, with one folder per kind of line. Blocking.
"""

import os
from contextlib import suppress
from pathlib import Path

from firmly.model import FirmlyError
from firmly.spool.segments import Segment, SegmentFiles, SegmentFolder, locked

EVENTS, COVERAGE = "events", "coverage"
KINDS = (EVENTS, COVERAGE)


class CollectorSpools:
    """All spools under ``root``; collectors may come and go at any time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def lock_for_loading(self) -> int:
        """Return the descriptor that keeps a second loader out until it is closed.

        Raises:
            FirmlyError: another process loads these spools.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return locked(self.root / "loader.lock")
        except BlockingIOError:
            raise FirmlyError(f"{self.root}: another process loads these spools; stop it first") from None

    def collectors(self) -> list[str]:
        """Return the names of all collectors that ever had a spool here."""
        with suppress(FileNotFoundError), os.scandir(self.root) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        return []

    def of(self, collector: str, kind: str) -> SegmentFiles:
        return SegmentFiles(self.root / collector / kind)

    def files(self, kind: str) -> list[SegmentFiles]:
        return [self.of(name, kind) for name in self.collectors()]

    def sealed(self, kind: str) -> list[Segment]:
        """Return what waits for the warehouse, of each collector its oldest first."""
        return [segment for files in self.files(kind) for segment in files.sealed()]

    def waiting_bytes(self, kind: str) -> int:
        return sum(files.waiting_bytes() for files in self.files(kind))

    def oldest_waiting_age_s(self, kind: str) -> float:
        return max((files.oldest_waiting_age_s() for files in self.files(kind)), default=0.0)

    def look_after_ownerless(self) -> None:
        """Seal what dead collectors left open, and remove their shipped segments when it is time.

        Raises:
            OSError: a folder could not be looked after; the others were.
        """
        failed: OSError | None = None
        for files in (files for kind in KINDS for files in self.files(kind)):
            try:
                files.remove_old_shipped()
                if files.has_open() and not files.is_owned():
                    with suppress(FirmlyError):  # It came back between the two looks.
                        SegmentFolder(files.path).close()
            except OSError as error:
                failed = error
        if failed:
            raise failed
