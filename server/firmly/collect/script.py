"""`GET /f/{site}.js`: the script with the site's configuration inside, the only request before a choice."""

import gzip
from dataclasses import dataclass
from hashlib import sha256

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.database import ControlPlaneUnavailableError
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.collect.problem import problem_body
from firmly.consent.banner import SnippetFiles, banner_of, script_of
from firmly.consent.service import Consent

MAX_AGE_S = 300


@dataclass(frozen=True, slots=True)
class _Script:
    """A script as it is served; ``version`` is the hash of its bytes, for the ETag."""

    version: str
    plain: bytes
    gzipped: bytes


@dataclass(frozen=True, slots=True)
class _Ready:
    """A site's scripts: the usual one, and that for browsers which object with their request."""

    site: Site
    usual: _Script
    objecting: _Script


class ScriptShelf:
    """Puts scripts together, keeps their banner version on record before the first is served, and serves them."""

    def __init__(self, directory: SiteDirectory, consent: Consent, files: SnippetFiles) -> None:
        self._directory = directory
        self._consent = consent
        self._files = files
        self._ready: dict[str, _Ready] = {}

    async def serve(self, request: Request) -> Response:
        site = self._directory.get(request.path_params["site"])
        if site is None:
            body = problem_body(404, "Unknown site", "Expected /f/{key}.js with the key of a site of this installation")
            return Response(body, 404, media_type="application/problem+json")
        ready = self._ready.get(site.key)
        if ready is None or ready.site != site:
            try:
                ready = self._ready[site.key] = await run_in_threadpool(self._prepare, site)
            except ControlPlaneUnavailableError:
                if ready is None:
                    return _unavailable()
                # The script as it was until now: its banner version is on record, the new one's could not be put there.
        script = ready.objecting if request.headers.get("sec-gpc") == "1" else ready.usual
        etag = f'"{script.version[:32]}"'
        headers = {
            "cache-control": f"public, max-age={MAX_AGE_S}, stale-while-revalidate=300",
            "etag": etag,
            "vary": "accept-encoding, sec-gpc",
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
            "x-content-type-options": "nosniff",
        }
        if etag in _etags(request.headers.get("if-none-match", "")):
            return Response(None, 304, headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(script.gzipped, 200, headers, "text/javascript; charset=utf-8")
        return Response(script.plain, 200, headers, "text/javascript; charset=utf-8")

    def _prepare(self, site: Site) -> _Ready:
        banner = banner_of(site, self._files)
        unchanged = self._consent.keep_banner(site, banner)
        usual, objecting = (
            _packed(script_of(site, self._files, banner.version, unchanged, objects=objects))
            for objects in (False, True)
        )
        return _Ready(site, usual, objecting)


def _packed(script: bytes) -> _Script:
    return _Script(sha256(script).hexdigest(), script, gzip.compress(script, 9, mtime=0))


def _unavailable() -> Response:
    body = problem_body(503, "The script cannot be put together now", "Ask again in a minute")
    headers = {"retry-after": "60", "cache-control": "no-store"}
    return Response(body, 503, headers, "application/problem+json")


def _etags(if_none_match: str) -> list[str]:
    """Return the tags a cache holds; one that a proxy weakened by compressing counts too (RFC 9110, 13.1.2)."""
    return [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
