"""`POST /f/r`: which rule holds for a visitor, on sites whose controller has made rules for countries.

The one look-up that may run before consent (RULES R14). It answers with the rule's name, and nothing of it is
logged, counted or kept. Any doubt is answered with the strictest rule.
"""

from datetime import datetime
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.collect.body import ClientGoneError, read_body
from firmly.collect.consent_door import PER_SITE, PER_SOURCE, RETRY_AFTER_S, Key
from firmly.collect.edge import ADDRESS
from firmly.collect.problem import problem_body
from firmly.measure.rates import RateLimiter
from firmly.measure.wire import MalformedError, TooLargeError
from firmly.model import Clock
from firmly.organisations.address import Address

ASK, INFORM = b'{"rule":"ask"}', b'{"rule":"inform"}'

_HEADERS = {"access-control-allow-origin": "*", "cache-control": "no-store"}


class Countries(Protocol):
    def holds(self, address: Address, among: frozenset[str], /) -> bool: ...


class RuleBody(msgspec.Struct, frozen=True):
    site: Key


class CountryRule:
    """``countries`` is None where the installation has no country file: everybody is asked."""

    def __init__(self, directory: SiteDirectory, countries: Countries | None, clock: Clock) -> None:
        self._directory = directory
        self._countries = countries
        self._clock = clock
        self._rates = RateLimiter(PER_SOURCE, PER_SITE)

    def turn(self, now: datetime) -> None:
        """Let the key under which sources are counted die in time, also while nobody asks."""
        self._rates.turn(now)

    async def serve(self, request: Request) -> Response:
        try:
            body = msgspec.json.decode(await read_body(dict(request.scope["headers"]), request.receive), type=RuleBody)
        except TooLargeError as error:
            return _problem(413, "Too large", str(error))
        except (MalformedError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _problem(400, "Malformed", str(error))
        except ClientGoneError:
            return Response(status_code=400)
        return self._answer(request, body.site)

    def _answer(self, request: Request, key: str) -> Response:
        address: Address = request.scope[ADDRESS]
        site = self._directory.get(key)
        if site is None:
            return _problem(404, "Unknown site", "Expected at `$.site` the key of a site of this installation")
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in site.origins:
            return _problem(403, "Origin not allowed", "Expected an Origin that the site's settings list")
        if not self._rates.admits(site.id, address, self._clock()):
            return _problem(429, "Too many requests", "Expected fewer requests from this source")
        # What the browser refuses for its visitor is refused: then nothing needs to be known.
        informs = request.headers.get("sec-gpc") != "1" and self._informs(site, address)
        address.drop()
        return Response(INFORM if informs else ASK, 200, _HEADERS, "application/json")

    def _informs(self, site: Site, address: Address) -> bool:
        among = site.informs_in
        return bool(among) and self._countries is not None and self._countries.holds(address, among)


def _problem(status: int, title: str, detail: str) -> Response:
    retry = {"retry-after": RETRY_AFTER_S} if status == 429 else {}
    return Response(problem_body(status, title, detail), status, _HEADERS | retry, "application/problem+json")
