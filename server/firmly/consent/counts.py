"""How visitors chose, per day: the controller's own figures. No record, receipt or minute comes out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.tables import SiteRow
from firmly.consent.choice import Action, State
from firmly.consent.tables import ConsentRecordRow
from firmly.model import SiteId


@dataclass(frozen=True, slots=True)
class ConsentCount:
    """How many records of one day (UTC) say the same."""

    day: date
    action: Action
    state: State
    records: int


class ConsentCounts:
    """Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def of(self, scope: Scope, first: date, last: date, site: SiteId | None = None) -> tuple[ConsentCount, ...]:
        """Return the counts from ``first`` to ``last``, both included, by day, action and state.

        ``site`` None means all of the workspace; for a site of another workspace there is nothing.
        Days and combinations without a record are absent. Raises NotAllowedError.
        """
        scope.require(Right.READ_CONSENT)
        row = ConsentRecordRow
        day: Any = _UtcDay(row.minute)
        query = (
            select(day, row.action, row.state, func.count())
            .join(SiteRow, row.site_id == SiteRow.id)
            .where(SiteRow.workspace_id == scope.workspace_id)
            .where(row.minute >= _start(first), row.minute < _start(last + timedelta(days=1)))
            .group_by(day, row.action, row.state)
            .order_by(day, row.action, row.state)
        )
        if site is not None:
            query = query.where(row.site_id == site)
        with self._control_plane.reading() as db:
            return tuple(
                ConsentCount(on, Action(action), State(state), records)
                for on, action, state, records in db.execute(query)
            )


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class _UtcDay(FunctionElement[date]):
    """The day in UTC of a moment that `UtcDateTime` keeps."""

    type = Date()
    inherit_cache = True
    name = "utc_day"


@compiles(_UtcDay, "sqlite")
def _on_sqlite(element: _UtcDay, compiler: SQLCompiler, **given: Any) -> str:
    return f"date({compiler.process(element.clauses, **given)})"


@compiles(_UtcDay, "postgresql")
def _on_postgresql(element: _UtcDay, compiler: SQLCompiler, **given: Any) -> str:
    # A server's own time zone must not move a day's edge.
    return f"cast({compiler.process(element.clauses, **given)} at time zone 'UTC' as date)"
