"""Leads: the list, a company, its visits, and the coverage ledger."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from firmly.accounts.roles import Right
from firmly.leads.company import Company
from firmly.leads.condition_json import MAX_JSON, parse_condition
from firmly.leads.coverage import Outcome
from firmly.leads.filter import MAX_NAME, Cursor, LeadFilter, org_id_of, org_id_text, sorting_of
from firmly.leads.lead import DayTotals, Identity, Lead, Moment
from firmly.leads.scoring import Term, Tier
from firmly.leads.visit import Visit
from firmly.model import Confidence, DropReason, NotFoundError, OrgKind
from firmly.warehouse.ordering import NEWEST_FIRST, Order
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.paging import USUAL, Limit, Page
from firmly.web.api.sets import Time
from firmly.web.api.sites import Key, site_asked
from firmly.web.api.spans import Days, day_range

OrgText = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="A company's id: 16 hexadecimal digits.")]
Place = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{4,2000}$", description="The `next` of the page before.")]


class CompanyPath(Struct, frozen=True):
    org_id: OrgText


class LeadsWanted(Days, frozen=True, kw_only=True):
    q: Annotated[
        str,
        Meta(
            max_length=MAX_NAME,
            pattern="^[^\\x00-\\x1f\\x7f]*$",
            description="Part of a company's name or domain, in any case.",
        ),
    ] = ""
    site: Key | UnsetType = UNSET
    filter: Annotated[
        str,
        Meta(
            max_length=MAX_JSON,
            pattern="^[^\\x00-\\x1f\\x7f]*$",
            description='What the companies have to pass, as JSON: `{"field": "country", "op": "eq", "value": "FI"}`,'
            ' or `{"and": [...]}` or `{"or": [...]}` of such.',
        ),
    ] = ""
    sort: Annotated[
        str,
        Meta(
            pattern=f"^-?({'|'.join(Order)})$",
            description="What to order by; with a minus before it from the newest or the most on.",
        ),
    ] = str(NEWEST_FIRST)
    hidden: Annotated[bool, Meta(description="Whether leads that the team hid come, too.")] = False


class LeadsAsked(LeadsWanted, frozen=True, kw_only=True):
    cursor: Place | UnsetType = UNSET
    limit: Limit = USUAL


class VisitsAsked(Days, frozen=True, kw_only=True):
    cursor: Place | UnsetType = UNSET


class CoverageAsked(Days, frozen=True, kw_only=True):
    site: Key | UnsetType = UNSET


class Seen(Struct, frozen=True):
    """When something was last seen."""

    at: Time
    is_exact: Annotated[bool, Meta(description="False where only the day is kept.")]


class CompanyIdentity(Struct, frozen=True):
    """Who a company is."""

    org_id: OrgText
    name: str
    kind: OrgKind
    country: Annotated[str, Meta(description="ISO 3166-1 alpha-2, or empty.")]
    domain: Annotated[str, Meta(description="Empty where unknown.")]
    confidence: Confidence


class LeadView(Struct, frozen=True):
    """A company in the list, with what it did in the range of days."""

    company: CompanyIdentity
    last: Seen
    visits: int
    pageviews: int
    goals: int
    active_ms: Annotated[int, Meta(description="Time in which a page was looked at.")]
    days: Annotated[int, Meta(description="Days with a visit.")]
    score: Annotated[int, Meta(description="0 to 100, of the last 56 days (docs/SCORE.md).")]
    tier: Tier


class DayFigures(Struct, frozen=True):
    day: date
    visits: int
    pageviews: int
    active_ms: int


class Evidence(Struct, frozen=True):
    """Why a company is named: what the data set `source` of `as_of` says."""

    asn: Annotated[int, Meta(description="The AS number, 0 where there is no single one.")]
    registered_name: str
    source: str
    as_of: date


class TermView(Struct, frozen=True):
    """A term of the score; `amount` is in its own unit, older days counting less."""

    term: Term
    amount: float
    points: float


class CompanyView(Struct, frozen=True):
    """A company. One that a correction makes another comes as that one, under its own id."""

    company: CompanyIdentity
    evidence: Evidence
    aliases: Annotated[list[str], Meta(description="What else data sets call it, and what your corrections made it.")]
    first_day: date
    last: Seen
    visits: int
    pageviews: int
    active_ms: int
    days: Annotated[list[DayFigures], Meta(description="Days with a visit, oldest first.")]
    days_without_route: Annotated[list[DayFigures], Meta(description="Days of which only numbers are kept.")]
    score: Annotated[int, Meta(description="0 to 100, of the last 56 days (docs/SCORE.md).")]
    tier: Tier
    score_terms: Annotated[list[TermView], Meta(description="What gave or took points, before the whole is rounded.")]


class VisitStep(Struct, frozen=True):
    host: str
    path: str
    title: str
    active_ms: int


class VisitView(Struct, frozen=True):
    """One visit: where from, its pages in order, its goals. Firmly keeps no id of a visitor."""

    started_at: Annotated[Time, Meta(description="A whole minute.")]
    site: Annotated[str | None, Meta(description="The site's key.")]
    source: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    pages: list[VisitStep]
    goals: list[str]


class OutcomeView(Struct, frozen=True):
    """Page views that ended the same way."""

    reason: DropReason
    pageviews: int
    share: Annotated[float, Meta(description="0 to 1, of the measured ones.")]


class CoverageView(Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """Of the page views that were measured, how many came from companies, and why the rest names none."""

    first: date
    last: date
    measured: int
    companies: int
    company_share: float
    others: list[OutcomeView]
    refused: Annotated[list[OutcomeView], Meta(description="What was never measured.")]


def list_leads(call: Call[Nothing, LeadsAsked, Nothing]) -> Page[LeadView]:
    """List the companies that visited in a range of days and pass a filter."""
    asked, wanted = call.query, lead_filter(call)
    after = _place(asked.cursor, is_text=wanted.sorting.is_text)
    page = call.parts.leads.list(call.scope, wanted, after, asked.limit)
    return Page(list(map(_lead, page.leads)), str(page.next) if page.next else None)


def lead_filter(call: Call[Nothing, LeadsAsked, Nothing] | Call[Nothing, LeadsWanted, Nothing]) -> LeadFilter:
    """Return what a list is asked for. Raises InvalidInputError."""
    asked, site = call.query, site_asked(call, call.query.site)
    days, condition = day_range(asked, call.parts.leads.today()), parse_condition(asked.filter)
    sorting = sorting_of(asked.sort)
    return LeadFilter(days, asked.q.strip(), site.id if site else None, condition, sorting, asked.hidden)


def get_company(call: Call[CompanyPath, Days, Nothing]) -> CompanyView:
    """Read a company, with its figures in a range of days."""
    found = _company(call, call.query, None)
    identity = found.identity
    return CompanyView(
        company_identity(identity),
        Evidence(identity.asn, identity.registered_name, identity.source, identity.as_of),
        list(found.aliases),
        found.history.first_day,
        _seen(found.history.last),
        found.totals.visits,
        found.totals.pageviews,
        found.totals.active_ms,
        list(map(_day, found.days)),
        list(map(_day, found.counted)),
        found.score.value,
        found.score.tier,
        [TermView(share.term, share.amount, share.points) for share in found.score.shares],
    )


def list_visits(call: Call[CompanyPath, VisitsAsked, Nothing]) -> Page[VisitView]:
    """List a company's visits whose route is kept, newest first, thirty at a time."""
    found = _company(call, call.query, _place(call.query.cursor))
    keys = {site.id: site.key for site in call.parts.accounts.sites.of(call.scope)}
    return Page([_visit(one, keys.get(one.site_id)) for one in found.visits], str(found.next) if found.next else None)


