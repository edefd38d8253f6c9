"""The periodic report of each workspace's audit log, mailed to those who want it (LO3).

It carries the digest of the newest entry out of the house: whoever keeps the mails can later tell
whether the log was made anew.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, update

from firmly.accounts.audit import Action, AuditLog, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.letters import LetterWishes
from firmly.accounts.scope import Scope, State, jobs_scope
from firmly.accounts.tables import WorkspaceRow
from firmly.mail.letter import Letter, Template, Value
from firmly.model import Clock, WorkspaceId

Unsubscribe = Callable[[str], str]

AT_ONCE = 100
"""Workspaces of one turn: the outbox holds a thousand letters, and others, such as a new password, wait there too."""


class AuditReports:
    """Writes one report per workspace and calendar month (UTC). Blocking.

    ``put`` takes a letter to be sent; ``log_url`` is the page of the log; ``unsubscribe_url`` makes the
    address behind an unsubscribe link's secret; ``title`` says an action in words;
    ``checkpoints`` returns what else has to leave the house for a workspace, as lines: its consent logs' states.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        audit: AuditLog,
        wishes: LetterWishes,
        put: Callable[[Letter], None],
        clock: Clock,
        *,
        log_url: str,
        unsubscribe_url: Unsubscribe,
        title: Callable[[Action], str],
        checkpoints: Callable[[WorkspaceId], Sequence[str]],
    ) -> None:
        self._control_plane = control_plane
        self._audit = audit
        self._wishes = wishes
        self._put = put
        self._clock = clock
        self._log_url = log_url
        self._unsubscribe_url = unsubscribe_url
        self._title = title
        self._checkpoints = checkpoints

    def send_due(self) -> int:
        """Send what is due, of a hundred workspaces at most, and return of how many.

        A workspace that was made this month waits for the next.

        Each is claimed before its letters are put, so that two processes do not send it twice; a crash in
        between costs one report, whose figures the next one's log still holds.
        """
        month = self._clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for done in range(AT_ONCE):
            scope = self._claim(month)
            if scope is None:
                return done
            self._send(scope, month)
        return AT_ONCE

    def _claim(self, month: datetime) -> Scope | None:
        due = (
            select(WorkspaceRow.id)
            .where(
                WorkspaceRow.state == State.ACTIVE,
                WorkspaceRow.created_at < month,
                or_(WorkspaceRow.reported_at.is_(None), WorkspaceRow.reported_at < month),
            )
            .order_by(WorkspaceRow.id)
            .limit(1)
        )
        with self._control_plane.reading() as db:
            if db.scalars(due).first() is None:
                return None
        now = self._clock()
        with self._control_plane.session() as db:
            workspace_id = db.scalars(due).first()
            if workspace_id is None:
                return None
            scope = jobs_scope(db, WorkspaceId(workspace_id))
            db.execute(update(WorkspaceRow).where(WorkspaceRow.id == workspace_id).values(reported_at=now))
            record(db, scope.workspace_id, scope.actor, Action.REPORT_SENT, now)
            return scope

    def _send(self, scope: Scope, month: datetime) -> None:
        first = (month - timedelta(days=1)).replace(day=1)
        counts = self._audit.counts(scope, first, month)
        chain = self._audit.verify(scope.workspace_id)
        said: dict[str, Value] = {
            "workspace": scope.workspace_name,
            "first_day": first.astimezone(UTC).date(),
            "last_day": (month - timedelta(days=1)).astimezone(UTC).date(),
            "actions": tuple((self._title(action), count) for action, count in counts.items()),
            "entries": chain.entries,
            "head_hash": chain.head,
            "broken_at": chain.broken_at or 0,
            "checkpoints": tuple(self._checkpoints(scope.workspace_id)),
            "link": self._log_url,
        }
        for member_id, email in self._wishes.recipients(scope, Template.AUDIT_REPORT):
            secret = self._wishes.unsubscribe_secret(scope.workspace_id, member_id, Template.AUDIT_REPORT)
            stop_url = self._unsubscribe_url(secret)
            self._put(Letter(Template.AUDIT_REPORT, email, said, scope.workspace_id, stop_url))
