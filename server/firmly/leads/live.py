"""Which companies are on a site at this moment, and whether anything of a workspace changed.

Only visits whose route is kept: what is only counted has neither page nor time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from firmly.accounts.scope import Scope
from firmly.leads.corrections import HIDDEN, Corrections
from firmly.leads.lead import Identity
from firmly.leads.overview import HiddenIds, Identify
from firmly.leads.rule_book import RuleBook
from firmly.leads.visit import Origin, Step
from firmly.model import Clock, OrgId, SiteId, WorkspaceId
from firmly.warehouse.store import Warehouse

WITHIN = timedelta(minutes=5)
"""A visit goes on for so long after its latest event."""
MAX_SHOWN = 200
MAX_READ = 2000
"""More are read than shown: who may not see all companies sees those that are left."""

OnlyVisible = Callable[[Scope, Iterable[OrgId]], set[OrgId]]


@dataclass(frozen=True, slots=True)
class LiveVisit:
    """A visit that goes on. Times are whole minutes; ``page`` is the latest one, its ``active_ms`` 0.

    ``id`` is random and dies with the visit.
    """

    identity: Identity
    id: int
    site_id: SiteId
    started_at: datetime
    last_at: datetime
    pageviews: int
    page: Step
    origin: Origin


class LiveVisits:
    """Read-only and blocking. Safe to share between threads."""

    def __init__(
        self,
        warehouse: Warehouse,
        clock: Clock,
        rule_book: RuleBook,
        identify: Identify,
        hidden_ids: HiddenIds,
        only_visible: OnlyVisible,
    ) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._rule_book = rule_book
        self._identify = identify
        self._hidden_ids = hidden_ids
        self._only_visible = only_visible

    def of(self, scope: Scope) -> tuple[LiveVisit, ...]:
        """Return the visits that go on, newest first; of a membership's own feeds where it is restricted to some."""
        corrections, now = self._rule_book.corrections(scope), self._clock()
        since = (now - WITHIN).replace(second=0, microsecond=0)
        parameters = {
            "workspace_id": scope.workspace_id,
            "since": int(since.timestamp()),
            "first_day": now.date() - timedelta(days=1),
            "today": now.date(),
            "max_rows": MAX_READ,
        }
        rows = self._warehouse.rows("live_visits", parameters)
        ends = {row["org_id"]: corrections.follow(row["org_id"]) for row in rows}
        shown = self._shown(scope, set(ends.values()) - {HIDDEN}, corrections)
        who = self._identify(scope, sorted(shown), corrections)
        known = [row for row in rows if ends[row["org_id"]] in who]
        return tuple(_visit(row, who[ends[row["org_id"]]]) for row in known[:MAX_SHOWN])

    def _shown(self, scope: Scope, org_ids: set[OrgId], corrections: Corrections) -> set[OrgId]:
        hidden = self._hidden_ids(scope, corrections.shown_as)
        return self._only_visible(scope, org_ids - hidden)

    def mark(self, workspace_id: WorkspaceId) -> int:
        """Return a number that is another one once events of today or yesterday have been stored. Costs little."""
        today = self._clock().date()
        given = {"workspace_id": workspace_id, "first_day": today - timedelta(days=1), "today": today}
        return int(self._warehouse.rows("news", given)[0]["seen"])


def _visit(row: dict[str, Any], identity: Identity) -> LiveVisit:
    return LiveVisit(
        identity=identity,
        id=row["visit_id"],
        site_id=SiteId(row["site_id"]),
        started_at=datetime.fromtimestamp(row["started_at"], UTC),
        last_at=datetime.fromtimestamp(row["last_at"], UTC),
        pageviews=row["pageviews"],
        page=Step(row["host"], row["path"], row["title"], 0),
        origin=Origin(row["source"], row["referrer_host"], row["utm_source"], row["utm_medium"], row["utm_campaign"]),
    )
