"""Appends lines durably: many waiting requests share one fdatasync (group commit).

`append` returns once the line is on disk. All file work happens on one thread of the spool's own,
so that it needs no locks; the event loop only collects lines and wakes those who wait.
"""

import asyncio
import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from firmly.spool.segments import SegmentFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """When a segment is sealed and when the spool refuses. Bytes and seconds."""

    segment_bytes: int = 8 * 2**20
    segment_age_s: float = 0.4
    enough_waiting: int = 4
    """With so many sealed segments before it, age seals no more: what waits anyway is shipped faster as one."""
    max_bytes: int = 2**30
    max_uncommitted_bytes: int = 32 * 2**20
    """What may wait in memory for a disk that does not answer."""
    min_free_bytes: int = 256 * 2**20


class SpoolFullError(Exception):
    """Nothing of this append was acknowledged: the limit is reached or the disk refuses. Try later."""


_Waiter = tuple["asyncio.Future[None]", Callable[[bool], None] | None]


@dataclass(slots=True)
class _Open:
    path: Path
    descriptor: int
    size: int
    created: float
    is_spent: bool = False
    """A write failed: nothing is added to it any more."""
    is_stuck: bool = False
    """It could not be sealed: nothing is added until it is."""


class Spool:
    """One folder's writer, bound to the running event loop by `start`."""

    def __init__(self, folder: SegmentFolder, limits: SpoolLimits, on_sealed: threading.Event) -> None:
        self._folder = folder
        self._limits = limits
        self._on_sealed = on_sealed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._lines: list[bytes] = []
        self._waiters: list[_Waiter] = []
        self._uncommitted_bytes = 0
        self._is_committing = False
        self._refusal: str | None = None
        self._is_doubtful = False
        """The disk refused something; only a write that works proves that it takes lines again."""
        self._open: _Open | None = None
        self._tick: asyncio.Task[None] | None = None
        self.observe_commit: Callable[[float], None] = lambda _seconds: None

    async def start(self) -> None:
        """Begin sealing by age and watching the limits."""
        await self._on_thread(self._check_limits)
        self._tick = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Commit what waits, seal it, and let go of the folder."""
        if self._tick:
            self._tick.cancel()
            await asyncio.gather(self._tick, return_exceptions=True)
        await self._on_thread(self._refuse_more)
        while self._is_committing:
            await asyncio.sleep(0.005)
        try:
            await self._on_thread(self._seal)
        except OSError as error:
            log.error("the last segment stays open, for the next start to recover (%s)", _text(error))
        self._thread.shutdown()
        self._folder.close()

    @property
    def refusal(self) -> str | None:
        """Say why appends are refused at present, None when they are not. Names no path."""
        return self._refusal

    async def append(self, line: bytes) -> None:
        """Return once ``line`` (one or more whole lines, newline at the end) is on disk.

        A caller that is cancelled does not learn what became of the line; who must know uses `submit`.

        Raises:
            SpoolFullError: it is not, and will not be.
        """
        await self.submit(line)

    def submit(self, line: bytes, settle: Callable[[bool], None] | None = None) -> asyncio.Future[None]:
        """Return what ends as `append` does.

        ``settle`` is told whether the line is on disk in any case, also where the request that
        waits was cancelled, which stops no write.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        refusal = self._refusal
        if self._uncommitted_bytes > self._limits.max_uncommitted_bytes:
            refusal = "the disk does not answer"
        if refusal is not None:
            if settle:
                settle(False)
            waiter.set_exception(SpoolFullError(refusal))
            return waiter
        self._lines.append(line)
        self._uncommitted_bytes += len(line)
        self._waiters.append((waiter, settle))
        if not self._is_committing:
            self._is_committing = True
            # The next turn of the loop, so that requests of this turn share the commit.
            loop.call_soon(self._commit_next, loop)
        return waiter

    async def seal_now(self) -> None:
        """Hand everything acknowledged so far to the loader."""
        await self._on_thread(self._seal)

    def _commit_next(self, loop: asyncio.AbstractEventLoop) -> None:
        data, waiters = b"".join(self._lines), self._waiters
        self._lines, self._waiters, self._uncommitted_bytes = [], [], 0
        self._thread.submit(self._commit_and_wake, loop, data, waiters, time.perf_counter())

    def _wake(
        self, loop: asyncio.AbstractEventLoop, waiters: list[_Waiter], started: float, error: Exception | None
    ) -> None:
        self.observe_commit(time.perf_counter() - started)
        for waiter, settle in waiters:
            if settle:
                settle(error is None)
            if waiter.done():  # Cancelled.
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(SpoolFullError("the disk refused the write"))
        if self._lines:
            self._commit_next(loop)
        else:
            self._is_committing = False

    async def _keep(self) -> None:
        elapsed = 0.0
        pause = min(self._limits.segment_age_s / 2, 0.2)
        while True:
            await asyncio.sleep(pause)
            elapsed += pause
            with contextlib.suppress(OSError):  # It is a refusal by now; a disk in trouble may recover: the next turn.
                await self._on_thread(self._seal_if_due)
            if elapsed >= 1 or self._refusal is not None:
                elapsed = 0.0
                await self._on_thread(self._check_limits)

    async def _on_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # From here on: the spool's own thread.

    def _refuse_more(self) -> None:
        self._refusal = "the spool has stopped"

    def _set_refusal(self, reason: str | None) -> None:
        """Change what `refusal` says; log where it begins and ends, not as often as it is looked at."""
        if self._refusal is None and reason is not None:
            log.error("the spool takes no events: %s", reason)
        elif self._refusal is not None and reason is None:
            log.info("the spool takes events again")
        self._refusal = reason

    def _doubt(self, error: OSError) -> None:
        self._is_doubtful = True
        self._set_refusal(_reason(error))

    def _commit_and_wake(
        self, loop: asyncio.AbstractEventLoop, data: bytes, waiters: list[_Waiter], started: float
    ) -> None:
        error: Exception | None = None
        try:
            self._commit(data)
        except Exception as failure:  # noqa: BLE001  # Whatever it is, those who wait must learn that nothing is stored.
            error = failure
        loop.call_soon_threadsafe(self._wake, loop, waiters, started, error)

    def _commit(self, data: bytes) -> None:
        try:
            segment = self._writable()
        except OSError as error:
            self._doubt(error)
            raise
        try:
            _write(segment.descriptor, data)
        except OSError as error:
            self._give_up(segment, error)
            raise
        segment.size += len(data)
        if segment.size >= self._limits.segment_bytes:
            # The lines are on disk: were this to fail the commit, they would be sent and counted again.
            with contextlib.suppress(OSError):
                self._seal()

    def _writable(self) -> _Open:
        if self._open and (self._open.is_spent or self._open.is_stuck):
            self._seal()
        if self._open is None:
            path, descriptor = self._folder.create()
            self._open = _Open(path, descriptor, 0, time.monotonic())
        return self._open

    def _give_up(self, segment: _Open, error: OSError) -> None:
        """After a failed write trust only what an earlier commit put on disk, and start afresh.

        A failed fdatasync may have marked lost pages clean, so that a second call would succeed
        without the data: the segment is cut back to the last commit and not written again.
        """
        self._doubt(error)
        segment.is_spent = True
        with contextlib.suppress(OSError):
            self._seal()

    def _seal_if_due(self) -> None:
        segment = self._open
        if segment is None:
            return
        is_old = time.monotonic() - segment.created >= self._limits.segment_age_s
        if segment.is_spent or segment.is_stuck or (is_old and not self._has_enough_waiting()):
            self._seal()

    def _has_enough_waiting(self) -> bool:
        return len(self._folder.sealed()) >= self._limits.enough_waiting

    def _seal(self) -> None:
        """Hand the open segment on. Where the disk refuses, it stays the open one, to be tried again."""
        segment = self._open
        if segment is None:
            return
        try:
            self._hand_on(segment)
        except OSError as error:
            segment.is_stuck = True
            self._set_refusal(f"a segment could not be sealed ({_text(error)})")
            raise
        self._open = None
        os.close(segment.descriptor)
        self._on_sealed.set()

    def _hand_on(self, segment: _Open) -> None:
        if _is_deleted(segment.descriptor):
            self._doubt(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
            if segment.size:
                log.error("a segment was deleted from outside: %d bytes of events are lost", segment.size)
            return
        if segment.is_spent:
            os.ftruncate(segment.descriptor, segment.size)
            # A power loss would bring back lines that were refused, and that their senders have sent again.
            os.fdatasync(segment.descriptor)
        if segment.size == 0:
            segment.path.unlink()
        else:
            self._folder.seal(segment.path)

    def _check_limits(self) -> None:
        if self._open and self._open.is_stuck:
            return
        try:
            if self._is_doubtful:
                # Free space proves nothing: the disk may be read-only, broken, or out of descriptors.
                self._probe()
                self._is_doubtful = False
            reason = self._limit_reached()
        except OSError as error:
            self._doubt(error)
        else:
            self._set_refusal(reason)

    def _probe(self) -> None:
        try:
            self._folder.probe()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT} or not self._make_room():
                raise
            self._folder.probe()

    def _limit_reached(self) -> str | None:
        self._folder.remove_old_shipped()
        waiting = self._folder.waiting_bytes()
        if waiting >= self._limits.max_bytes:
            return f"{waiting} bytes wait for the warehouse; the limit is {self._limits.max_bytes}"
        if self._has_little_room() and not (self._make_room() and not self._has_little_room()):
            return f"less than {self._limits.min_free_bytes} bytes are free on the disk"
        return None

    def _has_little_room(self) -> bool:
        disk = os.statvfs(self._folder.path)
        return disk.f_bavail * disk.f_frsize < self._limits.min_free_bytes

    def _make_room(self) -> bool:
        """Remove what is kept only for batches that come again after a restart: taking events matters more."""
        removed = self._folder.remove_shipped()
        if removed:
            log.warning("the disk is full: %d shipped segments were removed before their time", removed)
        return removed > 0


def _write(descriptor: int, data: bytes) -> None:
    """Put ``data`` on disk, in a file that still has a name.

    TRICKY: a file deleted from outside takes writes and syncs without complaint, and is gone when it is closed.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fdatasync(descriptor)
    if _is_deleted(descriptor):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _is_deleted(descriptor: int) -> bool:
    return os.fstat(descriptor).st_nlink == 0


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "the spool's folder or its open segment was deleted; expected the folder, writable, at its place"
    return f"the disk refused a write ({_text(error)})"


def _text(error: OSError) -> str:
    """Return the error's own words: its message would name a path."""
    return f"{type(error).__name__}: {error.strerror}"
