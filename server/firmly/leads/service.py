"""Answers what members ask about leads, from the warehouse's rollups.

The workspace always comes from the member's `Scope`, never from a request. Nothing beyond its
retention is read, and the guards for small organisations hold in every answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from firmly.accounts.scope import Scope
from firmly.leads.company import Company, History
from firmly.leads.corrections import HIDDEN, Corrections
from firmly.leads.coverage import Coverage, coverage_of
from firmly.leads.days import DayRange
from firmly.leads.filter import NEWEST, Cursor, LeadFilter
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
from firmly.leads.rule_book import RuleBook
from firmly.leads.visit import Visit, visit_of
from firmly.model import Clock, OrgId, SiteId
from firmly.warehouse.store import Warehouse

PAGE_ROWS = 50
PAGE_VISITS = 30
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class SiteActivity:
    """Page views measured on a site in the last 30 days, and the start of the hour of the last."""

    pageviews: int
    last_hour: datetime


class Leads:
    """Read-only and blocking: call it from a thread. Safe to share between threads."""

    def __init__(self, warehouse: Warehouse, clock: Clock, rule_book: RuleBook) -> None:
        self._warehouse = warehouse
        self.rule_book = rule_book
        self._clock = clock

    def today(self) -> date:
        return self._clock().date()

    def list(self, scope: Scope, wanted: LeadFilter, after: Cursor = NEWEST, rows: int = PAGE_ROWS) -> LeadPage:
        """Return up to ``rows`` leads that follow ``after``, newest first."""
        corrections = self.rule_book.corrections(scope.workspace_id)
        parameters = self._parameters(scope, wanted.days, wanted.site) | {
            **corrections.parameters(),
            "renamed": list(corrections.identities),
            "found": corrections.named(wanted.name) if wanted.name else [],
            "name": wanted.name,
            "before_at": int(after.at.timestamp()),
            "before_org": after.id,
            "max_rows": rows + 1,
        }
        found = self._warehouse.rows("leads", parameters)
        shown = found[:rows]
        org_ids = [row["org_id"] for row in shown]
        identities = self._identities(scope, org_ids, corrections)
        days = self._days(self._parameters(scope, wanted.days, wanted.site), org_ids, corrections)
        leads = tuple(_lead(row, identities, days) for row in shown if row["org_id"] in identities)
        more = Cursor(moment_of(shown[-1]).at, shown[-1]["org_id"]) if len(found) > rows else None
        return LeadPage(leads, found[0]["total"] if found else 0, more)

    def company(self, scope: Scope, org_id: OrgId, days: DayRange, after: Cursor = NEWEST) -> Company | None:
        """Return a company with its visits that follow ``after``; None where none may be shown.

        Unknown, another workspace's, no longer kept, hidden and too little known look the same. One that
        is corrected to be another comes back as that one.
        """
        corrections = self.rule_book.corrections(scope.workspace_id)
        org_id = corrections.follow(org_id)
        if org_id == HIDDEN:
            return None
        parameters = self._parameters(scope, days, None) | {"org_ids": corrections.members([org_id])}
        history = self._history(parameters)
        identity = self._identities(scope, [org_id], corrections).get(org_id)
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
        )

    def coverage(self, scope: Scope, days: DayRange, site: SiteId | None = None) -> Coverage:
        return coverage_of(self._warehouse.rows("coverage", self._parameters(scope, days, site)))

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

    def _visits(self, parameters: Mapping[str, object], after: Cursor) -> tuple[tuple[Visit, ...], Cursor | None]:
        place = {
            "before_at": int(after.at.timestamp()),
            "before_visit": after.id,
            "max_rows": PAGE_VISITS + 1,
        }
        found = self._warehouse.rows("company_visits", {**parameters, **place})
        visits = tuple(visit_of(row) for row in found[:PAGE_VISITS])
        return visits, Cursor(visits[-1].started_at, visits[-1].id) if len(found) > PAGE_VISITS else None


def _lead(
    row: Mapping[str, Any], identities: Mapping[int, Identity], days: Mapping[int, tuple[DayTotals, ...]]
) -> Lead:
    org_id = row["org_id"]
    return Lead(identities[org_id], moment_of(row), totals_of(row), row["goals"], days.get(org_id, ()))


def _sum(days: Iterable[DayTotals]) -> Totals:
    each = [day.totals for day in days]
    return Totals(
        visits=sum(totals.visits for totals in each),
        pageviews=sum(totals.pageviews for totals in each),
        active_ms=sum(totals.active_ms for totals in each),
    )
