"""Puts the pages together as one ASGI application, to be mounted at `/app`."""

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from firmly.accounts.service import Accounts
from firmly.leads.service import Leads
from firmly.model import Clock, InvalidInputError
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web import correction_pages, lead_pages, site_pages
from firmly.web.assets import Assets
from firmly.web.csrf import Csrf
from firmly.web.door import for_members
from firmly.web.failures import Failures
from firmly.web.headers import SecurityHeaders
from firmly.web.pages import Pages
from firmly.web.parts import PREFIX, Parts
from firmly.web.sessions import HOME, Sessions
from firmly.web.signing import Signing

MAX_BODY_BYTES = 16 * 1024


def build_web(
    accounts: Accounts,
    leads: Leads,
    *,
    clock: Clock,
    secret_keys: Sequence[str],
    base_url: str,
    dashboards: Path,
) -> ASGIApp:
    """Return the application. ``secret_keys``: newest first. ``base_url`` decides about https:
    cookies that only travel encrypted, and HSTS. ``dashboards`` holds `templates/` and `static/`.
    """
    https = base_url.startswith("https://")
    sessions, csrf = Sessions(accounts, https), Csrf(secret_keys, https)
    assets = Assets(dashboards / "static", PREFIX)
    pages = Pages(dashboards / "templates", assets, sessions, csrf, clock)
    parts = Parts(accounts, leads, sessions, csrf, pages, clock, base_url)
    failures = Failures(pages)
    application = Starlette(
        routes=_routes(parts, assets),
        exception_handlers={
            HTTPException: failures.http,
            InvalidInputError: failures.input,
            WarehouseUnavailableError: failures.away,
            Exception: failures.broken,
        },
        max_body_size=MAX_BODY_BYTES,
    )
    # A slash too many is a wrong address, not a redirect built from what the request calls its host.
    application.router.redirect_slashes = False
    return SecurityHeaders(application, https)


def _routes(parts: Parts, assets: Assets) -> list[Route]:
    signing, correcting = Signing(parts), correction_pages.Correcting(parts)
    return [
        Route("/", _home),
        Route("/leads", for_members(parts, lead_pages.leads)),
        Route("/leads/{org_id}", for_members(parts, lead_pages.company)),
        Route("/leads/{org_id}/reach", for_members(parts, correction_pages.reach)),
        Route("/corrections", for_members(parts, correction_pages.corrections), methods=["GET"]),
        Route("/corrections", correcting.add, methods=["POST"]),
        Route("/corrections/remove", correcting.remove, methods=["POST"]),
        Route("/coverage", for_members(parts, site_pages.coverage)),
        Route("/sites", for_members(parts, site_pages.sites)),
        Route("/sign-in", signing.show, methods=["GET"]),
        Route("/sign-in", signing.sign_in, methods=["POST"]),
        Route("/sign-out", signing.sign_out, methods=["POST"]),
        Route("/static/{digest}/{name:path}", assets.serve),
    ]


def _home(_request: Request) -> Response:
    return RedirectResponse(HOME, 303)
