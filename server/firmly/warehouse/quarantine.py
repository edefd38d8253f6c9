"""Lines that the warehouse refused: set aside with the reason, listed, and sent again when an operator says so.

One folder. ``<name>.line`` waits for an operator; renamed to ``<name>.replay`` it waits for the
loader, which removes it once it is stored. A line is never in two places, whenever the process
dies. ``<table>-<segment>.parts`` notes which runs of a segment's lines were refused (``first+count``),
so that after a crash they are not sent whole again beside the parts of them that are stored, and
which of those parts are stored (``+first+count``), so that they are not sent again either.

A name is ``<table>-<segment>-<number of the line>``. Blocking. Holds events: company level, and a
batch's random id.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from firmly.model import FirmlyError

LINE, REPLAY, PARTS = ".line", ".replay", ".parts"
KEEP_PARTS_S = 3600
"""How long the note outlives its segment: a power loss may undo the segment's renaming."""

_NAME = re.compile(r"(?P<table>[a-z_]+)-(?P<segment>[0-9a-f-]+)-(?P<number>[0-9]+)")


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """One line in quarantine; ``is_waiting`` for the loader, else for an operator."""

    name: str
    table: str
    refused_at: datetime | None
    """None where the file is damaged."""
    reason: str
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """A line to be sent again, under the token that it had as a part of its segment."""

    path: Path
    table: str
    token: str

    def read(self) -> bytes:
        return self.path.read_bytes().partition(b"\n")[2]

    def mark_stored(self) -> None:
        self.path.unlink(missing_ok=True)

    def refuse_again(self, reason: str, at: datetime) -> None:
        """Hand it back to the operator, with the new reason."""
        _write(self.path, reason, at, self.read())
        self.path.rename(self.path.with_suffix(LINE))
        _sync_names(self.path.parent)


