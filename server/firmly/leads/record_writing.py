"""Writes changes of records. Every function runs in the caller's transaction, which holds the only write lock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from firmly.accounts.members import find_membership
from firmly.accounts.scope import Scope
from firmly.leads.filter import org_id_text
from firmly.leads.record import (
    MAX_TAGS,
    Groups,
    LeadRecord,
    RecordChange,
    Said,
    folded,
    read_tag,
    refused,
)
from firmly.leads.record_rows import records_of, texts_of
from firmly.leads.tables import LeadChangeRow, LeadHiddenRow, LeadRecordRow, LeadTagRow
from firmly.model import OrgId, Problem

_AT_ONCE = 5000
"""Organisations in one statement: both databases take as many parameters."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A change that was checked: tags by their folded form, members by their place in the workspace."""

    change: RecordChange
    add: dict[str, str]
    remove: dict[str, str]
    owner: int | None
    mine: int | None


def write_change(db: Session, scope: Scope, groups: Groups, change: RecordChange, now: datetime) -> int:
    """Write what differs, with its history; return how many leads became different. Raises InvalidInputError."""
    wanted = _checked(db, scope, change)
    was = records_of(db, scope, groups)
    made = {shown: _differences(record, wanted) for shown, record in was.items()}
    changed = {shown: said for shown, said in made.items() if said}
    group = [one for shown in changed for one in (shown, *groups[shown])]
    _write_own(db, scope, changed, was, wanted, now)
    _write_group(db, scope, texts_of(group), wanted)
    db.add_all(
        history_row(scope, org_id_text(shown), what, before, after, now)
        for shown, said in changed.items()
        for what, (before, after) in said.items()
        if what is not None
    )
    db.flush()
    return len(changed)


def history_row(scope: Scope, org_id: str, what: Said, before: str, after: str, now: datetime) -> LeadChangeRow:
    return LeadChangeRow(
        workspace_id=scope.workspace_id,
        org_id=org_id,
        at=now,
        actor=scope.actor.kind.value,
        actor_id=scope.actor.id,
        what=what.value,
        before=before,
        after=after,
    )


def _checked(db: Session, scope: Scope, change: RecordChange) -> _Wanted:
    own = find_membership(db, scope.workspace_id, scope.author) if scope.author else None
    if change.hidden_for_me is not None and own is None:
        raise refused(Problem("hidden", "", "a member who hides it for themselves"))
    owner = find_membership(db, scope.workspace_id, change.owner) if change.owner else None
    if change.owner and owner is None:
        raise refused(Problem("owner", "", "a member of this workspace"))
    add = {folded(tag): tag for tag in map(read_tag, (*change.add_tags, *(change.tags or ())))}
    if len(add) > MAX_TAGS:
        raise refused(Problem("tags", str(len(add)), f"at most {MAX_TAGS} of a lead"))
    remove = {folded(tag): tag for tag in map(read_tag, change.remove_tags)}
    return _Wanted(change, add, remove, owner.id if owner else None, own.id if own else None)


_Said = dict[Said | None, tuple[str, str]]
"""What differs, before and after; None is what stands in no history."""


def _differences(was: LeadRecord, wanted: _Wanted) -> _Said:
    change, said = wanted.change, _Said()
    if change.status is not None and change.status != was.status:
        said[Said.STATUS] = was.status.value, change.status.value
    had, has = str(was.owner.member_id) if was.owner else "", str(change.owner or "")
    if change.owner is not None and had != has:
        said[Said.OWNER] = had, has
    tags = {folded(tag): tag for tag in was.tags}
    goes = tags.keys() if change.tags is not None else wanted.remove.keys()
    off = [tag for form, tag in tags.items() if form in goes and form not in wanted.add]
    on = [tag for form, tag in wanted.add.items() if form not in tags]
    if len(tags) - len(off) + len(on) > MAX_TAGS:
        raise refused(Problem("tags", str(len(tags) + len(on)), f"at most {MAX_TAGS} of a lead"))
    if on or off:
        said[Said.TAGS] = ", ".join(off), ", ".join(on)
    if change.hidden_for_all is not None and change.hidden_for_all != was.hidden_for_all:
        said[Said.HIDDEN] = _shown_word(was.hidden_for_all), _shown_word(change.hidden_for_all)
    if change.hidden_for_me is not None and change.hidden_for_me != was.hidden_for_me:
        said[None] = "", ""
    return said


