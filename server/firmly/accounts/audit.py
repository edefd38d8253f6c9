"""The audit log of a workspace: who did what to which object, from which session. Only ever appended.

Each entry holds the digest of the one before, so that an edit, a deletion in the middle or a new order
shows in `AuditLog.verify`. Whoever can write the database can also compute a whole new chain: against
that stands the digest of the newest entry, which leaves the house with every report (LO3).
It holds numbers of members and sessions, never an address; `detail` never a credential.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Actor, ActorKind, Scope
from firmly.accounts.tables import AuditEntryRow, MemberRow
from firmly.model import Clock, FirmlyError, WorkspaceId

FIRST = "0" * 64
"""What stands in an entry that has none before it."""
PAGE = 50
_AT_ONCE = 1000


class Action(StrEnum):
    """What is logged: the closed set."""

    SIGNED_IN = "signed_in"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    PROVIDER_TIED = "provider_tied"
    SESSIONS_ENDED = "sessions_ended"
    WORKSPACE_MADE = "workspace_made"
    WORKSPACE_CHANGED = "workspace_changed"
    WORKSPACE_CANCELLED = "workspace_cancelled"
    WORKSPACE_REACTIVATED = "workspace_reactivated"
    MEMBERS_READ = "members_read"
    MEMBER_ADDED = "member_added"
    MEMBER_INVITED = "member_invited"
    INVITATION_REVOKED = "invitation_revoked"
    INVITATION_ACCEPTED = "invitation_accepted"
    ROLE_CHANGED = "role_changed"
    MEMBER_REMOVED = "member_removed"
    SITE_MADE = "site_made"
    SITE_CHANGED = "site_changed"
    CORRECTION_ADDED = "correction_added"
    CORRECTION_REMOVED = "correction_removed"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    LEADS_EXPORTED = "leads_exported"
    VISITS_EXPORTED = "visits_exported"
    OVERVIEW_EXPORTED = "overview_exported"
    LEADS_CHANGED = "leads_changed"
    MEMBER_RESTRICTED = "member_restricted"
    FEED_ADDED = "feed_added"
    FEED_CHANGED = "feed_changed"
    FEED_REMOVED = "feed_removed"
    SCORING_CHANGED = "scoring_changed"
    COMPANY_DATA_IMPORTED = "company_data_imported"
    COMPANY_DATA_UNDONE = "company_data_undone"
    COMPANY_DATA_DELETED = "company_data_deleted"
    AUDIT_READ = "audit_read"
    AUDIT_EXPORTED = "audit_exported"
    LETTERS_READ = "letters_read"
    DISCLOSURES_READ = "disclosures_read"
    DISCLOSURE_ADDED = "disclosure_added"
    ACCOUNT_EXPIRED = "account_expired"
    REPORT_SENT = "report_sent"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. ``actor_name`` is the member's name today, None where there is none any more or never was."""

    number: int
    at: datetime
    actor: ActorKind
    actor_id: int | None
    actor_name: str | None
    session: str
    action: Action
    object: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; None: all. ``until`` is not included."""

    action: Action | None = None
    member_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = AuditFilter()


@dataclass(frozen=True, slots=True)
class Chain:
    """How a workspace's chain stands. ``broken_at`` is the first entry that does not fit, None where all do."""

    entries: int
    head: str
    broken_at: int | None


