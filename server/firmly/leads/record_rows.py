"""Reads records out of rows. Every function runs in the caller's transaction."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from firmly.accounts.scope import ActorKind, Scope
from firmly.accounts.tables import MemberRow, MembershipRow
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.record import (
    Groups,
    LeadChange,
    LeadRecord,
    LeadStatus,
    Note,
    NoteId,
    Owner,
    Said,
    folded,
)
from firmly.leads.tables import LeadChangeRow, LeadHiddenRow, LeadNoteRow, LeadRecordRow, LeadTagRow
from firmly.model import MemberId, OrgId

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TAG, _HIDDEN, _NOTES = "tag", "hidden", "notes"


def records_of(db: Session, scope: Scope, groups: Groups) -> dict[OrgId, LeadRecord]:
    """Return the record of every id that is shown, in two statements."""
    texts = texts_of(one for members in groups.values() for one in members)
    rows, parts = _rows(db, scope, texts), _parts(db, scope, texts)
    return {shown: _record(shown, members, rows, parts) for shown, members in groups.items()}


def texts_of(org_ids: Iterable[OrgId]) -> list[str]:
    return sorted({org_id_text(one) for one in org_ids})


def id_of(text: str) -> OrgId:
    org_id = org_id_of(text)
    assert org_id is not None
    return org_id


def _rows(db: Session, scope: Scope, texts: list[str]) -> dict[OrgId, Any]:
    query = (
        select(
            LeadRecordRow.org_id,
            LeadRecordRow.status,
            LeadRecordRow.status_at,
            LeadRecordRow.owner_at,
            LeadRecordRow.is_hidden,
            MembershipRow.member_id,
            MemberRow.name,
        )
        .outerjoin(MembershipRow, LeadRecordRow.owner == MembershipRow.id)
        .outerjoin(MemberRow, MembershipRow.member_id == MemberRow.id)
        .where(LeadRecordRow.workspace_id == scope.workspace_id, LeadRecordRow.org_id.in_(texts))
    )
    return {id_of(row.org_id): row for row in db.execute(query)}


def _parts(db: Session, scope: Scope, texts: list[str]) -> dict[OrgId, list[tuple[str, str, int]]]:
    """Return tags, whether this member hid it, and how many notes there are, of every organisation."""
    ours = scope.workspace_id
    tags = select(LeadTagRow.org_id, literal(_TAG), LeadTagRow.tag, literal(0)).where(
        LeadTagRow.workspace_id == ours, LeadTagRow.org_id.in_(texts)
    )
    notes = (
        select(LeadNoteRow.org_id, literal(_NOTES), literal(""), func.count())
        .where(LeadNoteRow.workspace_id == ours, LeadNoteRow.org_id.in_(texts))
        .group_by(LeadNoteRow.org_id)
    )
    hidden = (
        select(LeadHiddenRow.org_id, literal(_HIDDEN), literal(""), literal(0))
        .join(MembershipRow, LeadHiddenRow.membership_id == MembershipRow.id)
        .where(
            LeadHiddenRow.workspace_id == ours,
            LeadHiddenRow.org_id.in_(texts),
            MembershipRow.member_id == (scope.author or 0),
        )
    )
    found: dict[OrgId, list[tuple[str, str, int]]] = {}
    for org_id, kind, tag, count in db.execute(union_all(tags, notes, hidden)):
        found.setdefault(id_of(org_id), []).append((kind, tag, count))
    return found


def _record(
    shown: OrgId, members: Iterable[OrgId], rows: dict[OrgId, Any], parts: dict[OrgId, list[tuple[str, str, int]]]
) -> LeadRecord:
    group = {shown, *members}
    own = [(one, rows[one]) for one in group if one in rows]
    said = [part for one in sorted(group) for part in parts.get(one, ())]
    tags = {folded(tag): tag for kind, tag, _ in said if kind == _TAG}
    found = LeadRecord(
        tags=tuple(tags[each] for each in sorted(tags)),
        hidden_for_me=any(kind == _HIDDEN for kind, _, _ in said),
        hidden_for_all=any(row.is_hidden for _, row in own),
        notes=sum(count for kind, _, count in said if kind == _NOTES),
    )
    if own:
        status = max(own, key=lambda each: (each[1].status_at or _LONG_AGO, each[0] == shown))[1]
        owner = max(own, key=lambda each: (each[1].owner_at or _LONG_AGO, each[0] == shown))[1]
        found = replace(
            found,
            status=LeadStatus(status.status or LeadStatus.NEW),
            owner=Owner(MemberId(owner.member_id), owner.name) if owner.member_id else None,
        )
    return found


def note_of(row: LeadNoteRow, author: str | None, *, may_remove: bool) -> Note:
    return Note(NoteId(row.id), id_of(row.org_id), row.text, author, row.token, row.created_at, may_remove)


def changes_of(db: Session, rows: Iterable[LeadChangeRow]) -> tuple[LeadChange, ...]:
    """Return changes in words: members by the names that they have now, or as former members."""
    every = list(rows)
    numbers = {row.actor_id for row in every if row.actor == ActorKind.MEMBER}
    for row in every:
        if row.what == Said.OWNER:
            numbers |= {int(value) for value in (row.before, row.after) if value}
    asked = select(MemberRow.id, MemberRow.name).where(MemberRow.id.in_(sorted(filter(None, numbers))))
    names = {number: name for number, name in db.execute(asked)}  # noqa: C416  # Rows are no pairs to mypy.
    return tuple(_change(row, names) for row in every)


def _change(row: LeadChangeRow, names: dict[int, str]) -> LeadChange:
    before, after = row.before, row.after
    if row.what == Said.OWNER:
        before, after = (names.get(int(one), f"former member {one}") if one else "" for one in (before, after))
    actor, number = ActorKind(row.actor), row.actor_id
    name = names.get(number) if actor is ActorKind.MEMBER and number else None
    return LeadChange(row.at, actor, number, name, Said(row.what), before, after)
