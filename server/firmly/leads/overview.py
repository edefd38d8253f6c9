"""The overview: what all companies together did in a range of days, beside the range before it.

Sums and counts only, of companies that may be shown; of sources, pages and goals only what visits with a route did.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from firmly.accounts.scope import Scope
from firmly.consent.choice import State
from firmly.consent.counts import ConsentCount
from firmly.leads.corrections import HIDDEN, Corrections
from firmly.leads.days import DayRange
from firmly.leads.lead import Identity, Totals
from firmly.leads.rule_book import RuleBook
from firmly.model import Clock, OrgId, SiteId
from firmly.warehouse.conditions import RE_ENGAGED_DAYS
from firmly.warehouse.store import Warehouse

TOP_ROWS = 8
ALL_ROWS = 2**31 - 1

FACETS = ("source", "landing_page", "referrer", "campaign", "goal")
"""What visits came by and reached; as `facet_days` names them."""

Identify = Callable[[Scope, Iterable[OrgId], Corrections], Mapping[int, Identity]]
Follow = Callable[[OrgId], OrgId]
HiddenIds = Callable[[Scope, Follow], frozenset[OrgId]]


@dataclass(frozen=True, slots=True)
class OverviewDay:
    """One day: how many companies visited, and which of them are new or re-engaged; the rest are returning."""

    day: date
    companies: int
    new: int
    re_engaged: int
    visits: int
    pageviews: int
    goals: int

    @property
    def returning(self) -> int:
        return self.companies - self.new - self.re_engaged


@dataclass(frozen=True, slots=True)
class Sums:
    """``companies`` counts each once; ``re_engaged`` counts each time that one comes back."""

    companies: int
    new: int
    re_engaged: int
    visits: int
    pageviews: int
    goals: int


@dataclass(frozen=True, slots=True)
class Visited:
    """A company with its sums of the range."""

    identity: Identity
    totals: Totals
    goals: int


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How often a value was seen (visits; of goals: times reached), and with how many companies."""

    value: str
    companies: int
    times: int


