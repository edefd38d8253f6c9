"""Drains the spools into the warehouse, as fast as it takes them, for as long as the process lives.

A segment is one insert. Segments go side by side, as many as the warehouse bears (`Pace`), in the
order of `Backlog`. Which is stored how often is the business of `Shipping`.
"""

import itertools
import logging
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from firmly.model import Clock, system_clock
from firmly.warehouse.backlog import Backlog, Job, means_away
from firmly.warehouse.pace import Pace
from firmly.warehouse.quarantine import Quarantine
from firmly.warehouse.shipping import Shippable, Shipping
from firmly.warehouse.store import Warehouse, WarehouseUnavailableError

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often to look whether an operator wants a line sent again, and whether an idle warehouse still answers."""
STOP_S = 5.0
"""How long a stop waits for the warehouse. What is not confirmed by then stays sealed."""
_CODE = re.compile(r"Code: \d+")
_CODE_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")


class _Ended(NamedTuple):
    job: Job
    seconds: float
    error: Exception | None


@dataclass(frozen=True, slots=True)
class Stream:
    """Where segments come from, oldest first, and the table they go to."""

    table: str
    sealed: Callable[[], Sequence[Shippable]]


class Loader:
    """One thread that drains the streams whenever ``wake`` is set, with up to ``width`` inserts at once.

    Without ``width``, with as many as the warehouse takes.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        streams: Sequence[Stream],
        quarantine: Path,
        wake: threading.Event,
        *,
        width: int | None = None,
        clock: Clock = system_clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._warehouse = warehouse
        self._streams = streams
        self._quarantine = Quarantine(quarantine)
        self._wake = wake
        self._backlog = Backlog()
        self._pace = Pace(width or warehouse.writers, chance)
        self._shipping = Shipping(warehouse, self._quarantine, clock, self._count_set_aside)
        self._is_stopping = threading.Event()
        self._stop_by = float("inf")
        self._look_at = 0.0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self.quarantined_lines = 0
        """How many lines were set aside since the start."""
        self.lines_in_quarantine = self._quarantine.count()
        """How many wait for an operator."""
        self.trouble: str | None = None
        """Why the last try failed, None when it did not. Names no path and no server: anybody may read it."""

    def start(self) -> None:
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Ship what is sealed, once and for `STOP_S` at most, and end the thread."""
        self._stop_by = time.monotonic() + STOP_S
        self._is_stopping.set()
        self._wake.set()
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning("the warehouse does not answer in time; what it has not confirmed stays in the spool")

    def alarms(self) -> list[str]:
        """Say what an operator should look at, though events are taken and shipped; empty when nothing."""
        count = self.lines_in_quarantine
        if not count:
            return []
        lines = "1 line that the warehouse refused waits" if count == 1 else f"{count} lines it refused wait"
        return [f"{lines} in quarantine; `firmly spool quarantine` says why"]

    def drain(self) -> None:
        """Ship every sealed segment, then every line that an operator wants sent again.

        Raises:
            WarehouseUnavailableError: the warehouse is away; what is not confirmed stays sealed.
        """
        _, error = self._ship_segments()
        error_of_replays = self._ship_replays()
        if error := error or error_of_replays:
            raise error

    def _run(self) -> None:
        while True:
            # In this order: a stop that came in between would be cleared away unseen, and never be over.
            self._wake.clear()
            is_last = self._is_stopping.is_set()
            try:
                self._turn()
                self._note(None)
            except Exception as error:  # noqa: BLE001  # Whatever it is, a loader that ended silently would be worse.
                self._note(error)
                if is_last:
                    return
                self._is_stopping.wait(self._pace.next_pause_s())
                continue
            if is_last:
                return
            self._wake.wait(LOOK_S)

    def _turn(self) -> None:
        count, error = self._ship_segments()
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_S
            # Also after an error: it may be a segment's own, and last.
            error_of_replays = self._ship_replays()
            error = error or error_of_replays
            if not count and not error and not self._warehouse.is_reachable():
                error = WarehouseUnavailableError("it does not answer")
        if error:
            raise error

    def _ship_segments(self) -> tuple[int, Exception | None]:
        """Ship what is sealed now; return how many segments that were, and the first error."""
        self._warehouse.open()
        waiting = self._waiting()
        self._quarantine.forget_parts({job.name for job in waiting})
        self._backlog.begin(waiting)
        return len(waiting), self._ship_side_by_side()

    def _ship_replays(self) -> Exception | None:
        """Send what an operator wants sent again; return the first error."""
        # After the segments: one that is still under way may be about to set the same line aside.
        first_error: Exception | None = None
        for replay in self._quarantine.replays():
            try:
                self._shipping.ship_again(replay)
            except Exception as error:  # noqa: BLE001  # Raised by the caller; the other lines must not wait for it.
                first_error = first_error or error
                if means_away(error):
                    break
        self.lines_in_quarantine = self._quarantine.count()
        return first_error

    def _waiting(self) -> list[Job]:
        """Return what is sealed, the streams by turns, so that none waits for all of another."""
        streams = [[Job(stream.table, segment) for segment in stream.sealed()] for stream in self._streams]
        return [job for jobs in itertools.zip_longest(*streams) for job in jobs if job is not None]

    def _ship_side_by_side(self) -> Exception | None:
        """Ship what the backlog gives; return the first error when all is quiet."""
        ended: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
        running = 0
        first_error: Exception | None = None
        while True:
            while running < self._pace.width and time.monotonic() < self._stop_by and (job := self._backlog.take()):
                _beside(job, partial(self._shipping.ship, job.table, job.segment), ended)
                running += 1
            if not running:
                return first_error
            job, seconds, error = ended.get()
            running -= 1
            self._backlog.note(job, error)
            if error is None:
                self._pace.went_well(seconds, work_waits=self._backlog.has_more())
            else:
                first_error = first_error or error
                if means_away(error):
                    self._pace.went_wrong()

    def _count_set_aside(self) -> None:
        with self._counting:
            self.quarantined_lines += 1
            self.lines_in_quarantine += 1

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


def _beside(job: Job, work: Callable[[], None], ended: queue.SimpleQueue[_Ended]) -> None:
    """Run ``work`` on a thread that the end of the process does not wait for, and report how it went."""

    def run() -> None:
        started = time.monotonic()
        error: Exception | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001  # Raised again by the loader's own thread.
            error = raised
        ended.put(_Ended(job, time.monotonic() - started, error))

    threading.Thread(target=run, name="loader-insert", daemon=True).start()


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