def get_coverage(call: Call[Nothing, CoverageAsked, Nothing]) -> CoverageView:
    """Read the coverage ledger of a range of days."""
    site = site_asked(call, call.query.site)
    days = day_range(call.query, call.parts.leads.today())
    found = call.parts.leads.coverage(call.scope, days, site.id if site else None)
    return CoverageView(
        first=days.first,
        last=days.last,
        measured=found.measured,
        companies=found.companies,
        company_share=found.company_share,
        others=list(map(_outcome, found.others)),
        refused=list(map(_outcome, found.refused)),
    )


def _place(cursor: str | UnsetType, *, is_text: bool = False) -> Cursor | None:
    return Cursor.parse(cursor, is_text=is_text) if cursor else None


def _company(
    call: Call[CompanyPath, Days, Nothing] | Call[CompanyPath, VisitsAsked, Nothing], days: Days, after: Cursor | None
) -> Company:
    org_id = org_id_of(call.path.org_id)
    leads = call.parts.leads
    found = leads.company(call.scope, org_id, day_range(days, leads.today()), after) if org_id else None
    if found is None:
        raise NotFoundError
    return found


def _lead(lead: Lead) -> LeadView:
    totals = lead.totals
    return LeadView(
        company_identity(lead.identity),
        _seen(lead.last),
        totals.visits,
        totals.pageviews,
        lead.goals,
        totals.active_ms,
        lead.visit_days,
        lead.score.value,
        lead.score.tier,
    )


def company_identity(one: Identity) -> CompanyIdentity:
    return CompanyIdentity(org_id_text(one.org_id), one.name, one.kind, one.country, one.domain, one.confidence)


def _seen(moment: Moment) -> Seen:
    return Seen(moment.at, moment.is_exact)


def _day(day: DayTotals) -> DayFigures:
    return DayFigures(day.day, day.totals.visits, day.totals.pageviews, day.totals.active_ms)


def _visit(visit: Visit, site: str | None) -> VisitView:
    origin = visit.origin
    return VisitView(
        visit.started_at,
        site,
        origin.source,
        origin.referrer_host,
        origin.utm_source,
        origin.utm_medium,
        origin.utm_campaign,
        [VisitStep(step.host, step.path, step.title, step.active_ms) for step in visit.steps],
        list(visit.goals),
    )


def _outcome(one: Outcome) -> OutcomeView:
    return OutcomeView(one.reason, one.pageviews, one.share)


_NEEDS = frozenset({Right.READ_LEADS})

OPERATIONS = (
    Operation("GET", "/leads", list_leads, _NEEDS, refuses=(422,)),
    Operation("GET", "/leads/{org_id}", get_company, _NEEDS, refuses=(422,)),
    Operation("GET", "/leads/{org_id}/visits", list_visits, _NEEDS, refuses=(422,)),
    Operation("GET", "/coverage", get_coverage, frozenset({Right.READ_ALL_LEADS}), refuses=(422,)),
)
