"""What all of `/f/c` shares: which requests may be looked at, where the receipt comes from, how answers look.

Here alone the receipt travels: in an `HttpOnly` cookie bound to `/f/c`, or in the body where the
collector is on another site than the page; never in an address.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
import orjson
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.database import ControlPlaneUnavailableError
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.collect.body import ClientGoneError, read_body
from firmly.collect.edge import ADDRESS
from firmly.collect.problem import problem_body
from firmly.consent.choice import CHOICE_COOKIE
from firmly.consent.log import ConsentLogError
from firmly.consent.receipt import RECEIPT_COOKIE, Receipts
from firmly.measure.rates import RateLimiter
from firmly.measure.wire import MalformedError, TooLargeError
from firmly.model import Clock

R = TypeVar("R")

PER_SOURCE = 60
PER_SITE = 5_000
"""Requests in ten seconds, of all routes together. Guessing receipts is hopeless at 128 bits, and slow besides
(RULES R27)."""
APPENDING_PER_SOURCE = 30
APPENDING_PER_SITE = 300
"""Of them those that add to the log, which never shrinks."""
THREADS = 4
RETRY_AFTER_S = "10"

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Receipt = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{2,35}\Z")]


class Body(Protocol):
    """What every body of these routes has."""

    @property
    def site(self) -> str: ...

    @property
    def receipt(self) -> str | None: ...


B = TypeVar("B", bound=Body)


class ConsentDoor:
    """``is_https``: whether cookies can be `Secure`."""

    def __init__(self, directory: SiteDirectory, receipts: Receipts, clock: Clock, *, is_https: bool) -> None:
        self._directory = directory
        self._receipts = receipts
        self._clock = clock
        self._is_https = is_https
        self._rates = RateLimiter(PER_SOURCE, PER_SITE)
        self._appending_rates = RateLimiter(APPENDING_PER_SOURCE, APPENDING_PER_SITE)
        self._threads = CapacityLimiter(THREADS)

    def turn(self, now: datetime) -> None:
        """Let the keys under which sources are counted die in time, also while nobody asks."""
        self._rates.turn(now)
        self._appending_rates.turn(now)

    async def admit(self, request: Request, shape: type[B], *, appends: bool = False) -> tuple[Site, B] | Response:
        """Return the site and the body of a request that may be looked at, else the answer to it.

        ``appends``: whether it adds to the log.
        """
        body = await _read(request, shape)
        if isinstance(body, Response):
            return body
        site = self._site(request, body.site, appends=appends)
        return site if isinstance(site, Response) else (site, body)

    async def apart(self, work: Callable[..., R], *arguments: object) -> R:
        """Do blocking work in threads of these routes' own, so that a flood here leaves the dashboard's alone."""
        return await to_thread.run_sync(work, *arguments, limiter=self._threads)

    async def answered(self, request: Request, refused: str, answer: Callable[[], Awaitable[Response]]) -> Response:
        """Return the answer, or 503 with ``refused`` where records cannot be reached or their log does not hold."""
        try:
            return await answer()
        except (ControlPlaneUnavailableError, ConsentLogError):
            response = problem(503, "Records cannot be reached now", refused, request)
            response.headers["retry-after"] = RETRY_AFTER_S
            return response

    def receipt(self, request: Request, site: Site, in_body: str | None) -> str | None:
        receipt = in_body or request.cookies.get(f"{RECEIPT_COOKIE}_{site.key}")
        return receipt if receipt and self._receipts.is_well_formed(receipt) else None

    def set_choice(self, response: Response, value: str, until: date) -> None:
        max_age = self._seconds_until(until)
        response.set_cookie(CHOICE_COOKIE, value, max_age, path="/", secure=self._is_https, samesite="lax")

    def set_receipt(self, response: Response, site: Site, receipt: str, until: date) -> None:
        self._set_receipt(response, site, receipt, self._seconds_until(until))

    def remove_receipt(self, response: Response, site: Site) -> None:
        self._set_receipt(response, site, "", 0)

    def _set_receipt(self, response: Response, site: Site, value: str, max_age: int) -> None:
        name = f"{RECEIPT_COOKIE}_{site.key}"
        secure = self._is_https
        response.set_cookie(name, value, max_age, path="/f/c", secure=secure, httponly=True, samesite="lax")

    def _seconds_until(self, day: date) -> int:
        return int((datetime.combine(day, time(), UTC) - self._clock()).total_seconds())

    def _site(self, request: Request, key: str, *, appends: bool) -> Site | Response:
        site = self._directory.get(key)
        if site is None:
            return problem(404, "Unknown site", "Expected at `$.site` the key of a site of this installation", request)
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in site.origins:
            return problem(403, "Origin not allowed", "Expected an Origin that the site's settings list", request)
        request.state.origin = origin
        limits = (self._rates, self._appending_rates) if appends else (self._rates,)
        if not all(rates.admits(site.id, request.scope[ADDRESS], self._clock()) for rates in limits):
            return problem(429, "Too many requests", "Expected fewer requests from this source", request)
        return site


async def _read(request: Request, shape: type[B]) -> B | Response:
    try:
        return msgspec.json.decode(await read_body(dict(request.scope["headers"]), request.receive), type=shape)
    except TooLargeError as error:
        return problem(413, "Too large", str(error), request)
    except (MalformedError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return problem(400, "Malformed", str(error), request)
    except ClientGoneError:
        return Response(status_code=400)


def is_cross_site(request: Request) -> bool:
    """Tell whether the browser says that page and collector are on different sites (Fetch Metadata).

    Then a cookie of ours would be a third party's, which browsers refuse or keep apart.
    """
    return request.headers.get("sec-fetch-site") == "cross-site"


def start_of(day: date) -> str:
    """Return when a day begins (UTC), as answers write moments."""
    return f"{day.isoformat()}T00:00:00Z"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def answer_json(status: int, content: dict[str, Any], request: Request) -> Response:
    return answer(status, orjson.dumps(content), "application/json", request)


def answer(status: int, content: bytes, media_type: str, request: Request) -> Response:
    return Response(content, status, {"cache-control": "no-store", **_cors(request)}, media_type)


def problem(status: int, title: str, detail: str, request: Request) -> Response:
    return answer(status, problem_body(status, title, detail), "application/problem+json", request)


def _cors(request: Request) -> dict[str, str]:
    origin = getattr(request.state, "origin", None)
    if not origin:
        return {"vary": "origin"}
    return {"access-control-allow-origin": origin, "access-control-allow-credentials": "true", "vary": "origin"}
