"""Tells open pages that something changed, by server-sent events: what it is, the page asks for as ever.

One watcher per process asks the warehouse twice a second for each workspace that somebody looks at, in a thread, and
tells all its streams. Nothing of a lead is in a stream. Whoever gets none asks by themselves, less often.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.model import MemberId, WorkspaceId
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web.parts import Parts

log = logging.getLogger(__name__)

LOOK_S = 0.5
BEAT_S = 15.0
CHECK_S = 60.0
MAX_OF_MEMBER = 4
MAX_STREAMS = 200
RETRY_S = 60

HEADERS = {
    "x-accel-buffering": "no",  # nginx would keep the news back until a buffer is full.
    "cache-control": "no-store",
}
BEGIN = ": Firmly tells here that something changed\n\n"
CHANGED = "data: changed\n\n"
BEAT = ": still here\n\n"


@dataclass(eq=False, slots=True)
class Stream:
    """One open page."""

    workspace_id: WorkspaceId
    member_id: MemberId
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    has_news: bool = False

    def tell(self) -> None:
        self.has_news = True
        self.woken.set()


class News:
    """The streams of a process. Lives in one event loop; ``mark`` is called in threads.

    ``mark`` returns a number that is another one once something of a workspace has changed.
    """

    def __init__(self, mark: Callable[[WorkspaceId], int], look_s: float = LOOK_S) -> None:
        self._mark = mark
        self._look_s = look_s
        self._streams = set[Stream]()
        self._marks: dict[WorkspaceId, int] = {}
        self._fresh = set[WorkspaceId]()
        self._watcher: asyncio.Task[None] | None = None
        self.is_over = False

    def __len__(self) -> int:
        return len(self._streams)

    def join(self, workspace_id: WorkspaceId, member_id: MemberId) -> Stream | None:
        """Return a new stream, to be ended by `leave`; None where there are too many, of the member or of all."""
        own = sum(one.member_id == member_id for one in self._streams)
        if own >= MAX_OF_MEMBER or len(self._streams) >= MAX_STREAMS:
            return None
        stream = Stream(workspace_id, member_id)
        self._streams.add(stream)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        return stream

    def leave(self, stream: Stream) -> None:
        self._streams.discard(stream)

    async def begin(self, stream: Stream) -> None:
        """Note how things stand: what comes after this is told."""
        if stream.workspace_id not in self._marks:
            await self._look(stream.workspace_id)

    def end(self) -> None:
        """End all streams, now and from now on: a server that stops waits for answers that go on."""
        self.is_over = True
        if self._watcher is not None:
            self._watcher.cancel()
        for stream in self._streams:
            stream.woken.set()

    async def _watch(self) -> None:
        while self._streams:
            await asyncio.sleep(self._look_s)
            watched = {one.workspace_id for one in self._streams}
            self._marks = {one: mark for one, mark in self._marks.items() if one in watched}
            for workspace_id in watched:
                await self._look(workspace_id)
        self._marks = {}

    async def _look(self, workspace_id: WorkspaceId) -> None:
        try:
            mark = await asyncio.to_thread(self._mark, workspace_id)
        except WarehouseUnavailableError:
            return  # What changed meanwhile is told when it is back.
        except Exception as error:  # noqa: BLE001  # The watcher is everybody's.
            log.error("what changed could not be looked for: %s", type(error).__name__)
            return
        has_changed = self._marks.setdefault(workspace_id, mark) != mark
        self._marks[workspace_id] = mark
        # TRICKY: ClickHouse stores an insert table by table. Who asks at once may come between the days that were
        # looked at here and who may be shown, so that each change is told once more at the next look.
        if has_changed or workspace_id in self._fresh:
            self._tell(workspace_id)
        (self._fresh.add if has_changed else self._fresh.discard)(workspace_id)

    def _tell(self, workspace_id: WorkspaceId) -> None:
        for stream in self._streams:
            if stream.workspace_id == workspace_id:
                stream.tell()


async def tell_news(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Answer with a stream that lasts as long as the session and its right: looked at again every minute."""
    news = parts.news
    if news is None or news.is_over:
        return Response(status_code=204)  # Tells a browser not to try again; the page asks by itself.
    stream = news.join(scope.workspace_id, scope.member_id)
    if stream is None:
        return Response("Too many pages are open.", 429, {"retry-after": str(RETRY_S)}, "text/plain")

    async def may_go_on() -> bool:
        return await run_in_threadpool(_stands, parts, request, scope.workspace_id)

    return StreamResponse(news, stream, may_go_on)


def _stands(parts: Parts, request: Request, workspace_id: WorkspaceId) -> bool:
    token = parts.sessions.token(request)
    signed_in = parts.accounts.sign_in.signed_in(token) if token else None
    scope = signed_in.scope if signed_in else None
    return scope is not None and scope.workspace_id == workspace_id and scope.may(Right.READ_LEADS)


class StreamResponse(StreamingResponse):
    """Server-sent events until the client goes, the session ends or the server stops."""

    def __init__(
        self,
        news: News,
        stream: Stream,
        may_go_on: Callable[[], Awaitable[bool]],
        beat_s: float = BEAT_S,
        check_s: float = CHECK_S,
    ) -> None:
        self._news = news
        self._stream = stream
        self._may_go_on = may_go_on
        self._beat_s = beat_s
        self._check_s = check_s
        super().__init__(self._events(), headers=HEADERS, media_type="text/event-stream")

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._news.leave(self._stream)

    async def _events(self) -> AsyncIterator[str]:
        await self._news.begin(self._stream)
        yield BEGIN
        checked_at = time.monotonic()
        while not self._news.is_over:
            if time.monotonic() - checked_at >= self._check_s:
                if not await self._may_go_on():
                    return
                checked_at = time.monotonic()
            yield await self._next()

    async def _next(self) -> str:
        stream = self._stream
        try:
            async with asyncio.timeout(min(self._beat_s, self._check_s)):
                await stream.woken.wait()
        except TimeoutError:
            return BEAT
        stream.woken.clear()
        had_news, stream.has_news = stream.has_news, False
        return CHANGED if had_news else BEAT