@dataclass(frozen=True, slots=True)
class FacetTable:
    """The values seen most, in order; ``others`` are those left out."""

    rows: tuple[FacetCount, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """``days`` has every day of the range, ``before`` is the range of the same length before it; ``facets`` has
    each of `FACETS`."""

    range: DayRange
    before: DayRange
    sums: Sums
    sums_before: Sums
    days: tuple[OverviewDay, ...]
    days_before: tuple[OverviewDay, ...]
    companies: tuple[Visited, ...]
    facets: Mapping[str, FacetTable]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Of the ``answers`` that visitors gave a banner, how many granted something. What browsers signal is no answer."""

    answers: int
    given: int

    @property
    def share(self) -> float:
        return self.given / self.answers if self.answers else 0.0


def acceptance_of(counts: Iterable[ConsentCount]) -> Acceptance:
    """Return the rate of acceptance; what is withdrawn, renewed or over was an answer once already."""
    answers = [one for one in counts if one.state in (State.GIVEN, State.REFUSED) and not one.action.is_signal]
    given = sum(one.records for one in answers if one.state is State.GIVEN)
    return Acceptance(sum(one.records for one in answers), given)


class Overviews:
    """Read-only and blocking. ``identify`` says who organisations are, ``hidden_ids`` which ones the team hid."""

    def __init__(
        self, warehouse: Warehouse, clock: Clock, rule_book: RuleBook, identify: Identify, hidden_ids: HiddenIds
    ) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._rule_book = rule_book
        self._identify = identify
        self._hidden_ids = hidden_ids

    def of(self, scope: Scope, days: DayRange, site: SiteId | None = None) -> Overview:
        """Return the overview of a range, with the first `TOP_ROWS` of each table."""
        corrections = self._rule_book.corrections(scope)
        given = self._parameters(scope, days, site, corrections)
        before = range_before(days)
        (all_days, starting), companies, facets = self._warehouse.side_by_side(
            lambda: self._days(given, before, days),
            lambda: self._companies(scope, given, corrections, TOP_ROWS),
            lambda: self._facets(given, FACETS, TOP_ROWS),
        )
        return Overview(
            range=days,
            before=before,
            sums=_sums(all_days, starting, days),
            sums_before=_sums(all_days, starting, before),
            days=tuple(one for one in all_days if one.day >= days.first),
            days_before=tuple(one for one in all_days if one.day < days.first),
            companies=companies,
            facets=facets,
        )

    def days(self, scope: Scope, days: DayRange, site: SiteId | None = None) -> tuple[OverviewDay, ...]:
        """Return every day of a range."""
        given = self._parameters(scope, days, site, self._rule_book.corrections(scope))
        return tuple(one for one in self._days(given, range_before(days), days)[0] if one.day >= days.first)

    def companies(self, scope: Scope, days: DayRange, site: SiteId | None = None) -> tuple[Visited, ...]:
        """Return all companies of a range, those with most visits first."""
        corrections = self._rule_book.corrections(scope)
        return self._companies(scope, self._parameters(scope, days, site, corrections), corrections, ALL_ROWS)

    def facet(self, scope: Scope, facet: str, days: DayRange, site: SiteId | None = None) -> tuple[FacetCount, ...]:
        """Return all values of one of `FACETS`, those seen most first."""
        given = self._parameters(scope, days, site, self._rule_book.corrections(scope))
        return self._facets(given, (facet,), ALL_ROWS)[facet].rows

    def _parameters(
        self, scope: Scope, days: DayRange, site: SiteId | None, corrections: Corrections
    ) -> dict[str, object]:
        before = range_before(days)
        known_first = before.first - timedelta(days=RE_ENGAGED_DAYS)
        return {
            "workspace_id": scope.workspace_id,
            "site_id": site or 0,
            "before_first": before.first,
            "first_day": days.first,
            "last_day": days.last,
            "known_first": known_first,
            "known_month": known_first.replace(day=1),
            "gap_days": RE_ENGAGED_DAYS,
            "today": self._clock().date(),
            **self._standing(scope, corrections),
        }

    def _standing(self, scope: Scope, corrections: Corrections) -> dict[str, object]:
        """Return what each organisation stands for; what the team hid is hidden like what corrections hide."""
        hidden = self._hidden_ids(scope, corrections.shown_as)
        to = {start: HIDDEN if end in hidden else end for start, end in corrections.redirects.to.items()}
        to |= dict.fromkeys(hidden - {HIDDEN}, HIDDEN)
        return {"merged": list(to), "kept": list(to.values())}

    def _days(
        self, given: Mapping[str, object], before: DayRange, days: DayRange
    ) -> tuple[list[OverviewDay], Mapping[date, int]]:
        companies = {row["day"]: row for row in self._warehouse.rows("overview_companies", given)}
        sums = {row["day"]: row for row in self._warehouse.rows("overview_days", given)}
        return (
            [_day(day, companies.get(day), sums.get(day)) for day in DayRange(before.first, days.last)],
            {day: row["starting"] for day, row in companies.items()},
        )

    def _companies(
        self, scope: Scope, given: Mapping[str, object], corrections: Corrections, rows: int
    ) -> tuple[Visited, ...]:
        found = self._warehouse.rows("overview_most_visited", {**given, "max_rows": rows})
        who = self._identify(scope, [row["stands_for"] for row in found], corrections)
        return tuple(_visited(row, who[row["stands_for"]]) for row in found if row["stands_for"] in who)

    def _facets(self, given: Mapping[str, object], facets: tuple[str, ...], rows: int) -> dict[str, FacetTable]:
        found = self._warehouse.rows("overview_facets", {**given, "facets": list(facets), "max_rows": rows})
        return {name: _table([row for row in found if row["facet"] == name]) for name in facets}


def range_before(days: DayRange) -> DayRange:
    """Return the range of the same length that ends where this one begins."""
    return DayRange.until(days.first - timedelta(days=1), len(days))


_NOTHING: Mapping[str, int] = dict.fromkeys(("companies", "new", "re_engaged", "visits", "pageviews", "goals"), 0)


def _day(day: date, companies: Mapping[str, Any] | None, sums: Mapping[str, Any] | None) -> OverviewDay:
    who, did = companies or _NOTHING, sums or _NOTHING
    return OverviewDay(
        day, who["companies"], who["new"], who["re_engaged"], did["visits"], did["pageviews"], did["goals"]
    )


def _sums(days: Iterable[OverviewDay], starting: Mapping[date, int], within: DayRange) -> Sums:
    """Each company starts once in a range, so that the sum of the starts counts each once."""
    some = [one for one in days if within.first <= one.day <= within.last]
    return Sums(
        companies=sum(starting.get(one.day, 0) for one in some),
        new=sum(one.new for one in some),
        re_engaged=sum(one.re_engaged for one in some),
        visits=sum(one.visits for one in some),
        pageviews=sum(one.pageviews for one in some),
        goals=sum(one.goals for one in some),
    )


def _visited(row: Mapping[str, Any], identity: Identity) -> Visited:
    return Visited(identity, Totals(row["visits"], row["pageviews"], row["active_ms"]), row["goals"])


def _table(rows: list[dict[str, Any]]) -> FacetTable:
    counts = tuple(FacetCount(row["value"], row["companies"], row["times"]) for row in rows)
    return FacetTable(counts, rows[0]["others"] if rows else 0)