def record(
    db: Session,
    workspace_id: WorkspaceId,
    actor: Actor,
    action: Action,
    now: datetime,
    object_: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry in the caller's transaction: what is not logged did not happen."""
    number, previous = _last(db, workspace_id)
    row = AuditEntryRow(
        workspace_id=workspace_id,
        number=number + 1,
        at=now,
        actor=actor.kind.value,
        actor_id=actor.id,
        session=actor.session,
        action=action.value,
        object=object_[:200],
        detail=dict(detail or {}),
        previous=previous,
    )
    row.digest = _digest(row)
    db.add(row)
    db.flush()


def _last(db: Session, workspace_id: WorkspaceId) -> tuple[int, str]:
    """Return number and digest of the newest entry."""
    query = select(AuditEntryRow.number, AuditEntryRow.digest).where(AuditEntryRow.workspace_id == workspace_id)
    last = db.execute(query.order_by(AuditEntryRow.number.desc()).limit(1)).one_or_none()
    return (last.number, last.digest) if last else (0, FIRST)


class AuditLog:
    """Reads the log of one workspace and logs that it was read. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._checking = threading.Lock()

    def note(self, scope: Scope, action: Action, object_: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """Log something that changes no row of its own, such as a reading of personal data."""
        with self._control_plane.session() as db:
            record(db, scope.workspace_id, scope.actor, action, self._clock(), object_, detail)

    def page(
        self, scope: Scope, wanted: AuditFilter = EVERYTHING, before: int | None = None, limit: int = PAGE
    ) -> tuple[AuditEntry, ...]:
        """Return up to ``limit`` entries, newest first, older than the entry number ``before``.

        Every reading is logged. Raises NotAllowedError.
        """
        scope.require(Right.READ_AUDIT)
        self.note(scope, Action.AUDIT_READ)
        with self._control_plane.reading() as db:
            return _entries(db, scope.workspace_id, wanted, before, limit)

    def export(self, scope: Scope, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditEntry]:
        """Yield all entries, newest first, and log the export before the first. Raises NotAllowedError."""
        scope.require(Right.READ_AUDIT)
        self.note(scope, Action.AUDIT_EXPORTED)
        return self._all(scope.workspace_id, wanted)

    def _all(self, workspace_id: WorkspaceId, wanted: AuditFilter) -> Iterator[AuditEntry]:
        before: int | None = None
        while True:
            with self._control_plane.reading() as db:
                entries = _entries(db, workspace_id, wanted, before, _AT_ONCE)
            yield from entries
            if len(entries) < _AT_ONCE:
                return
            before = entries[-1].number

    def head(self, scope: Scope) -> Chain:
        """Return what the newest entry says of the chain, without a check. Raises NotAllowedError."""
        scope.require(Right.READ_AUDIT)
        with self._control_plane.reading() as db:
            last = _last(db, scope.workspace_id)
        return Chain(last[0], last[1], None)

    def chain(self, scope: Scope) -> Chain:
        """Compute the whole chain anew: some fifty microseconds an entry, one check at a time.

        Raises:
            NotAllowedError: the right is missing.
            FirmlyError: another check is running.
        """
        scope.require(Right.READ_AUDIT)
        if not self._checking.acquire(blocking=False):
            raise FirmlyError("another check of a log is running; try again in a minute")
        try:
            return self.verify(scope.workspace_id)
        finally:
            self._checking.release()

    def verify(self, workspace_id: WorkspaceId) -> Chain:
        """Compute a workspace's chain anew: for the operator. No entry comes out."""
        previous, number = FIRST, 0
        with self._control_plane.reading() as db:
            query = select(AuditEntryRow).where(AuditEntryRow.workspace_id == workspace_id)
            query = query.order_by(AuditEntryRow.number).execution_options(yield_per=_AT_ONCE)
            with db.scalars(query) as rows:  # A broken chain is not read to its end.
                for row in rows:
                    if row.number != number + 1 or row.previous != previous or row.digest != _digest(row):
                        return Chain(number, previous, number + 1)
                    number, previous = row.number, row.digest
        return Chain(number, previous, None)

    def counts(self, scope: Scope, since: datetime, until: datetime) -> dict[Action, int]:
        """Return how often each action was logged from ``since`` until before ``until``. Raises NotAllowedError."""
        scope.require(Right.READ_AUDIT)
        query = (
            select(AuditEntryRow.action, func.count())
            .where(
                AuditEntryRow.workspace_id == scope.workspace_id, AuditEntryRow.at >= since, AuditEntryRow.at < until
            )
            .group_by(AuditEntryRow.action)
        )
        with self._control_plane.reading() as db:
            found = {action: count for action, count in db.execute(query)}  # noqa: C416  # Rows are no pairs to mypy.
        return {action: found[action.value] for action in Action if action.value in found}


def _entries(
    db: Session, workspace_id: WorkspaceId, wanted: AuditFilter, before: int | None, limit: int
) -> tuple[AuditEntry, ...]:
    query = (
        select(AuditEntryRow, MemberRow.name)
        .outerjoin(MemberRow, (AuditEntryRow.actor == ActorKind.MEMBER) & (AuditEntryRow.actor_id == MemberRow.id))
        .where(AuditEntryRow.workspace_id == workspace_id, *_conditions(wanted))
        .order_by(AuditEntryRow.number.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditEntryRow.number < before)
    return tuple(_entry(row, name) for row, name in db.execute(query))


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.action is not None:
        yield AuditEntryRow.action == wanted.action.value
    if wanted.member_id is not None:
        yield (AuditEntryRow.actor == ActorKind.MEMBER) & (AuditEntryRow.actor_id == wanted.member_id)
    if wanted.since is not None:
        yield AuditEntryRow.at >= wanted.since
    if wanted.until is not None:
        yield AuditEntryRow.at < wanted.until


def _entry(row: AuditEntryRow, name: str | None) -> AuditEntry:
    return AuditEntry(
        row.number,
        row.at,
        ActorKind(row.actor),
        row.actor_id,
        name,
        row.session,
        Action(row.action),
        row.object,
        row.detail,
        row.digest,
    )


def _digest(row: AuditEntryRow) -> str:
    said = [
        row.workspace_id,
        row.number,
        row.at.astimezone(UTC).isoformat(),
        row.actor,
        row.actor_id,
        row.session,
        row.action,
        row.object,
        row.detail,
        row.previous,
    ]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
