"""One connection of a client: how much it may send and how long it may take. Uvicorn's protocol with bounds.

A client that opens connections and says nothing, byte by byte or without end, or that never reads its
answer, costs a place for a while and nothing else. Nothing here reads an address: connections are told
apart by what they do, and there is no bound per source, since a company or a proxy is one source of many
people. Uvicorn's part holds the peer's address in memory for as long as the connection lasts, and puts it
into each request's scope, out of which the edge takes it.
"""

import asyncio
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from firmly.collect.problem import problem_body

MAX_HEAD_BYTES = 16 * 1024
MAX_URL_BYTES = 4 * 1024
MAX_HEADERS = 64
MAX_REQUEST_BYTES = 1024 * 1024
"""What one request may send in all. Whoever reads a body has a bound of its own, which is lower."""
MAX_QUEUED = 8
"""Requests that wait on one connection for the answer to an earlier one. Browsers send none before it."""
MAX_CONNECTIONS = 10_000
MAX_UNFINISHED_BYTES = 64 * 1024 * 1024
"""What all unfinished requests together may have sent."""
LOOK_S = 1.0


class Stage(IntEnum):
    """Where a connection stands."""

    WORKING = 0
    """The answer is ours to give."""
    IDLE = 1
    ASKING = 2
    """No request has come yet, or not all of it."""
    ANSWERED = 3
    """Part of an answer waits for the client to take it."""
    LEAVING = 4


MAX_LOOKS = {Stage.IDLE: 75, Stage.ASKING: 10, Stage.ANSWERED: 30, Stage.LEAVING: 2}
"""How often, once a second, a connection may be found in one stage with nothing achieved.

Idle for longer than a proxy keeps it (nginx: 60 seconds), so that no request meets a connection that closes.
"""
MAX_LOOKS_AT_STOP = 2
"""The same for an answer that is not taken while the server stops: it waits for who reads, not for who does not."""

Refusal = tuple[int, str, str]
_MALFORMED: Refusal = (400, "Malformed", "Expected a request in HTTP/1.1")
_LARGE_HEAD: Refusal = (431, "Head too large", f"Expected at most {MAX_HEADERS} headers, {MAX_HEAD_BYTES} bytes in all")
_LONG_URL: Refusal = (414, "Address too long", f"Expected at most {MAX_URL_BYTES} bytes")
_LARGE: Refusal = (413, "Too large", f"Expected at most {MAX_REQUEST_BYTES} bytes")
_QUEUED: Refusal = (400, "Too many requests at once", f"Expected at most {MAX_QUEUED} before an answer")
_LATE: Refusal = (408, "Too slow", f"Expected the whole request within {MAX_LOOKS[Stage.ASKING]} seconds")


class _RefusedError(Exception):
    """Stops the parser; why is in `Connection.refusal`."""


