"""What a stored banner version was: its preferences module, and its exact bytes. Neither ever changes.

`GET /f/{site}/{first 16 digits of version}/{language}.js` and `GET /f/{site}/{version}.json`.
"""

import gzip
import re
from collections import OrderedDict
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.database import ControlPlaneUnavailableError
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.collect.problem import problem_body
from firmly.consent.banner import SHORT, preferences_of
from firmly.consent.versions import BannerVersions

MAX_AGE_S = 365 * 24 * 3600
READY = 256
"""How many answers are held in memory, ready to be sent."""
THREADS = 2

_SHORT = re.compile(rf"[0-9a-f]{{{SHORT}}}")
_WHOLE = re.compile(r"[0-9a-f]{64}")
_LANGUAGE = re.compile(r"[a-z0-9-]{2,35}")


@dataclass(frozen=True, slots=True)
class _Ready:
    plain: bytes
    gzipped: bytes


class VersionShelf:
    """Serves stored versions to everybody, also those that the site no longer shows."""

    def __init__(self, directory: SiteDirectory, versions: BannerVersions) -> None:
        self._directory = directory
        self._versions = versions
        self._ready: OrderedDict[tuple[int, str, str], _Ready] = OrderedDict()
        self._threads = CapacityLimiter(THREADS)

    async def serve_preferences(self, request: Request) -> Response:
        digits, language = request.path_params["digits"], request.path_params["language"]
        if not _SHORT.fullmatch(digits) or not _LANGUAGE.fullmatch(language):
            return _unknown()
        return await self._serve(request, digits, language, "text/javascript; charset=utf-8")

    async def serve_bundle(self, request: Request) -> Response:
        version = request.path_params["version"]
        return await self._serve(request, version, "", "application/json") if _WHOLE.fullmatch(version) else _unknown()

    async def _serve(self, request: Request, digits: str, language: str, media_type: str) -> Response:
        site = self._directory.get(request.path_params["site"])
        if site is None:
            return _unknown()
        try:
            ready = await self._find(site, digits, language)
        except ControlPlaneUnavailableError:
            return _unavailable()
        return _answer(request, ready, media_type) if ready else _unknown()

    async def _find(self, site: Site, digits: str, language: str) -> _Ready | None:
        key = (site.id, digits, language)
        ready = self._ready.get(key)
        if ready is None:
            # Threads of these routes' own: who asks for what is not there holds up nobody else.
            ready = await to_thread.run_sync(self._prepare, site, digits, language, limiter=self._threads)
            if ready is None:
                return None
            self._ready[key] = ready
            if len(self._ready) > READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return ready

    def _prepare(self, site: Site, digits: str, language: str) -> _Ready | None:
        bundle = self._versions.bundle(site, digits)
        plain = preferences_of(bundle, language) if bundle and language else bundle
        return _Ready(plain, gzip.compress(plain, 9, mtime=0)) if plain else None


def _answer(request: Request, ready: _Ready, media_type: str) -> Response:
    headers = {
        "cache-control": f"public, max-age={MAX_AGE_S}, immutable",
        "vary": "accept-encoding",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(ready.gzipped, 200, headers | {"content-encoding": "gzip"}, media_type)
    return Response(ready.plain, 200, headers, media_type)


def _unknown() -> Response:
    body = problem_body(404, "Unknown banner", "Expected a version that this site has served, in one of its languages")
    return Response(body, 404, {"cache-control": "no-store"}, "application/problem+json")


def _unavailable() -> Response:
    body = problem_body(503, "The banner cannot be looked up now", "Ask again in a minute")
    return Response(body, 503, {"retry-after": "60", "cache-control": "no-store"}, "application/problem+json")
