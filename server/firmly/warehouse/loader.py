"""Ships sealed segments to the warehouse: at least once sent, exactly once stored.

A segment is inserted under its own id as deduplication token, so that sending it again after a
crash or a lost answer changes nothing. A line that ClickHouse refuses is found by halving, set
aside with its reason and never blocks the rest. A line set aside keeps its batch id, until an
operator removes the file.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from firmly.warehouse.store import Warehouse, WarehouseRefusedError, WarehouseUnavailableError

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
_CODE = re.compile(r"Code: \d+")
_CODE_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")


class Shippable(Protocol):
    """A sealed run of lines. Its id is used for nothing else, ever."""

    @property
    def id(self) -> str: ...
    def read(self) -> bytes: ...
    def mark_shipped(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """Where segments come from, oldest first, and the table they go to."""

    table: str
    sealed: Callable[[], Sequence[Shippable]]


class Loader:
    """One thread that drains the streams whenever ``wake`` is set."""

    def __init__(
        self, warehouse: Warehouse, streams: Sequence[Stream], quarantine: Path, wake: threading.Event
    ) -> None:
        self._warehouse = warehouse
        self._streams = streams
        self._quarantine = quarantine
        self._wake = wake
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self.quarantined_lines = 0
        self.trouble: str | None = None
        """Why the last try failed, None when it did not. Names no path and no server: anybody may read it."""

    def start(self) -> None:
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Ship what is sealed, once, and end the thread."""
        self._is_stopping.set()
        self._wake.set()
        self._thread.join()

    def drain(self) -> None:
        """Ship every sealed segment.

        Raises:
            WarehouseUnavailableError: the warehouse is away; what is not confirmed stays sealed.
        """
        for stream in self._streams:
            for segment in stream.sealed():
                self._ship(stream.table, segment)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            # In this order: a stop that came in between would be cleared away unseen, and never be over.
            self._wake.clear()
            is_last = self._is_stopping.is_set()
            try:
                self.drain()
                pause = FIRST_PAUSE_S
                self._note(None)
            except Exception as error:  # noqa: BLE001  # Whatever it is, a loader that ended silently would be worse.
                self._note(error)
                if is_last:
                    return
                self._is_stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            if is_last:
                return
            self._wake.wait()

    def _note(self, error: Exception | None) -> None:
        """Set ``trouble``; log where it changes, not at every try."""
        before, self.trouble = self.trouble, _trouble_of(error) if error else None
        if self.trouble == before:
            return
        if self.trouble is None:
            log.info("events are shipped to the warehouse again")
        else:
            detail = f": {error}" if isinstance(error, WarehouseUnavailableError) else ""
            log.warning("no events are shipped to the warehouse until this ends: %s%s", self.trouble, detail)

    def _ship(self, table: str, segment: Shippable) -> None:
        lines = segment.read()
        try:
            self._warehouse.insert(table, lines, segment.id)
        except WarehouseRefusedError:
            # One line at least is bad: halve by line numbers, which gives the same tokens each time.
            self._ship_part(table, segment.id, lines.splitlines(keepends=True), 0)
        segment.mark_shipped()

    def _ship_part(self, table: str, segment_id: str, lines: list[bytes], first: int) -> None:
        try:
            self._warehouse.insert(table, b"".join(lines), f"{segment_id}:{first}+{len(lines)}")
        except WarehouseRefusedError as error:
            if len(lines) == 1:
                self._set_aside(table, segment_id, first, lines[0], str(error))
                return
            half = len(lines) // 2
            self._ship_part(table, segment_id, lines[:half], first)
            self._ship_part(table, segment_id, lines[half:], first + half)

    def _set_aside(self, table: str, segment_id: str, number: int, line: bytes, reason: str) -> None:
        """Keep the line and why it was refused, on disk before its segment may go."""
        self._quarantine.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._quarantine / f"{table}-{segment_id}-{number}.line"
        with path.open("wb") as file:
            file.write(reason.replace("\n", " ").encode() + b"\n" + line)
            file.flush()
            os.fsync(file.fileno())
        self.quarantined_lines += 1
        log.error("a line was refused and set aside as %s", path.name)


def _trouble_of(error: Exception) -> str:
    match error:
        case WarehouseUnavailableError():
            code, name = _CODE.search(str(error)), _CODE_NAME.findall(str(error))
            known = " ".join([*([code[0]] if code else []), *name[-1:]])
            return f"the warehouse is unavailable ({known})" if known else "the warehouse is unavailable"
        case OSError():
            return f"the loader's files are in trouble ({type(error).__name__}: {error.strerror})"
        case _:
            return f"the loader broke: {type(error).__name__}"
