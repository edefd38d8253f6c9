"""The list of leads and a company's page."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.leads.company import Company
from firmly.leads.feeds import Feed
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.lead import LeadPage
from firmly.leads.overview import range_before
from firmly.model import InvalidInputError, OrgId, Problem
from firmly.warehouse.conditions import Among, both
from firmly.web.asking import CHOICES, Asked, Span, read_after, read_asked, read_span
from firmly.web.charts import day_chart
from firmly.web.csv_file import csv_file
from firmly.web.filter_form import Sayer, field_options, with_addition
from firmly.web.forms import Form, whole_number
from firmly.web.lead_columns import COLUMNS, EXPORTED, Column, exported, read_columns, shown_columns
from firmly.web.parts import Parts
from firmly.web.record_panel import record_of
from firmly.web.sessions import safe_next
from firmly.web.xlsx_file import xlsx_file

LIST = "/app/leads"
WELCOME = "/app/welcome"
CSV, XLSX = "csv", "xlsx"
NOTHING_GIVEN: Mapping[str, str] = MappingProxyType({})


def leads(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show the list, or only its changing part to htmx; 204 when that part is already shown."""
    sites = parts.accounts.sites.of(scope)
    if not sites and scope.may(Right.INSTRUCT):
        return RedirectResponse(WELCOME, 303)
    asked = read_asked(request.query_params, parts.leads.today(), sites)
    is_part = "hx-request" in request.headers and "hx-history-restore-request" not in request.headers
    is_broken = False
    try:
        asked, page, problems = _found(parts, scope, asked, request)
    except InvalidInputError as error:
        if is_part:
            raise
        # A part of the filter is of no use any more: it is shown with the others, to be taken away.
        page, problems, is_broken = LeadPage((), 0, None), error.problems, True
    if "add" in request.query_params and not problems:
        return RedirectResponse(asked.address(LIST), 303)
    may_total = scope.may(Right.READ_ALL_LEADS)
    coverage = parts.leads.coverage(scope, asked.span.days, asked.filter.site) if may_total else None
    view = view_of(parts, scope)
    seen = _fingerprint((page, coverage, view), parts.clock())
    if is_part and request.query_params.get("seen") == seen:
        return Response(status_code=204)
    context: dict[str, Any] = {
        "asked": asked,
        "page": page,
        "coverage": coverage,
        "view": view,
        "seen": seen,
        "scope": scope,
        "sites": sites,
        "problems": problems,
        "is_broken": is_broken,
        "base_url": parts.base_url,
        "is_silent": not is_broken
        and not page.total
        and not (coverage and coverage.measured)
        and not parts.leads.activity(scope),
    }
    if not is_part:
        options: dict[str, Any] = {"choices": CHOICES, "field_options": field_options()}
        is_refused = problems and "add" in request.query_params
        options["given"] = request.query_params if is_refused else NOTHING_GIVEN
        options |= {"columns": COLUMNS.values(), "kept": parts.leads.feeds.find(scope, asked.feed or 0)}
        options |= {"tags": parts.records.tags_of(scope), "owners": parts.records.owners(scope)}
        context.pop("scope")
        return parts.pages.page(request, "leads.html", scope, 422 if problems else 200, **options, **context)
    response = parts.pages.part("_leads.html", **context)
    if "seen" not in request.query_params:
        response.headers["hx-replace-url"] = asked.address(LIST)
    return response


