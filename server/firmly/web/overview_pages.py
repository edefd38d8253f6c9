"""The overview of all companies in a range of days, and its tables as files."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.leads.filter import org_id_text
from firmly.leads.overview import Acceptance, FacetCount, OverviewDay, Visited, acceptance_of
from firmly.model import InvalidInputError, Problem
from firmly.warehouse.conditions import Comparison, Op
from firmly.web.asking import CHOICES, Asked, read_asked
from firmly.web.csv_file import csv_file
from firmly.web.parts import Parts

PAGE = "/app/overview"
LIST = "/app/leads"
MAX_LINKED = 200
"""Characters of a value that a filter may be made of."""

TABLES: Mapping[str, str] = MappingProxyType(
    {"sources": "source", "landing_pages": "landing_page", "referrers": "referrer", "campaigns": "campaign"}
    | {"goals": "goal"}
)
"""The tables of what visits did, with the facet that each is of."""

DAY_COLUMNS = ("day", "companies", "new", "returning", "re_engaged", "visits", "pages", "goals")
COMPANY_COLUMNS = ("company", "domain", "country", "visits", "pages", "goals", "seconds", "org_id")


def overview(parts: Parts, request: Request, scope: MemberScope) -> Response:
    sites = parts.accounts.sites.of(scope)
    asked = read_asked(request.query_params, parts.leads.today(), sites).days_only()
    days, site = asked.span.days, asked.filter.site
    found = parts.leads.overviews.of(scope, days, site)
    return parts.pages.page(
        request,
        "overview.html",
        scope,
        asked=asked,
        span=asked.span,
        choices=CHOICES,
        sites=sites,
        overview=found,
        coverage=parts.leads.coverage(scope, days, site),
        acceptance=_acceptance(parts, scope, asked),
        more=more,
        leads_with=lambda facet, value: leads_with(asked, facet, value),
        tables=TABLES,
    )


def _acceptance(parts: Parts, scope: MemberScope, asked: Asked) -> Acceptance | None:
    """Return how many visitors agreed, None for who may not see it."""
    if not scope.may(Right.READ_CONSENT):
        return None
    days = asked.span.days
    return acceptance_of(parts.consent.of(scope, days.first, days.last, asked.filter.site))


def more(now: int, before: int) -> str:
    """Return "12 more", "3 fewer" or "as many"."""
    if now == before:
        return "as many"
    return f"{now - before:,} more" if now > before else f"{before - now:,} fewer"


def leads_with(asked: Asked, facet: str, value: str) -> str | None:
    """Return the address of the leads of whom this was seen; None where no filter can be so long."""
    if len(value) > MAX_LINKED:
        return None
    return asked.passing(Comparison(facet, Op.EQ, (value,))).address(LIST)


def export_overview(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Send one table whole, as CSV; that it was taken is logged."""
    asked = read_asked(request.query_params, parts.leads.today(), parts.accounts.sites.of(scope)).days_only()
    name = request.query_params.get("table", "")
    columns, rows = _table(parts, scope, asked, name)
    days = asked.span.days
    taken: dict[str, object] = {"from": days.first.isoformat(), "to": days.last.isoformat(), "table": name}
    if asked.site:
        taken["site"] = asked.site.key
    parts.accounts.audit.note(scope, Action.OVERVIEW_EXPORTED, "", taken)
    return csv_file(f"{name.replace('_', '-')}-{parts.clock():%Y-%m-%d}.csv", columns, rows)


def _table(
    parts: Parts, scope: MemberScope, asked: Asked, name: str
) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    overviews, days, site = parts.leads.overviews, asked.span.days, asked.filter.site
    if name == "days":
        return DAY_COLUMNS, map(_day, overviews.days(scope, days, site))
    if name == "companies":
        return COMPANY_COLUMNS, map(_company, overviews.companies(scope, days, site))
    if name in TABLES:
        facet = TABLES[name]
        return (facet, "companies", _times(facet)), map(_facet, overviews.facet(scope, facet, days, site))
    expected = ", ".join(("days", "companies", *TABLES))
    raise InvalidInputError("this table cannot be exported", [Problem("table", name[:40], f"one of {expected}")])


def _times(facet: str) -> str:
    return "times" if facet == "goal" else "visits"


def _day(one: OverviewDay) -> tuple[object, ...]:
    return (
        one.day.isoformat(),
        one.companies,
        one.new,
        one.returning,
        one.re_engaged,
        one.visits,
        one.pageviews,
        one.goals,
    )


def _company(one: Visited) -> tuple[object, ...]:
    identity, totals = one.identity, one.totals
    return (
        identity.name,
        identity.domain,
        identity.country,
        totals.visits,
        totals.pageviews,
        one.goals,
        totals.active_ms // 1000,
        org_id_text(identity.org_id),
    )


def _facet(one: FacetCount) -> tuple[object, ...]:
    return one.value, one.companies, one.times