class Quarantine:
    """The lines set aside in ``folder``, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A last line that a crash tore off was followed by no insert: it is as good as not there.
        # It stays for now: an operator's command reads these files too, while a loader may be writing.
        self._notes = {path.stem: set(path.read_text().split("\n")[:-1]) for path in self._files(PARTS)}

    def lines(self) -> list[RefusedLine]:
        """Return what is set aside, by name. Shows no content of a line."""
        return [_refused_line(path) for path in sorted(self._files(LINE, REPLAY))]

    def count(self) -> int:
        """Return how many lines wait for an operator."""
        return sum(1 for _ in self._files(LINE))

    def content(self, name: str) -> bytes:
        """Return the line as it was refused.

        Raises:
            FirmlyError: there is none of that name.
        """
        for suffix in (LINE, REPLAY):
            with suppress(FileNotFoundError):
                return self._path(name, suffix).read_bytes().partition(b"\n")[2]
        raise _unknown(name)

    def replay(self, name: str) -> None:
        """Let the loader send the line again. Harmless when repeated, also while a loader runs.

        Raises:
            FirmlyError: there is none of that name.
        """
        try:
            self._path(name, LINE).rename(self._path(name, REPLAY))
        except FileNotFoundError:
            if not self._path(name, REPLAY).exists():
                raise _unknown(name) from None
        _sync_names(self._folder)

    def set_aside(self, table: str, segment_id: str, number: int, line: bytes, reason: str, at: datetime) -> str:
        """Keep the line on disk and return its name. What is already here from an earlier try stays as it is."""
        self._make_folder()
        name = f"{table}-{segment_id}-{number}"
        if not self._path(name, REPLAY).exists() and not self._path(name, LINE).exists():
            _write(self._path(name, LINE), reason, at, line)
        return name

    def replays(self) -> list[Replay]:
        """Return what an operator wants sent again."""
        found = []
        for path in sorted(self._files(REPLAY)):
            if parts := _NAME.fullmatch(path.stem):
                token = token_of_part(parts["segment"], int(parts["number"]), 1)
                found.append(Replay(path, parts["table"], token))
        return found

    def is_refused(self, table: str, segment_id: str, first: int, count: int) -> bool:
        """Tell whether this run of lines was refused before: parts of it may be stored."""
        return f"{first}+{count}" in self._notes.get(f"{table}-{segment_id}", ())

    def is_stored(self, table: str, segment_id: str, first: int, count: int) -> bool:
        """Tell whether this run of lines is known to be stored, as a part of a refused one."""
        return f"+{first}+{count}" in self._notes.get(f"{table}-{segment_id}", ())

    def note_refused(self, table: str, segment_id: str, first: int, count: int) -> None:
        """Remember it across a crash: a table that is mended in between would take the whole run."""
        self._note(f"{table}-{segment_id}", f"{first}+{count}")

    def note_stored(self, table: str, segment_id: str, first: int, count: int) -> None:
        """Remember it for longer than ClickHouse knows the part's token. Does nothing in a segment never refused."""
        if f"{table}-{segment_id}" in self._notes:
            self._note(f"{table}-{segment_id}", f"+{first}+{count}")

    def forget_parts(self, waiting: set[str]) -> None:
        """Remove old notes of segments that are not ``waiting`` (``<table>-<segment id>``) any more."""
        for name in self._notes.keys() - waiting:
            path = self._path(name, PARTS)
            with suppress(FileNotFoundError):
                if path.stat().st_mtime > time.time() - KEEP_PARTS_S:
                    continue
                path.unlink()
            del self._notes[name]

    def _note(self, name: str, run: str) -> None:
        self._make_folder()
        with open(self._path(name, PARTS), "a+b", opener=_private) as file:  # Only open() takes an opener.
            _cut_torn_end(file)
            file.write(f"{run}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if name not in self._notes:
            _sync_names(self._folder)
        self._notes.setdefault(name, set()).add(run)

    def _files(self, *suffixes: str) -> Iterator[Path]:
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                path = self._folder / entry.name
                if path.suffix in suffixes and entry.is_file(follow_symlinks=False):
                    yield path

    def _path(self, name: str, suffix: str) -> Path:
        if Path(name).name != name:
            raise _unknown(name)
        return self._folder / f"{name}{suffix}"

    def _make_folder(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_names(self._folder.parent)


def token_of_part(segment_id: str, first: int, count: int) -> str:
    """Return the deduplication token of some lines of a segment: the same whenever they are sent."""
    return f"{segment_id}:{first}+{count}"


def _write(path: Path, reason: str, at: datetime, line: bytes) -> None:
    """Write the file as a whole or not at all: a header in JSON, then the line."""
    being_written = path.with_suffix(".new")
    header = orjson.dumps({"refused_at": at, "reason": reason})
    with open(being_written, "wb", opener=_private) as file:  # Only open() takes an opener.
        file.write(header + b"\n" + line)
        file.flush()
        os.fsync(file.fileno())
    being_written.rename(path)
    _sync_names(path.parent)


def _cut_torn_end(file: BinaryIO) -> None:
    """Remove what a crash or a full disk left of a last line: the next one would continue it and be lost."""
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)


def _refused_line(path: Path) -> RefusedLine:
    parts = _NAME.fullmatch(path.stem)
    table = parts["table"] if parts else ""
    is_waiting = path.suffix == REPLAY
    try:
        header = orjson.loads(path.read_bytes().partition(b"\n")[0])
        at = datetime.fromisoformat(header["refused_at"]).astimezone(UTC)
        return RefusedLine(path.stem, table, at, str(header["reason"]), is_waiting)
    except (OSError, ValueError, KeyError, TypeError):
        return RefusedLine(path.stem, table, None, "the file is damaged", is_waiting)


def _unknown(name: str) -> FirmlyError:
    return FirmlyError(f"{name}: expected the name of a line in quarantine; `firmly spool quarantine` lists them")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
