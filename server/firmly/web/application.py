"""Puts the pages together as one ASGI application, to be mounted at `/app`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp

from firmly.accounts.database import ControlPlaneUnavailableError
from firmly.accounts.lockout import Lockout
from firmly.accounts.scope import NotAllowedError
from firmly.accounts.service import Accounts
from firmly.consent.counts import ConsentCounts
from firmly.leads.company_data.service import CompanyData
from firmly.leads.records import LeadRecords
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.measure.device import Devices
from firmly.model import Clock, FirmlyError, InvalidInputError
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web.assets import Assets
from firmly.web.csrf import Csrf
from firmly.web.export_jobs import ExportJobs
from firmly.web.failures import Failures
from firmly.web.headers import SecurityHeaders
from firmly.web.news import News
from firmly.web.pages import Pages
from firmly.web.parts import PREFIX, Parts
from firmly.web.post import Post
from firmly.web.provider_pages import Providing
from firmly.web.routes import member_routes, open_routes
from firmly.web.sessions import Sessions

if TYPE_CHECKING:
    from firmly.accounts.openid import OpenId  # At run time only where a provider is set: it is slow to load.

MAX_BODY_BYTES = 32 * 1024
NOT_PACKED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/*", "text/csv")
"""Files that are exported go as they are: they are sent while they are read, and their length is known."""


def build_web(
    accounts: Accounts,
    leads: Leads,
    records: LeadRecords,
    company_data: CompanyData,
    consent: ConsentCounts,
    outbox: Outbox,
    devices: Devices,
    *,
    clock: Clock,
    secret_keys: Sequence[str],
    base_url: str,
    dashboards: Path,
    openid: "OpenId | None" = None,
    provider_name: str = "",
    exports: ExportJobs | None = None,
    news: News | None = None,
) -> ASGIApp:
    """Return the application. ``secret_keys``: newest first. ``base_url`` decides about https:
    cookies that only travel encrypted, and HSTS. ``dashboards`` holds `templates/` and `static/`.
    """
    https = base_url.startswith("https://")
    sessions, csrf = Sessions(accounts.sign_in, https), Csrf(secret_keys, https)
    assets = Assets(dashboards / "static", PREFIX)
    pages = Pages(dashboards / "templates", assets, sessions, csrf, clock)
    parts = Parts(
        accounts,
        leads,
        records,
        company_data,
        sessions,
        csrf,
        pages,
        clock,
        base_url,
        outbox,
        Post(outbox, base_url, clock),
        openid,
        provider_name if openid else "",
        Lockout(),
        devices,
        exports or ExportJobs(clock),
        consent,
        news,
    )
    failures = Failures(pages)
    application = Starlette(
        routes=[*open_routes(parts, assets, Providing(parts, secret_keys, https)), *member_routes(parts)],
        exception_handlers={
            HTTPException: failures.http,
            InvalidInputError: failures.input,
            NotAllowedError: failures.not_allowed,
            ControlPlaneUnavailableError: failures.no_accounts,
            WarehouseUnavailableError: failures.away,
            FirmlyError: failures.refused,
            Exception: failures.broken,
        },
        max_body_size=MAX_BODY_BYTES,
    )
    # A slash too many is a wrong address, not a redirect built from what the request calls its host.
    application.router.redirect_slashes = False
    # A page's length tells of its content to whoever sees it beside words of their own (BREACH). There is nothing to
    # gain: a form's token is worth nothing without the cookies, and these come with no other site's requests.
    packed = GZipMiddleware(application, minimum_size=1024, compresslevel=5, exclude_content_types=NOT_PACKED)
    return SecurityHeaders(packed, https)
