"""`POST /f/e`: the hot path, a raw ASGI application. Answers 202 after the events are on disk.

CORS: any origin may call, without credentials; a `text/plain` body needs no preflight. Which origins
count is the pipeline's step. Consent and origin fail closed; storage that refuses answers 503.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from firmly.collect.body import ClientGoneError, read_body
from firmly.collect.edge import ADDRESS
from firmly.collect.problem import Headers, send_problem
from firmly.measure.arrival import Arrival
from firmly.measure.batches import BatchMemory
from firmly.measure.pipeline import Outcome, Pipeline
from firmly.measure.wire import MalformedError, TooLargeError, decode
from firmly.model import Clock, DropReason
from firmly.spool.writer import Spool, SpoolFullError

RETRY_AFTER_S = 10

_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-firmly-dropped, retry-after"),
]
_PREFLIGHT: Headers = [
    *_CORS,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]
_ACCEPTED: Headers = [*_CORS, (b"content-length", b"0"), (b"cache-control", b"no-store")]
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
        if method == "OPTIONS":
            await _answer(send, 204, _PREFLIGHT)
        elif method != "POST":
            await send_problem(send, 405, "Method not allowed", "Expected POST", [(b"allow", b"POST, OPTIONS"), *_CORS])
        else:
            await self._post(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin, user_agent, content_type, objects = _headers_of(scope)
        if content_type not in ("text/plain", "application/json"):
            detail = "Expected content-type text/plain or application/json"
            await send_problem(send, 415, "Unsupported media type", detail, _CORS)
            return
        try:
            batch = decode(await read_body(scope, receive))
        except TooLargeError as error:
            await send_problem(send, 413, "Too large", str(error), _CORS)
        except MalformedError as error:
            await send_problem(send, 400, "Malformed", str(error), _CORS)
        except ClientGoneError:
            return
        else:
            arrival = Arrival(batch, scope[ADDRESS], origin, user_agent, objects, self._clock())
            await self._take(arrival, send)

    async def _take(self, arrival: Arrival, send: Send) -> None:
        outcome = self._pipeline.admit(arrival) or await self._run(arrival)
        if not await self._store(arrival, outcome):
            retry = [(b"retry-after", str(RETRY_AFTER_S).encode()), *_CORS]
            await send_problem(send, 503, "Cannot store now", "Nothing of this request was stored. Try later.", retry)
            return
        self._pipeline.count(arrival, outcome)
        if outcome.refusal in _REFUSALS:
            status, title, detail = _REFUSALS[outcome.refusal]
            retry_after = [(b"retry-after", b"10")] if status == 429 else []
            await send_problem(send, status, title, detail, [*_dropped(outcome.dropped), *retry_after, *_CORS])
            return
        await _answer(send, 202, _named(outcome.dropped) if outcome.dropped else _ACCEPTED)

    async def _run(self, arrival: Arrival) -> Outcome:
        batch = arrival.batch.batch
        if batch and await self._batches.is_stored(arrival.the_site.id, batch, arrival.now):
            return self._pipeline.refuse(arrival, DropReason.DUPLICATE)
        return self._pipeline.run(arrival)

    async def _store(self, arrival: Arrival, outcome: Outcome) -> bool:
        """Put the lines on disk; False, and everything taken back, where that is refused."""
        if not outcome.lines:
            return True
        site_id, batch = arrival.the_site.id, arrival.batch.batch
        if batch:
            self._batches.begin(site_id, batch)
        written = self._spool.submit(outcome.lines)

        def settle(done: asyncio.Future[None]) -> None:
            """Draw the consequences also where the client is gone and its request was cancelled."""
            is_stored = done.exception() is None
            if batch:
                self._batches.end(site_id, batch, is_stored=is_stored)
            if not is_stored:
                self._pipeline.take_back(arrival)

        written.add_done_callback(settle)
        try:
            await asyncio.shield(written)
        except SpoolFullError:
            return False
        return True


def _headers_of(scope: Scope) -> tuple[str | None, str, str, bool]:
    """Return origin, user agent, content type without parameters, and whether `Sec-GPC: 1` is set."""
    origin: str | None = None
    user_agent, content_type, objects = "", "", False
    for name, value in scope["headers"]:
        if name == b"origin":
            origin = value.decode("latin-1").lower()
        elif name == b"user-agent":
            user_agent = value.decode("latin-1")
        elif name == b"content-type":
            content_type = value.decode("latin-1").partition(";")[0].strip().lower()
        elif name == b"sec-gpc":
            objects = value.strip() == b"1"
    return origin, user_agent, content_type, objects


def _dropped(dropped: Mapping[DropReason, int]) -> Headers:
    text = ", ".join(f"{reason}={count}" for reason, count in dropped.items())
    return [(b"x-firmly-dropped", text.encode())]


def _named(dropped: Mapping[DropReason, int]) -> Headers:
    return [*_dropped(dropped), *_ACCEPTED]


async def _answer(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
