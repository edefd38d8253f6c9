"""Long exports: written in the background to a file without a name, shown with their progress, fetched twice at most.

Everything is kept in this process: a restart ends what is being written and forgets what is ready. A
job belongs to one member in one workspace, with the rights that they had when they asked; with fewer
it is gone. Files lie in the process's own temporary folder, and no other process can open them.
"""

import errno
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO, TypeVar

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.model import Clock, FirmlyError, MemberId, WorkspaceId
from firmly.warehouse.store import WarehouseUnavailableError

R = TypeVar("R")

AT_ONCE = 2
WAITING = 20
"""Jobs of all members that may stand in line."""
FETCHES = 2
KEPT = timedelta(hours=1)
MIN_FREE_BYTES = 512 * 2**20
"""Disk space that exports leave: taking events matters more."""
_LOOK_EVERY = 1000
"""Rows between two looks at the disk and at whether anybody still wants the file."""
_PIECE_BYTES = 256 * 1024

log = logging.getLogger(__name__)


class Stage(StrEnum):
    WAITING = "waiting"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"


class EndedError(Exception):
    """Nobody wants the file any more."""


class FullError(Exception):
    """The disk has no room for the file."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a member asks for: ``title`` says it to them. ``total`` is how many rows to expect, None where unknown.

    ``write`` returns the file; it goes through its rows by `Job.counted`.
    """

    title: str
    name: str
    media_type: str
    right: Right
    total: int | None
    write: "Callable[[Job], IO[bytes]]"


@dataclass(slots=True)
class Job:
    """One file that is being written or is ready; ``done`` of ``order.total`` rows are."""

    order: Order
    workspace_id: WorkspaceId
    member_id: MemberId
    feeds: frozenset[int] | None
    made_at: datetime
    sight: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    stage: Stage = Stage.WAITING
    done: int = 0
    bytes: int = 0
    reason: str = ""
    fetches: int = 0
    is_ended: bool = False
    _file: "_File | None" = field(default=None, repr=False)

    @property
    def is_under_way(self) -> bool:
        return self.stage in (Stage.WAITING, Stage.WRITING)

    def counted(self, rows: Iterable[R]) -> Iterator[R]:
        """Yield ``rows``, telling how many there were. Raises EndedError, FullError."""
        for row in rows:
            if self.done % _LOOK_EVERY == 0:
                self.look()
            self.done += 1
            yield row

    def look(self) -> None:
        """Stop a file that nobody wants, or for which the disk has no room. Raises EndedError, FullError."""
        if self.is_ended:
            raise EndedError
        if shutil.disk_usage(tempfile.gettempdir()).free < MIN_FREE_BYTES:
            raise FullError


class ExportJobs:
    """Every member's last export. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._jobs: dict[tuple[WorkspaceId, MemberId], Job] = {}
        self._threads: set[threading.Thread] = set()

    def begin(self, scope: MemberScope, order: Order, sight: str = "") -> Job:
        """Begin to write a file; one that the member had ready goes. ``sight`` tells what they may see (`Leads.sight`).

        Raises:
            FirmlyError: another file of this member's is being written, or too many wait.
            NotAllowedError: the right that it takes is missing.
        """
        scope.require(order.right)
        job = Job(order, scope.workspace_id, scope.member_id, scope.feeds, self._clock(), sight)
        with self._lock:
            known = self._jobs.get(_key(job))
            if known is not None and known.is_under_way:
                raise FirmlyError("one export of yours is still being prepared; wait for it, or stop it first")
            if sum(one.is_under_way for one in self._jobs.values()) >= AT_ONCE + WAITING:
                raise FirmlyError("too many exports are being prepared; try again in a few minutes")
            self._end(known)
            self._jobs[_key(job)] = job
            thread = threading.Thread(target=self._run, args=(job,), name="export", daemon=True)
            self._threads.add(thread)
        thread.start()
        return job

    def of(self, scope: MemberScope) -> Job | None:
        """Return the member's export in this workspace, if they may still have it."""
        self.sweep()
        with self._lock:
            job = self._jobs.get((scope.workspace_id, scope.member_id))
            if job is None or (scope.may(job.order.right) and scope.feeds == job.feeds):
                return job
            self._end(job)
            return None

    def stop(self, scope: MemberScope, job_id: str) -> None:
        """Throw the member's export away, ready or not; harmless where there is none of this id."""
        with self._lock:
            job = self._jobs.get((scope.workspace_id, scope.member_id))
            if job is not None and secrets.compare_digest(job.id, job_id):
                self._end(job)

    def fetch(self, scope: MemberScope, job_id: str) -> tuple[Job, Iterator[bytes]] | None:
        """Return a ready file and its content; after `FETCHES` times it is gone. None where there is none to have."""
        job = self.of(scope)
        with self._lock:
            if job is None or job._file is None or not secrets.compare_digest(job.id, job_id):
                return None
            job.fetches += 1
            content = job._file.content()
            if job.fetches >= FETCHES:
                self._end(job)
            return job, content

    def sweep(self) -> None:
        """Let go of what is older than an hour."""
        with self._lock:
            for job in [one for one in self._jobs.values() if self._clock() - one.made_at >= KEPT]:
                self._end(job)

    def close(self, seconds: float) -> None:
        """Stop everything that is being written, and wait for it up to ``seconds``."""
        with self._lock:
            for job in list(self._jobs.values()):
                self._end(job)
            waited = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in waited:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _end(self, job: Job | None) -> None:
        if job is None:
            return
        job.is_ended = True
        if self._jobs.get(_key(job)) is job:
            del self._jobs[_key(job)]
        if job._file is not None:
            job._file.close()
            job._file = None

    def _run(self, job: Job) -> None:
        try:
            with self._turns:
                self._write(job)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _write(self, job: Job) -> None:
        try:
            job.look()
            job.stage = Stage.WRITING
            file = _File(job.order.write(job))
        except EndedError:
            return
        except Exception as error:  # noqa: BLE001  # The member is told; the next one starts afresh.
            job.reason = _reason(error)
            job.stage = Stage.FAILED
            log.error("an export failed: %s", type(error).__name__)
        else:
            with self._lock:
                if job.is_ended:
                    file.close()
                    return
                job._file, job.bytes = file, file.size
                job.stage = Stage.READY


def _key(job: Job) -> tuple[WorkspaceId, MemberId]:
    return job.workspace_id, job.member_id


def _reason(error: Exception) -> str:
    """Say why in words for members."""
    if isinstance(error, FullError) or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return "the disk of this installation has no room for it"
    if isinstance(error, WarehouseUnavailableError):
        return "the database of visits did not answer, or it is too much at once"
    if isinstance(error, FirmlyError):
        return str(error)
    return "something failed; the log of this installation names it"


class _File:
    """What was written, without a name, until it is closed or forgotten."""

    def __init__(self, written: IO[bytes]) -> None:
        with written:
            written.flush()
            self._descriptor = os.dup(written.fileno())
        self.close = weakref.finalize(self, os.close, self._descriptor)

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def content(self) -> "_Content":
        """Return the content, by a descriptor of its own: this may be closed while it is being sent."""
        return _Content(os.dup(self._descriptor))


class _Content(Iterator[bytes]):
    """A file's content from its start, whatever others do with the same file; closed also where nobody reads it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._place = 0
        self._close = weakref.finalize(self, os.close, descriptor)

    def __next__(self) -> bytes:
        piece = os.pread(self._descriptor, _PIECE_BYTES, self._place) if self._close.alive else b""
        if not piece:
            self._close()
            raise StopIteration
        self._place += len(piece)
        return piece
