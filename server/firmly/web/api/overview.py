"""The overview of all companies, and who is on a site now."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from firmly.accounts.roles import Right
from firmly.leads.days import DayRange
from firmly.leads.live import LiveVisit
from firmly.leads.overview import FacetTable, OverviewDay, Sums, Visited
from firmly.web.api.leads import CompanyIdentity, company_identity
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.sets import Time
from firmly.web.api.sites import Key, site_asked
from firmly.web.api.spans import Days, day_range


class OverviewAsked(Days, frozen=True, kw_only=True):
    site: Key | UnsetType = UNSET


class OverviewSums(Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """What companies did in a range of days."""

    first: date
    last: date
    companies: Annotated[int, Meta(description="Each once.")]
    new: int
    re_engaged: Annotated[int, Meta(description="Each time that one came back after 30 days or more.")]
    visits: int
    pageviews: int
    goals: int


class OverviewDayView(Struct, frozen=True):
    """One day. Each of its companies is new, returning or re-engaged."""

    day: date
    companies: int
    new: int
    returning: int
    re_engaged: int
    visits: int
    pageviews: int
    goals: int


class VisitedCompany(Struct, frozen=True):
    company: CompanyIdentity
    visits: int
    pageviews: int
    goals: int
    active_ms: int


class SeenValue(Struct, frozen=True):
    """A value that was seen, in visits whose route is kept."""

    value: str
    companies: int
    times: Annotated[int, Meta(description="Visits; of a goal how often it was reached.")]


class OverviewView(Struct, frozen=True, kw_only=True):
    """A range of days beside the one before it, and what was seen most in it."""

    range: OverviewSums
    before: OverviewSums
    days: Annotated[list[OverviewDayView], Meta(description="Every day of the range, oldest first.")]
    most_visits: list[VisitedCompany]
    sources: list[SeenValue]
    landing_pages: list[SeenValue]
    referrers: list[SeenValue]
    campaigns: list[SeenValue]
    goals: list[SeenValue]


class LivePage(Struct, frozen=True):
    host: str
    path: str
    title: str


class LiveVisitView(Struct, frozen=True):
    """A visit that goes on, whose route is kept. Times are whole minutes."""

    company: CompanyIdentity
    site: Annotated[str | None, Meta(description="The site's key.")]
    started_at: Time
    last_at: Time
    pageviews: int
    page: Annotated[LivePage, Meta(description="The latest one.")]
    source: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str


class LiveView(Struct, frozen=True):
    items: Annotated[list[LiveVisitView], Meta(description="Newest first, 200 at most.")]


def get_overview(call: Call[Nothing, OverviewAsked, Nothing]) -> OverviewView:
    """Read what all companies did in a range of days, beside the range before it."""
    site = site_asked(call, call.query.site)
    days = day_range(call.query, call.parts.leads.today())
    found = call.parts.leads.overviews.of(call.scope, days, site.id if site else None)
    return OverviewView(
        range=_sums(found.range, found.sums),
        before=_sums(found.before, found.sums_before),
        days=list(map(_day, found.days)),
        most_visits=list(map(_visited, found.companies)),
        sources=_values(found.facets["source"]),
        landing_pages=_values(found.facets["landing_page"]),
        referrers=_values(found.facets["referrer"]),
        campaigns=_values(found.facets["campaign"]),
        goals=_values(found.facets["goal"]),
    )


def list_live_visits(call: Call[Nothing, Nothing, Nothing]) -> LiveView:
    """List the visits of companies that go on: with an event in the last five minutes."""
    keys = {site.id: site.key for site in call.parts.accounts.sites.of(call.scope)}
    return LiveView([_live(one, keys.get(one.site_id)) for one in call.parts.leads.live.of(call.scope)])


def _sums(days: DayRange, sums: Sums) -> OverviewSums:
    return OverviewSums(
        first=days.first,
        last=days.last,
        companies=sums.companies,
        new=sums.new,
        re_engaged=sums.re_engaged,
        visits=sums.visits,
        pageviews=sums.pageviews,
        goals=sums.goals,
    )


def _day(one: OverviewDay) -> OverviewDayView:
    return OverviewDayView(
        one.day, one.companies, one.new, one.returning, one.re_engaged, one.visits, one.pageviews, one.goals
    )


def _visited(one: Visited) -> VisitedCompany:
    totals = one.totals
    return VisitedCompany(company_identity(one.identity), totals.visits, totals.pageviews, one.goals, totals.active_ms)


def _values(table: FacetTable) -> list[SeenValue]:
    return [SeenValue(row.value, row.companies, row.times) for row in table.rows]


def _live(one: LiveVisit, site: str | None) -> LiveVisitView:
    page, origin = one.page, one.origin
    return LiveVisitView(
        company_identity(one.identity),
        site,
        one.started_at,
        one.last_at,
        one.pageviews,
        LivePage(page.host, page.path, page.title),
        origin.source,
        origin.referrer_host,
        origin.utm_source,
        origin.utm_medium,
        origin.utm_campaign,
    )


OPERATIONS = (
    Operation("GET", "/overview", get_overview, frozenset({Right.READ_ALL_LEADS}), refuses=(422,)),
    Operation("GET", "/live", list_live_visits, frozenset({Right.READ_LEADS})),
)
