"""Answers what members ask about leads, from the warehouse's rollups.

The workspace always comes from the member's `Scope`, never from a request. Nothing beyond its
retention is read, and the guards for small organisations hold in every answer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any

from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.site import Site
from firmly.leads.company import Company, Deed, History
from firmly.leads.corrections import HIDDEN, NONE, Corrections
from firmly.leads.coverage import Coverage, coverage_of
from firmly.leads.days import DayRange
from firmly.leads.filter import Cursor, LeadFilter
from firmly.leads.lead import (
    DayTotals,
    Identity,
    Lead,
    LeadPage,
    Totals,
    day_totals_of,
    identity_of,
    moment_of,
    totals_of,
)
from firmly.leads.live import LiveVisits
from firmly.leads.overview import Overviews
from firmly.leads.ranking import MAX_RANKED, Ranked, Ranking
from firmly.leads.record import LeadStatus
from firmly.leads.resolving import Resolver, SaidOf
from firmly.leads.rule_book import RuleBook
from firmly.leads.scoring import NO_SCORE, Score, Weights, score_of, score_parameters
from firmly.leads.team_order import ordered_by_team, team_texts
from firmly.leads.visit import Visit, visit_of
from firmly.leads.visit_export import Month, visits_file
from firmly.model import Clock, InvalidInputError, OrgId, Problem, SiteId
from firmly.warehouse.conditions import EVERYTHING, Among, Condition, both
from firmly.warehouse.ordering import NEWEST_FIRST, OF_TEAM
from firmly.warehouse.store import ConditionError, Warehouse

PAGE_ROWS = 50
PAGE_VISITS = 30
ALL_ROWS = 2**32 - 1
MAX_DEEDS = 8
"""Of each kind that a company's page shows."""
EXPORTED_AT_ONCE = 1000
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class SiteActivity:
    """Page views measured on a site in the last 30 days, and the start of the hour of the last."""

    pageviews: int
    last_hour: datetime


