"""What a team says of its leads, kept in the control plane: status, owner, tags, notes, hidden or not, and its history.

Owns who may and what is kept. Whether the lead itself may be seen is the matter of the caller: nothing here knows
the warehouse.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import ActorKind, NotAllowedError, Scope
from firmly.accounts.tables import MemberRow, MembershipRow
from firmly.leads.filter import org_id_text
from firmly.leads.record import (
    MAX_LEADS,
    Groups,
    LeadChange,
    LeadRecord,
    LeadStatus,
    Note,
    NoteId,
    Owner,
    RecordChange,
    Said,
    TagUse,
    folded,
    read_note,
    refused,
)
from firmly.leads.record_rows import changes_of, id_of, note_of, records_of, texts_of
from firmly.leads.record_writing import history_row, write_change
from firmly.leads.tables import LeadChangeRow, LeadHiddenRow, LeadNoteRow, LeadRecordRow, LeadTagRow
from firmly.model import Clock, MemberId, OrgId, Problem

MAX_SHOWN = 100
"""Changes of a lead's history that are shown."""
MAX_TAGS_OFFERED = 1000
_AT_ONCE = 1000

Follow = Callable[[OrgId], OrgId]
"""From an organisation to the one that stands for it (`Corrections.shown_as`)."""


class LeadRecords:
    """Blocking; safe to use from several threads. Every call takes READ_LEADS or EDIT_LEADS (NotAllowedError)."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def of(self, scope: Scope, groups: Groups) -> dict[OrgId, LeadRecord]:
        """Return the record of every id that is shown: of merged ones the newest status and owner, all tags and notes.

        Two statements for a thousand leads. Whether somebody hid it counts of any id in the group.
        """
        scope.require(Right.READ_LEADS)
        found: dict[OrgId, LeadRecord] = {}
        with self._control_plane.reading() as db:
            shown = list(groups)
            for start in range(0, len(shown), _AT_ONCE):
                some = {org_id: groups[org_id] for org_id in shown[start : start + _AT_ONCE]}
                found |= records_of(db, scope, some)
        return found

    def notes(self, scope: Scope, org_ids: Iterable[OrgId]) -> tuple[Note, ...]:
        """Return all notes about these, newest first."""
        scope.require(Right.READ_LEADS)
        query = (
            select(LeadNoteRow, MemberRow.name)
            .outerjoin(MemberRow, LeadNoteRow.author == MemberRow.id)
            .where(LeadNoteRow.workspace_id == scope.workspace_id, LeadNoteRow.org_id.in_(texts_of(org_ids)))
            .order_by(LeadNoteRow.id.desc())
        )
        with self._control_plane.reading() as db:
            return tuple(note_of(row, author, may_remove=_may_remove(row, scope)) for row, author in db.execute(query))

    def history(self, scope: Scope, org_ids: Iterable[OrgId]) -> tuple[LeadChange, ...]:
        """Return the last hundred changes of these records, newest first."""
        scope.require(Right.READ_LEADS)
        query = (
            select(LeadChangeRow)
            .where(LeadChangeRow.workspace_id == scope.workspace_id, LeadChangeRow.org_id.in_(texts_of(org_ids)))
            .order_by(LeadChangeRow.id.desc())
            .limit(MAX_SHOWN)
        )
        with self._control_plane.reading() as db:
            return changes_of(db, db.scalars(query))

    def change(self, scope: Scope, groups: Groups, change: RecordChange) -> int:
        """Change the records of up to 1,000 leads, all or none; return how many became different.

        What is said newly is said of the id that is shown; tags are taken off, and leads shown again, of the whole
        group. That a member hid a lead for themselves is in no history.

        Raises:
            InvalidInputError: too many leads or tags, no tag, an owner who is no member of the workspace, or hidden
                for oneself by a token.
        """
        scope.require(Right.EDIT_LEADS)
        if len(groups) > MAX_LEADS:
            raise refused(Problem("org", str(len(groups)), f"at most {MAX_LEADS} companies at once"))
        now = self._clock()
        with self._control_plane.session() as db:
            changed = write_change(db, scope, groups, change, now)
            if changed:
                record(db, scope.workspace_id, scope.actor, Action.LEADS_CHANGED, now, "", {"leads": changed})
        return changed

    def add_note(self, scope: Scope, org_id: OrgId, text: str) -> NoteId:
        """Raises InvalidInputError: no text, or more than 2,000 characters."""
        scope.require(Right.EDIT_LEADS)
        now, said = self._clock(), read_note(text)
        token = scope.actor.id if scope.actor.kind is ActorKind.TOKEN else None
        with self._control_plane.session() as db:
            row = LeadNoteRow(
                workspace_id=scope.workspace_id,
                org_id=org_id_text(org_id),
                text=said,
                author=scope.author,
                token=token,
                created_at=now,
            )
            db.add(row)
            db.flush()
            self._noted(db, scope, row.org_id, is_removed=False)
            return NoteId(row.id)

    def remove_note(self, scope: Scope, org_ids: Iterable[OrgId], note_id: NoteId) -> bool:
        """Delete a note about one of these; False, and harmless, where there is none.

        Raises:
            NotAllowedError: it takes its author, or the right to manage the team.
        """
        scope.require(Right.EDIT_LEADS)
        query = select(LeadNoteRow).where(
            LeadNoteRow.workspace_id == scope.workspace_id,
            LeadNoteRow.id == note_id,
            LeadNoteRow.org_id.in_(texts_of(org_ids)),
        )
        with self._control_plane.session() as db:
            row = db.scalars(query).one_or_none()
            if row is None:
                return False
            if not _may_remove(row, scope):
                raise NotAllowedError("a note is removed by its author or by who manages the team")
            db.delete(row)
            self._noted(db, scope, row.org_id, is_removed=True)
            return True

    def ids_with(
        self, scope: Scope, field: str, values: Sequence[str], follow: Follow | None = None
    ) -> frozenset[OrgId]:
        """Return the organisations whose ``status``, ``tag`` or ``owner`` is one of ``values``, in any case.

        An owner is a member's number, or ``me``. With ``follow`` these are the ids that are shown, and of merged ones
        the newest status and owner count. New is what nobody said anything of: asked for it, this finds nothing; take
        those that `ids_with_any` does not find.
        """
        wanted = {folded(value) for value in values}
        if "me" in wanted and scope.author is not None:
            wanted.add(str(scope.author))
        match field:
            case "tag":
                query = select(LeadTagRow.org_id).where(
                    LeadTagRow.workspace_id == scope.workspace_id, LeadTagRow.folded.in_(sorted(wanted))
                )
                return self._ids(scope, query, follow)
            case "status" | "owner":
                return frozenset(one for one, said in self._newest(scope, field, follow).items() if said in wanted)
        raise ValueError(field)

    def ids_with_any(self, scope: Scope, field: str, follow: Follow | None = None) -> frozenset[OrgId]:
        """Return the organisations that have a ``tag``, an ``owner``, a ``note``, or a ``status`` other than new."""
        match field:
            case "tag":
                query = select(LeadTagRow.org_id).where(LeadTagRow.workspace_id == scope.workspace_id).distinct()
                return self._ids(scope, query, follow)
            case "note":
                query = select(LeadNoteRow.org_id).where(LeadNoteRow.workspace_id == scope.workspace_id).distinct()
                return self._ids(scope, query, follow)
            case "status" | "owner":
                return frozenset(one for one, said in self._newest(scope, field, follow).items() if said)
        raise ValueError(field)

    def texts(self, scope: Scope, field: str, follow: Follow) -> dict[OrgId, str]:
        """Return what is said of every organisation as ``field``: a ``status`` other than new, an ``owner`` by name, or
        all its ``tag``s with commas between. One of which nothing is said is absent."""
        if field == "tag":
            return self._tag_texts(scope, follow)
        said = {one: text for one, text in self._newest(scope, field, follow).items() if text}
        if field == "status":
            return said
        names = {str(owner.member_id): owner.name for owner in self.owners(scope)}
        return {one: names[number] for one, number in said.items() if number in names}

    def hidden_ids(self, scope: Scope, follow: Follow | None = None) -> frozenset[OrgId]:
        """Return the organisations that are hidden for everybody, or by this member for themselves."""
        for_all = select(LeadRecordRow.org_id).where(
            LeadRecordRow.workspace_id == scope.workspace_id, LeadRecordRow.is_hidden.is_(True)
        )
        for_me = (
            select(LeadHiddenRow.org_id)
            .join(MembershipRow, LeadHiddenRow.membership_id == MembershipRow.id)
            .where(LeadHiddenRow.workspace_id == scope.workspace_id, MembershipRow.member_id == scope.author)
        )
        return self._ids(scope, for_all, follow) | (self._ids(scope, for_me, follow) if scope.author else frozenset())

    def tags_of(self, scope: Scope) -> tuple[TagUse, ...]:
        """Return the workspace's tags, most used first: at most a thousand.

        None to who is restricted to feeds: a tag tells of leads beyond these.
        """
        scope.require(Right.READ_LEADS)
        if scope.feeds is not None:
            return ()
        leads = func.count()
        query = (
            select(func.min(LeadTagRow.tag), leads)
            .where(LeadTagRow.workspace_id == scope.workspace_id)
            .group_by(LeadTagRow.folded)
            .order_by(leads.desc(), LeadTagRow.folded)
            .limit(MAX_TAGS_OFFERED)
        )
        with self._control_plane.reading() as db:
            return tuple(TagUse(tag, uses) for tag, uses in db.execute(query))

    def owners(self, scope: Scope) -> tuple[Owner, ...]:
        """Return who may be made an owner, by name: the workspace's members, without their addresses."""
        scope.require(Right.READ_LEADS)
        query = (
            select(MemberRow.id, MemberRow.name)
            .join(MembershipRow, MembershipRow.member_id == MemberRow.id)
            .where(MembershipRow.workspace_id == scope.workspace_id)
            .order_by(MemberRow.name, MemberRow.id)
        )
        with self._control_plane.reading() as db:
            return tuple(Owner(MemberId(number), name) for number, name in db.execute(query))

    def _noted(self, db: Session, scope: Scope, org_id: str, *, is_removed: bool) -> None:
        """Write that there is a note more or less, never its text."""
        now, said = self._clock(), ("note", "") if is_removed else ("", "note")
        db.add(history_row(scope, org_id, Said.NOTE, *said, now))
        record(db, scope.workspace_id, scope.actor, Action.LEADS_CHANGED, now, "", {"leads": 1})

    def _ids(self, scope: Scope, query: Select[str], follow: Follow | None) -> frozenset[OrgId]:
        scope.require(Right.READ_LEADS)
        with self._control_plane.reading() as db:
            found = map(id_of, db.scalars(query))
            return frozenset(map(follow, found) if follow else found)

    def _tag_texts(self, scope: Scope, follow: Follow) -> dict[OrgId, str]:
        scope.require(Right.READ_LEADS)
        query = select(LeadTagRow.org_id, LeadTagRow.folded).where(LeadTagRow.workspace_id == scope.workspace_id)
        tags: dict[OrgId, set[str]] = {}
        with self._control_plane.reading() as db:
            for text, tag in db.execute(query):
                tags.setdefault(follow(id_of(text)), set()).add(tag)
        return {one: ", ".join(sorted(found)) for one, found in tags.items()}

    def _newest(self, scope: Scope, field: str, follow: Follow | None) -> dict[OrgId, str]:
        """Return every organisation's newest status (``""`` for new) or owner (a number, ``""`` for nobody)."""
        scope.require(Right.READ_LEADS)
        is_status = field == "status"
        at: Any = LeadRecordRow.status_at if is_status else LeadRecordRow.owner_at
        said: Any = LeadRecordRow.status if is_status else MembershipRow.member_id
        query = (
            select(LeadRecordRow.org_id, said, at)
            .outerjoin(MembershipRow, LeadRecordRow.owner == MembershipRow.id)
            .where(LeadRecordRow.workspace_id == scope.workspace_id, at.is_not(None))
        )
        newest: dict[OrgId, tuple[tuple[Any, bool], str]] = {}
        with self._control_plane.reading() as db:
            for text, value, when in db.execute(query):
                org_id = id_of(text)
                shown = follow(org_id) if follow else org_id
                order = (when, shown == org_id)
                if shown not in newest or newest[shown][0] < order:
                    newest[shown] = order, "" if value in (None, LeadStatus.NEW) else str(value)
        return {shown: value for shown, (_order, value) in newest.items()}


def _may_remove(row: LeadNoteRow, scope: Scope) -> bool:
    by_this_token = scope.actor.kind is ActorKind.TOKEN and row.token == scope.actor.id
    is_own = by_this_token or (row.author is not None and row.author == scope.author)
    return scope.may(Right.EDIT_LEADS) and (is_own or scope.may(Right.MANAGE_TEAM))
