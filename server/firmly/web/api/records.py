"""What the team says of leads: status, owner, tags, hidden or not, notes."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.leads.company_data.facts import CompanyFacts
from firmly.leads.days import DayRange
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.record import (
    MAX_NOTE,
    MAX_TAG,
    NOBODY,
    Groups,
    LeadStatus,
    Note,
    NoteId,
    RecordChange,
)
from firmly.leads.record_groups import groups_of
from firmly.model import MemberId, NotFoundError, OrgId
from firmly.web.api.leads import CompanyPath, OrgText
from firmly.web.api.operation import ApiParts, Call, Nothing, Operation
from firmly.web.api.paging import Page, Paged, slice_of
from firmly.web.api.sets import RowId, Time
from firmly.web.api.spans import USUAL_DAYS

Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG, examples=["fair 2026"])]


class NotePath(Struct, frozen=True):
    org_id: OrgText
    id: RowId


class OwnerView(Struct, frozen=True):
    """The member who looks after it."""

    id: RowId
    name: str


class FactsView(Struct, frozen=True):
    """What the team's own data says of the company; empty where nothing is known."""

    industry: str
    size: str
    icp: Annotated[bool | None, Meta(description="Whether it is an ideal customer; null where nobody said.")]
    owner: str
    crm_id: str


class RecordView(Struct, frozen=True):
    """What the team says of a company. Of merged ones it is the newest status and owner, and all tags."""

    org_id: OrgText
    status: LeadStatus
    owner: OwnerView | None
    tags: Annotated[list[str], Meta(description="In the order of the alphabet.")]
    hidden: Annotated[bool, Meta(description="From the list, for everybody.")]
    notes: Annotated[int, Meta(description="How many there are.")]
    company_data: FactsView | None


class RecordPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    status: Annotated[LeadStatus | UnsetType, Meta(examples=["contacted"])] = UNSET
    owner: Annotated[RowId | UnsetType | None, Meta(description="A member of the workspace; null for nobody.")] = UNSET
    tags: Annotated[list[Tag] | UnsetType, Meta(description="All tags that it has from now on.")] = UNSET
    hidden: bool | UnsetType = UNSET


class NewNote(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_NOTE, description="About the company, never about persons."),
    ]


class NoteView(Struct, frozen=True):
    """A note about a company."""

    id: RowId
    text: str
    author: Annotated[str | None, Meta(description="Null for a token, and once they have left.")]
    created_at: Time


class NoteMade(Struct, frozen=True):
    """A note that was written."""

    id: RowId


class TagView(Struct, frozen=True):
    """A tag that some company has."""

    tag: str
    leads: Annotated[int, Meta(description="How many have it.")]


class StatusView(Struct, frozen=True):
    """A status that a company can have."""

    status: LeadStatus


def get_record(call: Call[CompanyPath, Nothing, Nothing]) -> RecordView:
    """Read what the team says of a company, and its own data about it."""
    return _record(call.parts, call.scope, _groups(call.parts, call.scope, call.path.org_id))


def change_record(call: Call[CompanyPath, Nothing, RecordPatch]) -> None:
    """Change what the team says of a company. The change is in its history under the token's number."""
    groups = _groups(call.parts, call.scope, call.path.org_id)
    call.parts.records.change(call.scope, groups, _change(call.body))


def list_notes(call: Call[CompanyPath, Paged, Nothing]) -> Page[NoteView]:
    """List the notes about a company, newest first."""
    (members,) = _groups(call.parts, call.scope, call.path.org_id).values()
    found = call.parts.records.notes(call.scope, members)
    shown, more = slice_of(found, call.query, lambda note: note.id, newest_first=True)
    return Page(list(map(_note, shown)), more)


def add_note(call: Call[CompanyPath, Nothing, NewNote]) -> NoteMade:
    """Write a note about a company; its author is the token."""
    (shown,) = _groups(call.parts, call.scope, call.path.org_id)
    return NoteMade(call.parts.records.add_note(call.scope, shown, call.body.text))


def remove_note(call: Call[NotePath, Nothing, Nothing]) -> None:
    """Remove a note that the token wrote; others take the right to manage the team."""
    (members,) = _groups(call.parts, call.scope, call.path.org_id).values()
    if not call.parts.records.remove_note(call.scope, members, NoteId(call.path.id)):
        raise NotFoundError


def list_tags(call: Call[Nothing, Paged, Nothing]) -> Page[TagView]:
    """List the tags of the workspace, most used first."""
    numbered = enumerate(call.parts.records.tags_of(call.scope), 1)
    shown, more = slice_of(numbered, call.query, lambda one: one[0])
    return Page([TagView(use.tag, use.leads) for _, use in shown], more)


def list_statuses(_call: Call[Nothing, Nothing, Nothing]) -> Page[StatusView]:
    """List the statuses that a company can have; one of which nothing is said is new."""
    return Page([StatusView(status) for status in LeadStatus], None)


def _groups(parts: ApiParts, scope: Scope, text: str) -> Groups:
    """Return the company with what it stands for. Raises NotFoundError."""
    org_id = org_id_of(text)
    groups = groups_of(parts.leads, scope, [org_id]) if org_id is not None else None
    if groups is None:
        raise NotFoundError
    return groups


def _change(given: RecordPatch) -> RecordChange:
    return RecordChange(
        status=given.status or None,
        owner=None if given.owner is UNSET else MemberId(given.owner or NOBODY),
        hidden_for_all=None if given.hidden is UNSET else given.hidden,
        tags=None if given.tags is UNSET else tuple(given.tags),
    )


def _record(parts: ApiParts, scope: Scope, groups: Groups) -> RecordView:
    (shown,) = groups
    one = parts.records.of(scope, groups)[shown]
    return RecordView(
        org_id_text(shown),
        one.status,
        OwnerView(one.owner.member_id, one.owner.name) if one.owner else None,
        list(one.tags),
        one.hidden_for_all,
        one.notes,
        _facts(parts, scope, shown),
    )


def _facts(parts: ApiParts, scope: Scope, shown: OrgId) -> FactsView | None:
    leads = parts.leads
    company = leads.company(scope, shown, DayRange.until(leads.today(), USUAL_DAYS))
    domain = company.identity.domain if company else ""
    known: CompanyFacts | None = parts.company_data.of(scope, [domain]).get(domain) if domain else None
    return FactsView(known.industry, known.size, known.icp, known.owner, known.crm_id) if known else None


def _note(one: Note) -> NoteView:
    return NoteView(one.id, one.text, one.author, one.created_at)


_READ = frozenset({Right.READ_LEADS})
_WRITE = frozenset({Right.EDIT_LEADS})

OPERATIONS = (
    Operation("GET", "/leads/{org_id}/record", get_record, _READ),
    Operation("PATCH", "/leads/{org_id}/record", change_record, _WRITE, 204, refuses=(422,)),
    Operation("GET", "/leads/{org_id}/notes", list_notes, _READ),
    Operation("POST", "/leads/{org_id}/notes", add_note, _WRITE, 201, refuses=(422,)),
    Operation("DELETE", "/leads/{org_id}/notes/{id}", remove_note, _WRITE, 204),
    Operation("GET", "/tags", list_tags, _READ),
    Operation("GET", "/statuses", list_statuses, _READ),
)