class Leads:
    """Read-only and blocking: call it from a thread. Safe to share between threads."""

    def __init__(self, warehouse: Warehouse, clock: Clock, rule_book: RuleBook, resolver: Resolver) -> None:
        self._warehouse = warehouse
        self.rule_book = rule_book
        self._clock = clock
        self._resolver = resolver
        self.feeds = resolver.feeds
        self.scorings = resolver.scorings
        self.columns = resolver.columns
        hidden_ids = resolver.records.hidden_ids
        self.overviews = Overviews(warehouse, clock, rule_book, self._identities, hidden_ids)
        self.live = LiveVisits(warehouse, clock, rule_book, self._identities, hidden_ids, self.only_visible)

    def today(self) -> date:
        return self._clock().date()

    def list(self, scope: Scope, wanted: LeadFilter, after: Cursor | None = None, rows: int = PAGE_ROWS) -> LeadPage:
        """Return up to ``rows`` leads that follow ``after`` in the order asked for; from the first where it is None.

        Raises:
            InvalidInputError: a regular expression of the condition is none, it takes too long, or it asks for a site
                or feed that is not there.
        """
        corrections = self.rule_book.corrections(scope)
        found = self._found(scope, wanted, corrections, after, rows + 1)
        shown = found[:rows]
        org_ids = [row["org_id"] for row in shown]
        more = Cursor(shown[-1]["sorted_by"], shown[-1]["org_id"]) if len(found) > rows else None
        parameters = self._parameters(scope, wanted.days, wanted.site)
        leads = self._leads(scope, shown, corrections, lambda: self._days(parameters, org_ids, corrections))
        return LeadPage(tuple(leads), found[0]["total"] if found else 0, more)

    def count(self, scope: Scope, wanted: LeadFilter) -> int:
        """Return how many leads there are. Raises InvalidInputError like `list`."""
        wanted = replace(wanted, sorting=NEWEST_FIRST)  # An order costs, and changes no number.
        found = self._found(scope, wanted, self.rule_book.corrections(scope), None, 1)
        return found[0]["total"] if found else 0

    def export(self, scope: Scope, wanted: LeadFilter) -> Iterator[Lead]:
        """Yield all leads in the order asked for, as they are at this moment, without the sums of each day.

        Raises:
            InvalidInputError: like `list`, before the first.
        """
        corrections = self.rule_book.corrections(scope)
        return self._exported(scope, corrections, self._found(scope, wanted, corrections, None, ALL_ROWS))

    def _exported(self, scope: Scope, corrections: Corrections, found: Sequence[Mapping[str, Any]]) -> Iterator[Lead]:
        for start in range(0, len(found), EXPORTED_AT_ONCE):
            yield from self._leads(scope, found[start : start + EXPORTED_AT_ONCE], corrections, dict)

    def _leads(
        self,
        scope: Scope,
        rows: Sequence[Mapping[str, Any]],
        corrections: Corrections,
        days_of: Callable[[], Mapping[int, tuple[DayTotals, ...]]],
    ) -> Iterator[Lead]:
        """Yield the leads of rows with all that is said of them; one whose identity is no longer kept is left out."""
        org_ids = [OrgId(row["org_id"]) for row in rows]
        scoring = self.scorings.of(scope)
        identities, scores, days = self._warehouse.side_by_side(
            lambda: self._identities(scope, org_ids, corrections),
            lambda: self.scores(scope, org_ids, corrections=corrections, weights=scoring.weights),
            days_of,
        )
        said = self._resolver.said(scope, identities.values(), corrections, scoring.ideal)
        for row in rows:
            if row["org_id"] in identities:
                yield _lead(row, identities, days, scores, said)

    def _found(
        self, scope: Scope, wanted: LeadFilter, corrections: Corrections, after: Cursor | None, rows: int
    ) -> Sequence[Mapping[str, Any]]:
        sorting = wanted.sorting
        if sorting.order not in OF_TEAM:
            return self._read(scope, wanted, corrections, after, rows)
        texts = team_texts(self._resolver, scope, sorting.order, corrections)
        every = self._read(scope, replace(wanted, sorting=texts.read_by), corrections, None, ALL_ROWS)
        return ordered_by_team(every, texts, sorting, after, rows)

    def _read(
        self, scope: Scope, wanted: LeadFilter, corrections: Corrections, after: Cursor | None, rows: int
    ) -> Sequence[dict[str, Any]]:
        condition = both(
            self._resolver.visible(scope, corrections),
            EVERYTHING if wanted.with_hidden else self._resolver.unhidden(scope, corrections),
            self._resolver.resolved(scope, wanted.whole, corrections),
        )
        place = after or Cursor("" if wanted.sorting.is_text else 0, 0)
        parameters = self._parameters(scope, wanted.days, wanted.site) | {
            **corrections.parameters(),
            **corrections.identity_parameters(),
            **score_parameters(self.scorings.of(scope).weights, self.today()),
            "is_first": int(after is None),
            "before_value": place.value,
            "before_org": place.id,
            "max_rows": rows,
        }
        try:
            return self._warehouse.rows_that(condition, "leads", parameters, wanted.sorting)
        except ConditionError as error:
            raise InvalidInputError("this filter cannot be used", [Problem("filter", "", str(error))]) from None

    def require_usable(self, scope: Scope, condition: Condition) -> None:
        """Raise InvalidInputError where a filter names what is not there."""
        self._resolver.resolved(scope, condition, NONE)

    def sight(self, scope: Scope) -> str:
        """Return what changes with what somebody may see at all; ``""`` for who may see all leads."""
        if scope.feeds is None:
            return ""
        return repr([(feed.id, feed.condition, feed.days) for feed in self.feeds.of(scope)])

    def only_visible(self, scope: Scope, org_ids: Iterable[OrgId]) -> set[OrgId]:
        """Return those of some companies that somebody may see by their membership's feeds: all where it has none.

        Whether they may be shown at all is the matter of who found them.
        """
        wanted = set(org_ids)
        if scope.feeds is None or not wanted:
            return wanted
        corrections = self.rule_book.corrections(scope)
        longest = max((feed.days for feed in self._resolver.feeds.of(scope)), default=1)
        month = LeadFilter(
            DayRange.until(self.today(), longest), condition=Among(tuple(sorted(wanted))), with_hidden=True
        )
        return {OrgId(row["org_id"]) for row in self._found(scope, month, corrections, None, len(wanted))}

    def scores(
        self,
        scope: Scope,
        org_ids: Iterable[OrgId],
        as_of: date | None = None,
        corrections: Corrections | None = None,
        weights: Weights | None = None,
    ) -> dict[OrgId, Score]:
        """Return the scores of companies at the end of a day, None for today. One without any is absent."""
        corrections = corrections or self.rule_book.corrections(scope)
        weights = weights or self.scorings.of(scope).weights
        day = as_of or self.today()
        given = score_parameters(weights, day) | {"workspace_id": scope.workspace_id, **corrections.parameters()}
        rows = self._rows_of_orgs("scores", given, corrections.members(org_ids))
        return {OrgId(row["stands_for"]): score_of(row["score"], row["amounts"], weights) for row in rows}

    def company(self, scope: Scope, org_id: OrgId, days: DayRange, after: Cursor | None = None) -> Company | None:
        """Return a company with its visits that follow ``after``; None where none may be shown.

        Unknown, another workspace's, no longer kept, hidden and too little known look the same. One that
        is corrected to be another comes back as that one.
        """
        corrections = self.rule_book.corrections(scope)
        org_id = corrections.follow(org_id)
        if org_id == HIDDEN or org_id not in self.only_visible(scope, [org_id]):
            return None
        parameters = self._parameters(scope, days, None) | {"org_ids": corrections.members([org_id])}
        history = self._history(parameters)
        recorded = {row["org_id"]: identity_of(row) for row in self._warehouse.rows("organisations", parameters)}
        identity = corrections.identities.get(org_id, recorded.get(org_id))
        if history is None or identity is None or not history.may_be_shown:
            return None
        per_day = self._days(parameters, [org_id], corrections)[org_id]
        counted = self._warehouse.rows("company_count_days", parameters)
        visits, more = self._visits(parameters, after)
        return Company(
            identity=identity,
            history=history,
            range=days,
            totals=_sum(per_day),
            days=per_day,
            visits=visits,
            next=more,
            counted=tuple(map(day_totals_of, counted)),
            corrected_by=corrections.rules.get(org_id, ()),
            aliases=_aliases(identity, recorded.values()),
            score=self.scores(scope, [org_id], corrections=corrections).get(org_id, NO_SCORE),
            facets=self._deeds(parameters),
        )

    def back_test(self, scope: Scope, weights: Weights, as_of: date) -> Ranking:
        """Return how ``weights`` would have ranked the customers among all leads at the end of a day.

        Raises NotAllowedError: the member sees only some feeds.
        """
        scope.require(Right.READ_ALL_LEADS)
        corrections = self.rule_book.corrections(scope)
        customers = self._resolver.records.ids_with(scope, "status", [LeadStatus.CUSTOMER], corrections.shown_as)
        customers -= {HIDDEN}
        parameters = score_parameters(weights, as_of) | {
            "workspace_id": scope.workspace_id,
            "today": self.today(),
            **corrections.parameters(),
            "customers": sorted(customers),
            "max_rows": MAX_RANKED,
        }
        rows = self._warehouse.rows("score_ranks", parameters)
        identities = self._identities(scope, [row["org_id"] for row in rows], corrections)
        ranked = tuple(
            Ranked(identities[row["org_id"]], row["rank"], score_of(row["score"], row["amounts"], weights))
            for row in rows
            if row["org_id"] in identities
        )
        return Ranking(len(customers), rows[0]["leads"] if rows else 0, ranked)

    def coverage(self, scope: Scope, days: DayRange, site: SiteId | None = None) -> Coverage:
        return coverage_of(self._warehouse.rows("coverage", self._parameters(scope, days, site)))

    def visits_file(self, scope: Scope, month: Month, sites: Iterable[Site]) -> IO[bytes]:
        """Return a month's visits with their routes as Parquet; see `visit_export.visits_file`."""
        corrections = self.rule_book.corrections(scope)
        hidden = self._resolver.records.hidden_ids(scope, corrections.shown_as)
        return visits_file(self._warehouse, scope, corrections, hidden, month, sites, self.today())

    def activity(self, scope: Scope) -> dict[SiteId, SiteActivity]:
        """Return what each site measured in the last 30 days; a silent site is absent."""
        parameters = {
            "workspace_id": scope.workspace_id,
            "first_day": self.today() - timedelta(days=RECENT_DAYS - 1),
        }
        return {
            SiteId(row["site_id"]): SiteActivity(row["pageviews"], datetime.fromtimestamp(row["last_hour"], UTC))
            for row in self._warehouse.rows("site_counts", parameters)
        }

    def _parameters(self, scope: Scope, days: DayRange, site: SiteId | None) -> dict[str, object]:
        return {
            "workspace_id": scope.workspace_id,
            "first_day": days.first,
            "last_day": days.last,
            "site_id": site or 0,
            "today": self.today(),
        }

    def _identities(self, scope: Scope, org_ids: Iterable[OrgId], corrections: Corrections) -> dict[int, Identity]:
        """Return who these are, as the workspace's rules or the history say."""
        said = {org_id: corrections.identities[org_id] for org_id in org_ids if org_id in corrections.identities}
        asked = [org_id for org_id in org_ids if org_id not in said]
        rows = self._rows_of_orgs("organisations", {"workspace_id": scope.workspace_id}, asked)
        return {row["org_id"]: identity_of(row) for row in rows} | said

    def _days(
        self, parameters: Mapping[str, object], org_ids: Iterable[OrgId], corrections: Corrections
    ) -> dict[int, tuple[DayTotals, ...]]:
        per_org: defaultdict[int, tuple[DayTotals, ...]] = defaultdict(tuple)
        given = {**parameters, **corrections.parameters()}
        for row in self._rows_of_orgs("lead_days", given, corrections.members(org_ids)):
            per_org[row["stands_for"]] += (day_totals_of(row),)
        return per_org

    def _rows_of_orgs(
        self, query: str, parameters: Mapping[str, object], org_ids: Iterable[int]
    ) -> Iterable[dict[str, Any]]:
        wanted = list(org_ids)
        if not wanted:
            return []
        return self._warehouse.rows(query, {"today": self.today(), **parameters, "org_ids": wanted})

    def _history(self, parameters: Mapping[str, object]) -> History | None:
        for row in self._warehouse.rows("company_history", parameters):
            return History(row["days"], bool(row["has_route"]), row["first_day"], moment_of(row))
        return None

    def _deeds(self, parameters: Mapping[str, object]) -> dict[str, tuple[Deed, ...]]:
        found: defaultdict[str, tuple[Deed, ...]] = defaultdict(tuple)
        for row in self._warehouse.rows("company_facets", {**parameters, "max_rows": MAX_DEEDS}):
            found[row["facet"]] += (Deed(row["value"], row["times"]),)
        return dict(found)

    def _visits(
        self, parameters: Mapping[str, object], after: Cursor | None
    ) -> tuple[tuple[Visit, ...], Cursor | None]:
        place = {
            "before_at": max(0, min(int(after.value), 2**32 - 1)) if after else 2**32 - 1,
            "before_visit": after.id if after else 2**64 - 1,
            "max_rows": PAGE_VISITS + 1,
        }
        found = self._warehouse.rows("company_visits", {**parameters, **place})
        visits = tuple(visit_of(row) for row in found[:PAGE_VISITS])
        return visits, Cursor(int(visits[-1].started_at.timestamp()), visits[-1].id) if len(
            found
        ) > PAGE_VISITS else None


def _lead(
    row: Mapping[str, Any],
    identities: Mapping[int, Identity],
    days: Mapping[int, tuple[DayTotals, ...]],
    scores: Mapping[OrgId, Score],
    said: Mapping[OrgId, SaidOf],
) -> Lead:
    org_id = row["org_id"]
    return Lead(
        identities[org_id],
        moment_of(row),
        totals_of(row),
        row["goals"],
        days.get(org_id, ()),
        row["days"],
        scores.get(org_id, NO_SCORE),
        *said[org_id],
    )


def _aliases(shown: Identity, recorded: Iterable[Identity]) -> tuple[str, ...]:
    names = {name.casefold(): name for one in recorded for name in (one.registered_name, one.name) if name}
    for own in (shown.name, shown.registered_name):  # The page has these in places of their own.
        names.pop(own.casefold(), None)
    return tuple(names[key] for key in sorted(names))


def _sum(days: Iterable[DayTotals]) -> Totals:
    each = [day.totals for day in days]
    return Totals(
        visits=sum(totals.visits for totals in each),
        pageviews=sum(totals.pageviews for totals in each),
        active_ms=sum(totals.active_ms for totals in each),
    )
