"""`POST /f/c` and `POST /f/c/token`: a visitor's choice, and a fresh token while it stands.

Here alone the receipt travels: in an `HttpOnly` cookie bound to `/f/c`, or in the body where the
collector is on another site than the page. Fails closed: what is not a clear choice grants nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.collect.body import ClientGoneError, read_body
from firmly.collect.edge import ADDRESS
from firmly.collect.problem import problem_body
from firmly.consent.banner import CATEGORIES
from firmly.consent.choice import CHOICE_COOKIE, Action, Category, Granted, fits
from firmly.consent.receipt import RECEIPT_COOKIE, Receipts
from firmly.consent.service import Choice, Chosen, Consent, Token
from firmly.measure.rates import RateLimiter
from firmly.measure.wire import MalformedError, TooLargeError
from firmly.model import Clock

R = TypeVar("R")

PER_SOURCE = 60
PER_SITE = 5_000
"""Requests in ten seconds. Guessing receipts is hopeless at 128 bits and slow besides (RULES R27)."""
THREADS = 4

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Receipt = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]


class ChoiceBody(msgspec.Struct, frozen=True):
    site: Key
    banner: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{2,35}\Z")]
    action: Action
    choices: dict[Category, bool]
    source: Annotated[str, msgspec.Meta(pattern=r"^(banner|preferences|api)\Z")]
    receipt: Receipt | None = None

    @property
    def granted(self) -> Granted:
        """Only a clear yes to what the banner asks for grants; what was not asked cannot be agreed to."""
        return frozenset(category for category in CATEGORIES if self.choices.get(category) is True)


class TokenBody(msgspec.Struct, frozen=True):
    site: Key
    receipt: Receipt | None = None


B = TypeVar("B", ChoiceBody, TokenBody)


class Choices:
    """Answers the two routes. ``is_https``: whether cookies can be `Secure`."""

    def __init__(
        self,
        directory: SiteDirectory,
        consent: Consent,
        receipts: Receipts,
        clock: Clock,
        languages: Iterable[str],
        *,
        is_https: bool,
    ) -> None:
        self._directory = directory
        self._consent = consent
        self._receipts = receipts
        self._clock = clock
        self._languages = frozenset(languages)
        self._is_https = is_https
        self._rates = RateLimiter(PER_SOURCE, PER_SITE)
        self._threads = CapacityLimiter(THREADS)

    async def choose(self, request: Request) -> Response:
        asked = await self._asked(request, ChoiceBody)
        if isinstance(asked, Response):
            return asked
        site, body = asked
        if not fits(body.action, body.granted, CATEGORIES):
            return _problem(400, "Malformed", f"`$.choices` contradict `$.action` {body.action.value!r}", request)
        if body.language not in self._languages:
            return _problem(400, "Unknown language", "Expected at `$.language` a language of the banner", request)
        choice = Choice(body.action, body.granted, body.banner, body.language, body.source)
        chosen = await self._apart(self._consent.choose, site, choice, self._receipt(request, site, body.receipt))
        if chosen is None:
            return _problem(400, "Unknown banner", "Expected at `$.banner` a version served for this site", request)
        return self._answer_choice(request, site, chosen)

    async def renew(self, request: Request) -> Response:
        asked = await self._asked(request, TokenBody)
        if isinstance(asked, Response):
            return asked
        site, body = asked
        receipt = self._receipt(request, site, body.receipt)
        token = await self._apart(self._consent.renew, site, receipt) if receipt else None
        if token is None:
            return _problem(404, "No consent stands", "Ask the visitor", request)
        return _json(200, _token_fields(token), request)

    def turn(self, now: datetime) -> None:
        """Let the key under which sources are counted die in time, also while nobody asks."""
        self._rates.turn(now)

    async def _asked(self, request: Request, shape: type[B]) -> tuple[Site, B] | Response:
        """Return the site and the body of a request that may be looked at, else the answer to it."""
        body = await _read(request, shape)
        if isinstance(body, Response):
            return body
        site = self._site(request, body.site)
        return site if isinstance(site, Response) else (site, body)

    def _answer_choice(self, request: Request, site: Site, chosen: Chosen) -> Response:
        is_elsewhere = _is_cross_site(request)
        response = _json(
            201,
            {
                **_token_fields(chosen.token),
                "choice": chosen.cookie_value,
                "choice_expires_at": _iso(chosen.expires_at),
                "receipt": chosen.receipt if is_elsewhere else None,
            },
            request,
        )
        if not is_elsewhere:
            self._set_cookies(response, site, chosen)
        return response

    def _set_cookies(self, response: Response, site: Site, chosen: Chosen) -> None:
        max_age = int((chosen.expires_at - self._clock()).total_seconds())
        response.set_cookie(
            CHOICE_COOKIE, chosen.cookie_value, max_age, path="/", secure=self._is_https, samesite="lax"
        )
        response.set_cookie(
            f"{RECEIPT_COOKIE}_{site.key}",
            chosen.receipt,
            max_age,
            path="/f/c",
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )

    def _site(self, request: Request, key: str) -> Site | Response:
        site = self._directory.get(key)
        if site is None:
            return _problem(404, "Unknown site", "Expected at `$.site` the key of a site of this installation", request)
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in site.origins:
            return _problem(403, "Origin not allowed", "Expected an Origin that the site's settings list", request)
        request.state.origin = origin
        if not self._rates.admits(site.id, request.scope[ADDRESS], self._clock()):
            return _problem(429, "Too many requests", "Expected fewer requests from this source", request)
        return site

    async def _apart(self, work: Callable[..., R], *arguments: object) -> R:
        """Do blocking work in threads of these routes' own, so that a flood here leaves the dashboard's alone."""
        return await to_thread.run_sync(work, *arguments, limiter=self._threads)

    def _receipt(self, request: Request, site: Site, in_body: str | None) -> str | None:
        receipt = in_body or request.cookies.get(f"{RECEIPT_COOKIE}_{site.key}")
        return receipt if receipt and self._receipts.is_well_formed(receipt) else None


async def _read(request: Request, shape: type[B]) -> B | Response:
    try:
        return msgspec.json.decode(await read_body(dict(request.scope["headers"]), request.receive), type=shape)
    except TooLargeError as error:
        return _problem(413, "Too large", str(error), request)
    except (MalformedError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _problem(400, "Malformed", str(error), request)
    except ClientGoneError:
        return Response(status_code=400)


def _is_cross_site(request: Request) -> bool:
    """Tell whether the browser says that page and collector are on different sites (Fetch Metadata).

    Then a cookie of ours would be a third party's, which browsers refuse or keep apart.
    """
    return request.headers.get("sec-fetch-site") == "cross-site"


def _token_fields(token: Token | None) -> dict[str, str | None]:
    return {
        "token": token.value if token else None,
        "expires_at": _iso(token.expires_at) if token else None,
    }


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _cors(request: Request) -> dict[str, str]:
    origin = getattr(request.state, "origin", None)
    if not origin:
        return {"vary": "origin"}
    return {"access-control-allow-origin": origin, "access-control-allow-credentials": "true", "vary": "origin"}


def _json(status: int, content: dict[str, Any], request: Request) -> Response:
    headers = {"cache-control": "no-store", **_cors(request)}
    return Response(orjson.dumps(content), status, headers, "application/json")


def _problem(status: int, title: str, detail: str, request: Request) -> Response:
    headers = {"cache-control": "no-store", **_cors(request)}
    return Response(problem_body(status, title, detail), status, headers, "application/problem+json")