def _shown_word(is_hidden: bool) -> str:
    return "hidden" if is_hidden else "shown"


def _write_own(
    db: Session,
    scope: Scope,
    changed: dict[OrgId, _Said],
    was: dict[OrgId, LeadRecord],
    wanted: _Wanted,
    now: datetime,
) -> None:
    """Write what is said newly: on the row of the id that is shown."""
    rows = _rows(db, scope, changed)
    mine = _mine(db, scope, changed, wanted.mine)
    change = wanted.change
    for shown, said in changed.items():
        text = org_id_text(shown)
        if said.keys() & {Said.STATUS, Said.OWNER, Said.HIDDEN} and text not in rows:
            rows[text] = LeadRecordRow(workspace_id=scope.workspace_id, org_id=text, is_hidden=False)
            db.add(rows[text])
        if Said.STATUS in said:
            rows[text].status, rows[text].status_at = change.status, now
        if Said.OWNER in said:
            rows[text].owner, rows[text].owner_at = wanted.owner, now
        if Said.HIDDEN in said:
            rows[text].is_hidden = bool(change.hidden_for_all)
        if Said.TAGS in said:
            had = {folded(tag) for tag in was[shown].tags}
            db.add_all(
                LeadTagRow(workspace_id=scope.workspace_id, org_id=text, folded=form, tag=tag)
                for form, tag in wanted.add.items()
                if form not in had
            )
        if None in said and change.hidden_for_me and text not in mine:
            db.add(LeadHiddenRow(workspace_id=scope.workspace_id, membership_id=wanted.mine, org_id=text))
    db.flush()


def _rows(db: Session, scope: Scope, shown: Iterable[OrgId]) -> dict[str, LeadRecordRow]:
    query = select(LeadRecordRow).where(
        LeadRecordRow.workspace_id == scope.workspace_id, LeadRecordRow.org_id.in_(texts_of(shown))
    )
    return {row.org_id: row for row in db.scalars(query)}


def _mine(db: Session, scope: Scope, shown: Iterable[OrgId], membership_id: int | None) -> set[str]:
    query = select(LeadHiddenRow.org_id).where(
        LeadHiddenRow.workspace_id == scope.workspace_id,
        LeadHiddenRow.membership_id == (membership_id or 0),
        LeadHiddenRow.org_id.in_(texts_of(shown)),
    )
    return set(db.scalars(query))


def _write_group(db: Session, scope: Scope, texts: list[str], wanted: _Wanted) -> None:
    """Take back what is no longer said, from all ids of the groups."""
    ours, change = scope.workspace_id, wanted.change
    gone = sorted(wanted.remove.keys() - wanted.add.keys())
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        of_some = (LeadTagRow.workspace_id == ours) & LeadTagRow.org_id.in_(some)
        if gone:
            db.execute(delete(LeadTagRow).where(of_some, LeadTagRow.folded.in_(gone)))
        if change.tags is not None:
            db.execute(delete(LeadTagRow).where(of_some, LeadTagRow.folded.not_in(sorted(wanted.add))))
        if change.hidden_for_all is False:
            db.execute(
                update(LeadRecordRow)
                .where(LeadRecordRow.workspace_id == ours, LeadRecordRow.org_id.in_(some))
                .values(is_hidden=False)
            )
        if change.hidden_for_me is False:
            db.execute(
                delete(LeadHiddenRow).where(
                    LeadHiddenRow.workspace_id == ours,
                    LeadHiddenRow.membership_id == wanted.mine,
                    LeadHiddenRow.org_id.in_(some),
                )
            )
