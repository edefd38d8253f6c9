"""Ships one segment: at least once sent, exactly once stored, a refused line never in the way of a good one.

A segment is inserted under its own id as deduplication token, so that sending it again after a
crash or a lost answer changes nothing. One that is refused is halved until the refused lines stand
alone, each part under a token of its own; what was refused once is only ever sent in its halves, and
a part that is known to be stored not at all: a crash may last longer than ClickHouse remembers tokens.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from firmly.model import Clock
from firmly.warehouse.quarantine import Quarantine, Replay, token_of_part
from firmly.warehouse.store import Warehouse, WarehouseRefusedError

log = logging.getLogger(__name__)


class Shippable(Protocol):
    """A sealed run of lines. Its id is used for nothing else, ever."""

    @property
    def id(self) -> str: ...
    def read(self) -> bytes: ...
    def mark_shipped(self) -> None: ...


class Shipping:
    """Safe to use from several threads, each with a segment of its own.

    ``on_set_aside`` is called for every line that goes to quarantine.
    """

    def __init__(
        self, warehouse: Warehouse, quarantine: Quarantine, clock: Clock, on_set_aside: Callable[[], None]
    ) -> None:
        self._warehouse = warehouse
        self._quarantine = quarantine
        self._clock = clock
        self._on_set_aside = on_set_aside

    def ship(self, table: str, segment: Shippable) -> None:
        """Store the segment and mark it shipped.

        Raises:
            WarehouseUnavailableError: it stays sealed, to be sent again.
        """
        lines = segment.read()
        # A line alone has one token, here and in quarantine.
        token = segment.id if _count(lines) > 1 else token_of_part(segment.id, 0, 1)
        self._ship_run(table, segment.id, lines, 0, token)
        segment.mark_shipped()

    def ship_again(self, replay: Replay) -> None:
        """Store a line that was in quarantine, or hand it back to the operator.

        Raises:
            WarehouseUnavailableError: it stays, to be sent again.
        """
        try:
            self._warehouse.insert(replay.table, replay.read(), replay.token)
        except WarehouseRefusedError as error:
            replay.refuse_again(str(error), self._clock())
            self._note_set_aside(replay.path.stem)
        else:
            replay.mark_stored()
            log.info("the line %s is stored and leaves the quarantine", replay.path.stem)

    def _ship_run(self, table: str, segment_id: str, lines: bytes, first: int, token: str) -> None:
        """Store ``lines``, of which the first is the segment's line ``first``, or what is good of them."""
        count = _count(lines)
        if self._quarantine.is_stored(table, segment_id, first, count):
            return
        if not self._quarantine.is_refused(table, segment_id, first, count):
            try:
                self._warehouse.insert(table, lines, token)
                self._quarantine.note_stored(table, segment_id, first, count)
                return
            except WarehouseRefusedError as error:
                if count == 1:
                    self._set_aside(table, segment_id, first, lines, str(error))
                self._quarantine.note_refused(table, segment_id, first, count)
        if count > 1:
            # By line numbers, which gives the same parts and tokens each time.
            half = count // 2
            rest = lines.split(b"\n", half)[half]
            for start, part in ((first, lines[: -len(rest)]), (first + half, rest)):
                self._ship_run(table, segment_id, part, start, token_of_part(segment_id, start, _count(part)))

    def _set_aside(self, table: str, segment_id: str, number: int, line: bytes, reason: str) -> None:
        name = self._quarantine.set_aside(table, segment_id, number, line, reason, self._clock())
        self._note_set_aside(name)

    def _note_set_aside(self, name: str) -> None:
        self._on_set_aside()
        log.error("a line was refused and set aside as %s", name)


def _count(lines: bytes) -> int:
    """Count what ends with a newline, and nothing else does: a carriage return belongs to its damaged line."""
    return lines.count(b"\n") + (not lines.endswith(b"\n"))
