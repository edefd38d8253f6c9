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

    def __init__(self, warehouse: Warehouse, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock

    def today(self) -> date:
        return self._clock().date()

    def list(self, scope: Scope, wanted: LeadFilter, after: Cursor = NEWEST, rows: int = PAGE_ROWS) -> LeadPage:
        """Return up to ``rows`` leads that follow ``after``, newest first."""
        parameters = self._parameters(scope, wanted.days, wanted.site) | {
            "name": wanted.name,
            "before_at": int(after.at.timestamp()),
            "before_org": after.id,
            "max_rows": rows + 1,
        }
        found = self._warehouse.rows("leads", parameters)
        shown = found[:rows]
        org_ids = [row["org_id"] for row in shown]
        identities = self._identities(scope, org_ids)
        days = self._days(scope, wanted.days, wanted.site, org_ids)
        leads = tuple(_lead(row, identities, days) for row in shown if row["org_id"] in identities)
        more = Cursor(moment_of(shown[-1]).at, shown[-1]["org_id"]) if len(found) > rows else None
        return LeadPage(leads, found[0]["total"] if found else 0, more)

    def company(self, scope: Scope, org_id: OrgId, days: DayRange, after: Cursor = NEWEST) -> Company | None:
        """Return a company with its visits that follow ``after``; None where none may be shown.

        Unknown, another workspace's, no longer kept and too little known look the same.
        """
        history = self._history(scope, org_id)
        identity = self._identities(scope, [org_id]).get(org_id)
        if history is None or identity is None or not history.may_be_shown:
            return None
        per_day = self._days(scope, days, None, [org_id])[org_id]
        parameters = self._parameters(scope, days, None) | {"org_id": org_id}
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

    def _identities(self, scope: Scope, org_ids: Iterable[int]) -> dict[int, Identity]:
        rows = self._rows_of_orgs("organisations", {"workspace_id": scope.workspace_id}, org_ids)
        return {row["org_id"]: identity_of(row) for row in rows}

    def _days(
        self, scope: Scope, days: DayRange, site: SiteId | None, org_ids: Iterable[int]
    ) -> dict[int, tuple[DayTotals, ...]]:
        per_org: defaultdict[int, tuple[DayTotals, ...]] = defaultdict(tuple)
        for row in self._rows_of_orgs("lead_days", self._parameters(scope, days, site), org_ids):
            per_org[row["org_id"]] += (day_totals_of(row),)
        return per_org

    def _rows_of_orgs(
        self, query: str, parameters: Mapping[str, object], org_ids: Iterable[int]
    ) -> Iterable[dict[str, Any]]:
        wanted = list(org_ids)
        if not wanted:
            return []
        return self._warehouse.rows(query, {"today": self.today(), **parameters, "org_ids": wanted})

    def _history(self, scope: Scope, org_id: OrgId) -> History | None:
        parameters = {"workspace_id": scope.workspace_id, "org_id": org_id, "today": self.today()}
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
