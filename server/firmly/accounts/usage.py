"""Which features a workspace uses, and how often a day: by nobody in particular (LS4, LP4).

Holds names of features and numbers; no member, no content, no time below the day.
"""

import threading
from collections import Counter
from datetime import date

from sqlalchemy import Date, bindparam, select, text

from firmly.accounts.database import ControlPlane
from firmly.accounts.scope import Scope
from firmly.accounts.tables import UsageRow, WorkspaceRow
from firmly.model import Clock, WorkspaceId

_MOST = 10_000

# One statement for all rows: read and written one by one, ten thousand held the write lock for many seconds.
_ADD = text(
    'insert into "usage" (workspace_id, day, feature, uses) values (:workspace_id, :day, :feature, :uses) '
    'on conflict (workspace_id, day, feature) do update set uses = "usage".uses + excluded.uses'
).bindparams(bindparam("day", type_=Date))


class Usage:
    """Counts in memory until `flush`. Safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[WorkspaceId, date, str]] = Counter()

    def count(self, workspace_id: WorkspaceId, feature: str) -> None:
        """Count a use of ``feature``, a name out of our own code."""
        key = (workspace_id, self._clock().date(), feature)
        with self._lock:
            if key in self._counts or len(self._counts) < _MOST:
                self._counts[key] += 1

    def flush(self) -> None:
        """Write what was counted; blocking. Workspaces that switched it off lose theirs here.

        Raises:
            ControlPlaneUnavailableError: what was counted stays for the next time.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._control_plane.session() as db:
                wanted = set(db.scalars(select(WorkspaceRow.id).where(WorkspaceRow.counts_usage)))
                rows = [
                    {"workspace_id": workspace_id, "day": day, "feature": feature, "uses": uses}
                    for (workspace_id, day, feature), uses in sorted(counts.items())
                    if workspace_id in wanted
                ]
                if rows:
                    db.execute(_ADD, rows)
        except Exception:
            with self._lock:
                self._counts.update(counts)
            raise

    def of(self, scope: Scope, since: date) -> tuple[tuple[str, int], ...]:
        """Return the workspace's features with their uses since a day, the most used first."""
        query = select(UsageRow).where(UsageRow.workspace_id == scope.workspace_id, UsageRow.day >= since)
        total: Counter[str] = Counter()
        with self._control_plane.reading() as db:
            for row in db.scalars(query):
                total[row.feature] += row.uses
        return tuple(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))