class Connection(HttpToolsProtocol):
    """Uvicorn's protocol with bounds, which cost what its timer for idle connections does, and replace that."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        watch: "Watch",
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._watch = watch
        self._refusal = _MALFORMED
        self._is_refused = False
        self._is_stopping = False
        self._latest_bytes = 0
        self._shared_bytes = 0
        self._at_work: RequestResponseCycle | None = None
        self._seen: tuple[Stage, object, int] = (Stage.ASKING, None, 0)
        self.unfinished_bytes = 0
        """Read since the last request was whole; the read that made it whole counts if another began in it.

        Where in that read it ended is not known: as many bytes as `_shared_bytes` may be the earlier request's.
        """
        self.looks = 0
        """How often the watch found this connection where it is."""

    @property
    def stage(self) -> Stage:
        if self._is_refused:
            return Stage.LEAVING
        if self.transport.get_write_buffer_size():
            return Stage.ANSWERED
        if self.transport.is_closing():
            return Stage.LEAVING
        if self._is_asking():
            return Stage.ASKING
        return Stage.IDLE if self.cycle.response_complete else Stage.WORKING

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn has it.
        super().connection_made(transport)
        self._watch.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._at_work is not None:
            _leave(self._at_work)  # Uvicorn tells only the latest request's application.

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._latest_bytes = len(data)
        self.unfinished_bytes += self._latest_bytes
        super().data_received(data)
        if not self.unfinished_bytes:
            if self._is_asking():
                self.unfinished_bytes = self._shared_bytes = self._latest_bytes
        elif self.unfinished_bytes - self._shared_bytes > MAX_HEAD_BYTES and not self._is_refused:
            self._check_size()

    def on_headers_complete(self) -> None:
        if len(self.url) > MAX_URL_BYTES:
            self._stop(_LONG_URL)
        if len(self.headers) > MAX_HEADERS or self._has_large_head():
            self._stop(_LARGE_HEAD)
        if len(self.pipeline) >= MAX_QUEUED:
            self._stop(_QUEUED)
        super().on_headers_complete()
        self.headers = []  # What comes after the body is not added to what came before it.
        if not self.pipeline:
            self._at_work = self.cycle

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.cycle.more_body = False  # Also where the answer was given before the body was whole.
        self.unfinished_bytes = self._shared_bytes = 0

    def on_response_complete(self) -> None:
        """Go on with what waits. Uvicorn's own sets a timer for each request; an idle connection is the watch's."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._at_work, app = self.pipeline.pop()
                self._start_asgi_task(self._at_work, app)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # Uvicorn's words are for no client.
        """Answer what the parser gave up at."""
        self._refuse(self._refusal)

    def shutdown(self) -> None:
        """Wait for no client that has not asked yet, nor for long for one that does not take its answer."""
        self._is_stopping = True
        super().shutdown()
        if self._is_asking():
            self.transport.close()

    def look(self) -> None:
        """Notice where this connection stands, and end it if it has stood there for too long."""
        stage, scope, waits = self.stage, self.scope, self.transport.get_write_buffer_size()
        if (stage, waits) != (self._seen[0], self._seen[2]) or scope is not self._seen[1]:
            self._seen, self.looks = (stage, scope, waits), 0
        self.looks += 1
        if stage is not Stage.WORKING and self.looks > self._most_looks(stage):
            self._end(stage)

    def _most_looks(self, stage: Stage) -> int:
        return MAX_LOOKS_AT_STOP if self._is_stopping and stage is Stage.ANSWERED else MAX_LOOKS[stage]

    def _end(self, stage: Stage) -> None:
        if stage in (Stage.ANSWERED, Stage.LEAVING):
            self.transport.abort()  # Closing would wait for the client to take what waits.
        elif stage is Stage.ASKING and self.scope is not None:
            self._refuse(_LATE)
        else:
            self.transport.close()

    def _is_asking(self) -> bool:
        return self.cycle is None or self.cycle.scope is not self.scope or self.cycle.more_body

    def _has_large_head(self) -> bool:
        if self.unfinished_bytes <= MAX_HEAD_BYTES and self._latest_bytes <= MAX_HEAD_BYTES:
            return False  # Less was read than would be too much.
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES

    def _check_size(self) -> None:
        if self.cycle is None or self.cycle.scope is not self.scope:
            self._refuse(_LONG_URL if self.scope and len(self.url) > MAX_URL_BYTES else _LARGE_HEAD)
        elif self.unfinished_bytes - self._shared_bytes > MAX_REQUEST_BYTES:
            self._refuse(_LARGE)

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise _RefusedError

    def _refuse(self, refusal: Refusal) -> None:
        """Say why, read nothing more, and let the client go.

        Closing at once would reset the connection while the client still sends, and it might never
        see the answer: it is closed by the client, or by the watch.
        """
        self._is_refused = True
        if self.transport.is_closing():
            return
        if not self._may_answer():
            self.transport.close()
            return
        if self.cycle is not None:
            _leave(self.cycle)
        self.flow.resume_reading()
        self.transport.write(_answer(refusal, self.server_state.default_headers))
        self.transport.write_eof()

    def _may_answer(self) -> bool:
        """Tell whether nothing was or will be said that the client could take for the answer to this."""
        cycle = self.cycle
        if cycle is None:
            return True
        if cycle.response_complete:
            return cycle.scope is not self.scope or not cycle.more_body
        is_first = cycle.scope is self.scope and not self.pipeline
        return is_first and cycle.more_body and not cycle.response_started


def _leave(cycle: RequestResponseCycle) -> None:
    """Let a request's application find the client gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


class Watch:
    """Looks at all connections of one server, once a second with one timer, and bounds their number.

    Where there are too many, the one that has been asking for the longest gives way to the new one,
    then the one that has been idle for the longest; where all are at work, the new one is not taken.
    """

    def __init__(
        self,
        max_connections: int = MAX_CONNECTIONS,
        max_unfinished_bytes: int = MAX_UNFINISHED_BYTES,
        look_s: float = LOOK_S,
    ) -> None:
        self.max_connections = max_connections
        self._max_unfinished_bytes = max_unfinished_bytes
        self._look_s = look_s
        self._timer: asyncio.TimerHandle | None = None
        self._dispensable: list[Connection] | None = None
        """The one to go first is last; None until asked for after a look."""

    def admit(self, newcomer: Connection) -> None:
        connections: set[Connection] = newcomer.connections  # type: ignore[assignment]  # All are made the same way.
        if self._timer is None:
            self._timer = newcomer.loop.call_later(self._look_s, self._look, newcomer.loop, connections)
        if len(connections) > self.max_connections:
            self._make_room(newcomer, connections)

    def _look(self, loop: asyncio.AbstractEventLoop, connections: set[Connection]) -> None:
        self._timer = loop.call_later(self._look_s, self._look, loop, connections) if connections else None
        self._dispensable = None
        for connection in list(connections):
            connection.look()
        _free(connections, self._max_unfinished_bytes)

    def _make_room(self, newcomer: Connection, connections: Iterable[Connection]) -> None:
        if self._dispensable is None:
            spare = [one for one in connections if one.stage in (Stage.ASKING, Stage.IDLE) and one is not newcomer]
            self._dispensable = sorted(spare, key=lambda one: (one.stage, one.looks))
        while self._dispensable:
            oldest = self._dispensable.pop()
            if oldest.stage in (Stage.ASKING, Stage.IDLE):
                oldest.transport.abort()
                return
        newcomer.transport.abort()


def _free(connections: Iterable[Connection], most_bytes: int) -> None:
    """End the connections that have sent most of unfinished requests, until the others are within the bound."""
    by_size = sorted(connections, key=lambda connection: connection.unfinished_bytes, reverse=True)
    excess = sum(connection.unfinished_bytes for connection in by_size) - most_bytes
    for connection in by_size:
        if excess <= 0:
            return
        excess -= connection.unfinished_bytes
        connection.transport.abort()


def _answer(refusal: Refusal, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    status, title, detail = refusal
    body = problem_body(status, title, detail)
    own = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    lines = [name + b": " + value + b"\r\n" for name, value in (*headers, *own)]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
