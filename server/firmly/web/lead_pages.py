"""The list of leads and a company's page."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import may_correct
from firmly.accounts.scope import Scope
from firmly.leads.company import Company
from firmly.leads.coverage import Coverage
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.lead import LeadPage
from firmly.model import Problem
from firmly.web.asking import CHOICES, Span, read_after, read_asked, read_span
from firmly.web.charts import day_chart
from firmly.web.parts import Parts

LIST = "/app/leads"
NOTHING_GIVEN: Mapping[str, str] = MappingProxyType({})


def leads(parts: Parts, request: Request, scope: Scope) -> Response:
    """Show the list, or only its changing part to htmx; 204 when that part is already shown."""
    sites = parts.accounts.sites(scope)
    asked = read_asked(request.query_params, parts.leads.today(), sites)
    page = parts.leads.list(scope, asked.filter, asked.after)
    coverage = parts.leads.coverage(scope, asked.span.days, asked.filter.site)
    seen = _fingerprint(page, coverage, parts.clock())
    is_part = "hx-request" in request.headers and "hx-history-restore-request" not in request.headers
    if is_part and request.query_params.get("seen") == seen:
        return Response(status_code=204)
    context: dict[str, Any] = {
        "asked": asked,
        "page": page,
        "coverage": coverage,
        "seen": seen,
        "sites": sites,
        "base_url": parts.base_url,
        "is_silent": not page.total and not coverage.measured and not parts.leads.activity(scope),
    }
    if not is_part:
        return parts.pages.page(request, "leads.html", scope, choices=CHOICES, **context)
    response = parts.pages.part("_leads.html", **context)
    if "seen" not in request.query_params:
        response.headers["hx-replace-url"] = asked.address(LIST)
    return response


def company(parts: Parts, request: Request, scope: Scope) -> Response:
    """Show a company; 404 for every one that this workspace may not see, on to what stands for a merged one."""
    org_id = org_id_of(request.path_params["org_id"])
    span = read_span(request.query_params, parts.leads.today())
    found = parts.leads.company(scope, org_id, span.days, read_after(request.query_params)) if org_id else None
    if found is None:
        raise HTTPException(404)
    if found.identity.org_id != org_id:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{LIST}/{org_id_text(found.identity.org_id)}{query}", 303)
    return company_page(parts, request, scope, found, span)


def company_page(
    parts: Parts,
    request: Request,
    scope: Scope,
    found: Company,
    span: Span,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
) -> Response:
    """Render a company; ``problems`` and ``given`` are those of a correction that could not be added."""
    return parts.pages.page(
        request,
        "company.html",
        scope,
        status,
        company=found,
        identity=found.identity,
        span=span,
        choices=CHOICES,
        chart=day_chart(found.days, span.days),
        site_names={site.id: site.name for site in parts.accounts.sites(scope)},
        is_first_page="after" not in request.query_params,
        may_correct=may_correct(scope.role),
        reach=(),
        problems=problems,
        given=given,
    )


def _fingerprint(page: LeadPage, coverage: Coverage, now: datetime) -> str:
    """Name what is shown; it changes every minute, so that "3 min ago" stays true."""
    return hashlib.sha256(repr((page, coverage, f"{now:%j %H:%M}")).encode()).hexdigest()[:16]
