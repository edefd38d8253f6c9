"""The files of one spool folder: their names, life and recovery. Blocking; one writer, any number of readers."""

import errno
import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firmly.model import FirmlyError

log = logging.getLogger(__name__)

OPEN, SEALED, SHIPPED = ".open", ".sealed", ".shipped"
LOCK, PROBE = "lock", "probe"
KEEP_SHIPPED_S = 600
"""How long a shipped segment stays, so that a batch sent again after a restart is recognised.

Its lines hold batch ids, random numbers that join nothing beyond one request; a line in quarantine keeps its own.
"""
LOCK_WAIT_S = 1.0
_NAME = re.compile(r"[0-9]{16}-[0-9a-f]{16}\.(?:open|sealed|shipped)")
_PROBE_BYTES = 4096
"""A whole block: an empty file would be taken by a disk that has no room for a line."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One sealed segment. Its id is random and never used twice: the loader's deduplication token."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.stem

    def read(self) -> bytes:
        """Return whole lines, each ended by a newline."""
        return self.path.read_bytes()

    def mark_shipped(self) -> None:
        """Say that every line is on disk in the warehouse. Idempotent after a crash in between."""
        self.path.rename(self.path.with_suffix(SHIPPED))


class SegmentFiles:
    """One spool folder as the loader and operators see it: no lock, and nothing is made or written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sealed(self) -> list[Segment]:
        """Return the segments that wait for the warehouse, oldest first."""
        return [Segment(file) for file in self._files(SEALED)]

    def recent_lines(self) -> Iterator[bytes]:
        """Yield every line of the last ten minutes, shipped or not, for what must outlive a restart."""
        for file in self._files():
            if _changed(file) > time.time() - KEEP_SHIPPED_S:
                yield from _read_wherever(file).splitlines()

    def remove_old_shipped(self) -> None:
        for file in self._files(SHIPPED):
            age_s = time.time() - _changed(file)
            if age_s > KEEP_SHIPPED_S:
                file.unlink(missing_ok=True)
            elif age_s < -1:
                # The clock was set back: its ten minutes begin now, or shipped segments would fill the disk.
                with suppress(FileNotFoundError):
                    os.utime(file)

    def remove_shipped(self) -> int:
        """Remove every shipped segment, for a disk that runs full, and return how many there were."""
        shipped = self._files(SHIPPED)
        for file in shipped:
            file.unlink(missing_ok=True)
        return len(shipped)

    def waiting_bytes(self) -> int:
        """Return the size of everything the warehouse has not confirmed."""
        return sum(_size(file) for file in self._files(SEALED, OPEN))

    def oldest_waiting_age_s(self) -> float:
        """Return the age of the oldest unconfirmed segment in seconds, 0 when nothing waits."""
        ages = [time.time() - _changed(file) for file in self._files(SEALED, OPEN)]
        return max([0.0, *ages])  # Below 0 where the clock was set back.

    def is_owned(self) -> bool:
        """Tell whether a process holds the folder's lock at this moment."""
        try:
            os.close(locked(self.path / LOCK))
        except BlockingIOError:
            return True
        return False

    def has_open(self) -> bool:
        return bool(self._files(OPEN))

    def has_lock(self) -> bool:
        """Tell whether a collector ever owned this folder."""
        return (self.path / LOCK).exists()

    def _files(self, *suffixes: str) -> list[Path]:
        """Return the segments of these kinds, by age; none where the folder is gone, which the writer notices."""
        wanted = suffixes or (OPEN, SEALED, SHIPPED)
        try:
            with os.scandir(self.path) as entries:
                names = sorted(entry.name for entry in entries if _is_segment(entry) and entry.name.endswith(wanted))
        except FileNotFoundError:
            return []
        return [self.path / name for name in names]


class SegmentFolder(SegmentFiles):
    """One spool folder, locked to this process for as long as the object lives.

    A file whose name is no segment's is left alone.

    Raises:
        FirmlyError: another process owns the folder.
        OSError: it cannot be read and written.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path)
        _sync_way_to(path)
        self._lock = self._first_lock()
        try:
            self._number = max((int(file.stem.split("-")[0]) for file in self._files()), default=0)
            self._name_foreign()
            self._recover()
        except BaseException:
            self.close()  # Else nobody could own the folder for as long as this process lives.
            raise

    def close(self) -> None:
        os.close(self._lock)

    def create(self) -> tuple[Path, int]:
        """Make the next open segment and return its path and file descriptor; its name is on disk."""
        self._keep_lock()
        self._number += 1
        path = self.path / f"{self._number:016d}-{secrets.token_hex(8)}{OPEN}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _sync_names(self.path)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return path, descriptor

    def probe(self) -> None:
        """Return if a small file can be made, written and synced here, as a segment would be.

        Raises:
            OSError: it cannot.
        """
        self._keep_lock()
        path = self.path / PROBE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, bytes(_PROBE_BYTES)) < _PROBE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)

    def seal(self, path: Path) -> None:
        """Hand a finished segment to the loader.

        Where a power loss undoes the renaming, recovery seals the segment again under the same id.
        """
        path.rename(path.with_suffix(SEALED))

    def _first_lock(self) -> int:
        """Take the lock; a loader that recovers the folder of a dead collector holds it for a moment only."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                return locked(self.path / LOCK)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    break
            time.sleep(0.05)
        text = f"{self.path}: another process owns this spool; stop it, or give this one a FIRMLY_COLLECTOR of its own"
        raise FirmlyError(text)

    def _name_foreign(self) -> None:
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name not in (LOCK, PROBE) and not _is_segment(entry):
                    log.warning("%r in the spool is no segment and is left alone", entry.name)

    def _keep_lock(self) -> None:
        """Take the lock again where the folder, or the lock in it, was deleted and made anew.

        Raises:
            OSError: the folder is not there, or another process was faster.
        """
        path = self.path / LOCK
        try:
            is_held = os.path.samestat(path.stat(), os.fstat(self._lock))
        except FileNotFoundError:
            is_held = False
        if not is_held:
            lock = locked(path)
            os.close(self._lock)
            self._lock = lock

    def _recover(self) -> None:
        """Seal what a dead process left open, without a last line that was torn, hence never acknowledged."""
        for file in self._files(OPEN):
            whole = file.read_bytes()
            end = whole.rfind(b"\n") + 1
            if end < len(whole):
                log.warning("%s: %d bytes at its end are no whole line and are cut off", file.name, len(whole) - end)
            if end == 0:
                file.unlink()
                continue
            with file.open("r+b") as segment:
                segment.truncate(end)
                os.fsync(segment.fileno())
            file.rename(file.with_suffix(SEALED))
        _sync_names(self.path)


def locked(path: Path) -> int:
    """Open and lock a file for this process alone.

    Raises:
        BlockingIOError: another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_way_to(folder: Path) -> None:
    """Put the names of all folders above on disk: what lies in a folder without a name is lost with it."""
    for parent in folder.absolute().parents:
        with suppress(PermissionError):  # Not ours, hence not made by us.
            _sync_names(parent)


def _read_wherever(file: Path) -> bytes:
    """Read a segment that the loader may be renaming at this moment."""
    for suffix in (file.suffix, SEALED, SHIPPED):
        with suppress(FileNotFoundError):
            return file.with_suffix(suffix).read_bytes()
    return b""


def _is_segment(entry: os.DirEntry[str]) -> bool:
    return _NAME.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # The loader may take a segment away at any moment.
        return 0


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return time.time()
