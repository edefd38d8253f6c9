"""`POST /f/e`: the hot path, a raw ASGI application. Answers 202 after the events are on disk.

CORS: any origin may call, without credentials; a `text/plain` body needs no preflight. Which origins
count is the pipeline's step. Consent and origin fail closed; storage that refuses answers 503.
"""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from firmly.collect.body import ClientGoneError, read_body
from firmly.collect.edge import ADDRESS
from firmly.collect.problem import Headers, send_problem
from firmly.measure.arrival import Arrival
from firmly.measure.batches import BatchMemory, key_of
from firmly.measure.pipeline import Outcome, Pipeline
from firmly.measure.wire import MalformedError, TooLargeError, decode
from firmly.model import Clock, DropReason
from firmly.spool.writer import Spool, SpoolFullError

RETRY_AFTER_S = 10

_CORS: Headers = [(b"access-control-allow-origin", b"*")]
_EXPOSED: Headers = [*_CORS, (b"access-control-expose-headers", b"x-firmly-dropped, retry-after")]
_PREFLIGHT: Headers = [
    *_CORS,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]
_ACCEPTED: Headers = [*_CORS, (b"content-length", b"0")]
"""Few, since each costs a microsecond: the answer to a POST is not cached without being told to."""
_MEDIA_TYPES = frozenset({b"text/plain", b"text/plain;charset=UTF-8", b"application/json"})
"""With the parameter that browsers add, which spares the parsing."""
_START_ACCEPTED: Message = {"type": "http.response.start", "status": 202, "headers": _ACCEPTED}
_END: Message = {"type": "http.response.body", "body": b""}
_RETRY: Headers = [(b"retry-after", str(RETRY_AFTER_S).encode()), *_EXPOSED]
_REFUSALS: dict[DropReason, tuple[int, str, str]] = {
    DropReason.UNKNOWN_SITE: (404, "Unknown site", "Expected at `$.site` the key of a site of this installation"),
    DropReason.FOREIGN_ORIGIN: (403, "Origin not allowed", "Expected an Origin that the site's settings list"),
    DropReason.RATE_LIMITED: (429, "Too many requests", "Expected fewer requests from this source"),
}
"""Refusals that the sender can do something about; every other one is a 202 that names the reason."""


class EventsApp:
    """Takes one request through the pipeline and into the spool."""

    def __init__(self, pipeline: Pipeline, spool: Spool, batches: BatchMemory, clock: Clock) -> None:
        self._pipeline = pipeline
        self._spool = spool
        self._batches = batches
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "POST":
            await self._post(scope, receive, send)
        elif method == "OPTIONS":
            await _answer(send, 204, _PREFLIGHT)
        else:
            await send_problem(send, 405, "Method not allowed", "Expected POST", [(b"allow", b"POST, OPTIONS"), *_CORS])

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"")
        if content_type not in _MEDIA_TYPES and _media_type(content_type) not in _MEDIA_TYPES:
            detail = "Expected content-type text/plain or application/json"
            await send_problem(send, 415, "Unsupported media type", detail, _CORS)
            return
        try:
            batch = decode(await read_body(headers, receive))
        except TooLargeError as error:
            await send_problem(send, 413, "Too large", str(error), _CORS)
            return
        except MalformedError as error:
            await send_problem(send, 400, "Malformed", str(error), _CORS)
            return
        except ClientGoneError:
            return
        arrival = Arrival(
            batch,
            scope[ADDRESS],
            headers[b"origin"].decode("latin-1").lower() if b"origin" in headers else None,
            headers.get(b"user-agent", b"").decode("latin-1"),
            headers.get(b"sec-gpc") == b"1",
            self._clock(),
        )
        outcome = self._pipeline.admit(arrival)
        key = b""
        if outcome is None:
            if batch.batch:
                key = key_of(arrival.site.id, batch.batch)
                if self._batches.is_under_way(key):
                    await self._batches.end_of(key)
            is_copy = key and self._batches.is_stored(key, arrival.now)
            outcome = self._pipeline.refuse(arrival, DropReason.DUPLICATE) if is_copy else self._pipeline.run(arrival)
        if outcome.lines:
            try:
                await self._store(arrival, outcome, key)
            except SpoolFullError:
                await send_problem(send, 503, "Cannot store now", "Nothing of this request was stored.", _RETRY)
                return
        else:
            self._pipeline.count(arrival, outcome)
        if outcome.dropped:
            await _answer_dropped(outcome, send)
        else:
            await send(_START_ACCEPTED)
            await send(_END)

    def _store(self, arrival: Arrival, outcome: Outcome, key: bytes) -> "asyncio.Future[None]":
        """Put the lines on disk and count them, also where nobody waits any more; refused, all is taken back."""
        if key:
            self._batches.begin(key)

        def settle(is_stored: bool) -> None:  # Its only argument.
            if key:
                self._batches.end(key, is_stored=is_stored)
            if is_stored:
                self._pipeline.count(arrival, outcome)
            else:
                self._pipeline.take_back(arrival)

        return self._spool.submit(outcome.lines, settle)


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()


async def _answer_dropped(outcome: Outcome, send: Send) -> None:
    text = ", ".join(f"{reason}={count}" for reason, count in outcome.dropped.items())
    headers = [(b"x-firmly-dropped", text.encode()), *_EXPOSED]
    if outcome.refusal not in _REFUSALS:
        await _answer(send, 202, [*headers, (b"content-length", b"0")])
        return
    status, title, detail = _REFUSALS[outcome.refusal]
    if status == 429:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    await send_problem(send, status, title, detail, headers)


async def _answer(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_END)