def compared(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Answer how many companies the same list has in the range of the same length before: asked for after the list.

    ``now`` is how many the page shows: it has just counted them.
    """
    now = whole_number(request.query_params.get("now", ""))
    if now is None:
        raise InvalidInputError("this cannot be compared", [Problem("now", "", "how many companies there are now")])
    asked = read_asked(request.query_params, parts.leads.today(), parts.accounts.sites.of(scope))
    before = replace(asked.filter, days=range_before(asked.span.days))
    try:
        then = parts.leads.count(scope, before)
    except InvalidInputError:  # The list says so itself.
        return Response()
    return parts.pages.part("_compared.html", now=now, then=then, days=len(before.days))


@dataclass(frozen=True, slots=True)
class ListView:
    """What stands around the rows: the feeds, the columns, and how values of filters are said."""

    feeds: tuple[Feed, ...]
    columns: tuple[Column, ...]
    sayer: Sayer


def view_of(parts: Parts, scope: MemberScope) -> ListView:
    feeds = parts.leads.feeds.of(scope)
    names = {
        "feed": {str(feed.id): feed.name for feed in feeds},
        "site": {str(site.key): site.name for site in parts.accounts.sites.of(scope)},
        "owner": {str(one.member_id): one.name for one in parts.records.owners(scope)},
    }
    return ListView(feeds, shown_columns(parts.leads.columns.of(scope)), Sayer(names))


def choose_columns(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    """Keep which columns a member wants to see, in their order."""
    chosen = None if "usual" in given else read_columns(given.all("column"))
    parts.leads.columns.choose(scope, chosen)
    return RedirectResponse(safe_back(given["back"]) or LIST, 303)


def safe_back(text: str) -> str:
    """Return an address of the list or of a company, without its fragment; ``""`` for all others."""
    address = safe_next(text).partition("#")[0]
    path = urlsplit(address).path
    is_ours = path == LIST or path.startswith(f"{LIST}/")
    return address if is_ours and ".." not in path and text.startswith(address) else ""


def _found(
    parts: Parts, scope: MemberScope, asked: Asked, request: Request
) -> tuple[Asked, LeadPage, Sequence[Problem]]:
    """Return the list, with what the form adds to the filter; without it, and what is wrong, where it cannot be."""
    try:
        if "add" in request.query_params:
            wanted = asked.passing(with_addition(asked.condition, request.query_params))
            return wanted, parts.leads.list(scope, wanted.filter), ()
    except InvalidInputError as error:
        named = [replace(one, key=one.key.removeprefix("filter.")) for one in error.problems]
        return asked, parts.leads.list(scope, asked.filter, asked.after), named
    return asked, parts.leads.list(scope, asked.filter, asked.after), ()


def export_leads(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Send the whole list as CSV or XLSX, without a limit; that it was taken is logged, with the filter."""
    return _sent(parts, scope, lead_table(parts, scope, request.query_params))


def export_selected(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    """Send the rows of the list that a member picked, in its order; one that it no longer has is left out."""
    picked = [org_id_of(text) for text in given.all("org")]
    known = tuple(one for one in picked if one is not None)
    if not known or len(known) < len(picked):
        raise InvalidInputError("this cannot be exported", [Problem("org", "", "companies that the list shows")])
    query = parse_qsl(urlsplit(safe_back(given["back"])).query)
    return _sent(parts, scope, lead_table(parts, scope, QueryParams([*query, ("format", given["format"])]), known))


def _sent(parts: Parts, scope: MemberScope, table: "LeadTable") -> Response:
    rows = table.rows()
    parts.accounts.audit.note(scope, Action.LEADS_EXPORTED, "", table.taken)
    send = xlsx_file if table.form == XLSX else csv_file
    return send(table.name, table.columns, rows)


@dataclass(frozen=True, slots=True)
class LeadTable:
    """The whole list as somebody asked for it: ``rows`` reads it, ``taken`` says in the audit log what it was."""

    asked: Asked
    form: str
    name: str
    columns: Sequence[str]
    rows: Callable[[], Iterator[Sequence[object]]]
    taken: Mapping[str, object]


def lead_table(
    parts: Parts, scope: MemberScope, query: QueryParams, picked: Sequence[OrgId] | None = None
) -> LeadTable:
    """Return the list that ``query`` asks for, in the ``format`` that it names; nothing is read yet.

    ``picked`` are the only companies of it, None for all.

    Raises:
        InvalidInputError: there is no such list, or no such format.
    """
    form = query.get("format", CSV)
    if form not in (CSV, XLSX):
        raise InvalidInputError("this list cannot be exported", [Problem("format", form[:20], f"{CSV} or {XLSX}")])
    asked = read_asked(query, parts.leads.today(), parts.accounts.sites.of(scope))
    days, wanted = asked.span.days, asked.parameters()
    taken: dict[str, object] = {"from": days.first.isoformat(), "to": days.last.isoformat()}
    taken |= {} if form == CSV else {"format": form}
    taken |= {key: wanted[key] for key in ("q", "site", "filter", "hidden") if key in wanted}
    asked_for = asked.filter
    if picked is not None:
        taken["picked"] = len(picked)
        asked_for = replace(asked_for, condition=both(Among(tuple(picked)), asked_for.condition))
    name = f"leads-{parts.clock():%Y-%m-%d}.{form}"
    return LeadTable(asked, form, name, EXPORTED, lambda: map(exported, parts.leads.export(scope, asked_for)), taken)


def company(parts: Parts, request: Request, scope: MemberScope) -> Response:
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
    scope: MemberScope,
    found: Company,
    span: Span,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
    said: Mapping[str, Any] | None = None,
) -> Response:
    """Render a company; ``problems`` and ``given`` are those of a correction that could not be added.

    ``said`` is the panel of the team's record where a form of it was refused.
    """
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
        site_names={site.id: site.name for site in parts.accounts.sites.of(scope)},
        is_first_page="after" not in request.query_params,
        may_correct=scope.may(Right.CORRECT),
        reach=(),
        problems=problems,
        given=given,
        said=said or record_of(parts, scope, found.identity),
    )


def _fingerprint(shown: object, now: datetime) -> str:
    """Name what is shown; it changes every minute, so that "3 min ago" stays true."""
    return hashlib.sha256(repr((shown, f"{now:%j %H:%M}")).encode()).hexdigest()[:16]
