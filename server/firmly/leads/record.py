"""A lead's record: what the team itself says of a company. Values only; it is about companies, never about persons."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from firmly.accounts.scope import ActorKind
from firmly.model import InvalidInputError, MemberId, OrgId, Problem

MAX_TAGS = 20
MAX_TAG = 40
MAX_NOTE = 2000
MAX_LEADS = 1000
"""How many leads may be changed at once."""

_MAX_FOLDED = 160

NoteId = NewType("NoteId", int)

Groups = Mapping[OrgId, Sequence[OrgId]]
"""The id that is shown, with all ids that it stands for (`Corrections.members`), itself among them."""


class LeadStatus(StrEnum):
    """How far the team is with a company. A lead of which nothing is said is new."""

    NEW = "new"
    WATCHING = "watching"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    CUSTOMER = "customer"
    NOT_RELEVANT = "not_relevant"


class Said(StrEnum):
    """What a change of a record is about."""

    STATUS = "status"
    OWNER = "owner"
    TAGS = "tags"
    HIDDEN = "hidden"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Owner:
    """The member who looks after a lead."""

    member_id: MemberId
    name: str


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """``tags`` are in the order of the alphabet; ``notes`` is how many there are."""

    status: LeadStatus = LeadStatus.NEW
    owner: Owner | None = None
    tags: tuple[str, ...] = ()
    hidden_for_me: bool = False
    hidden_for_all: bool = False
    notes: int = 0

    @property
    def is_hidden(self) -> bool:
        return self.hidden_for_me or self.hidden_for_all


NOTHING_SAID = LeadRecord()

NOBODY = MemberId(0)
"""As an owner: nobody any more."""


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What to change of records; None and empty leave it as it is. ``owner`` may be `NOBODY`.

    ``tags`` are all that a lead has from then on.
    """

    status: LeadStatus | None = None
    owner: MemberId | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    hidden_for_me: bool | None = None
    hidden_for_all: bool | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """``author`` is None once they have left, and for a token, whose number is then ``token``."""

    id: NoteId
    org_id: OrgId
    text: str
    author: str | None
    token: int | None
    created_at: datetime
    may_remove: bool


@dataclass(frozen=True, slots=True)
class LeadChange:
    """One change of a record, in words to show: of tags ``before`` has those taken off, ``after`` those put on."""

    at: datetime
    actor: ActorKind
    actor_id: int | None
    actor_name: str | None
    what: Said
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TagUse:
    """A tag of the workspace, and how many leads have it."""

    tag: str
    leads: int


def each_alone(org_ids: Iterable[OrgId]) -> dict[OrgId, tuple[OrgId, ...]]:
    """Return groups of organisations that stand for nobody else."""
    return {org_id: (org_id,) for org_id in org_ids}


def folded(text: str) -> str:
    """Return the form by which tags are told apart: letters in any case are the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def read_tag(text: str) -> str:
    """Return a tag without blanks around it. Raises InvalidInputError."""
    tag = " ".join(text.split(" ")).strip()
    if not tag or len(tag) > MAX_TAG or not tag.isprintable() or len(folded(tag)) > _MAX_FOLDED:
        raise refused(Problem("tag", tag[:MAX_TAG], f"one line of 1 to {MAX_TAG} characters"))
    return tag


def read_status(text: str) -> LeadStatus:
    """Raises InvalidInputError."""
    try:
        return LeadStatus(text)
    except ValueError:
        raise refused(Problem("status", text[:40], f"one of {', '.join(LeadStatus)}")) from None


def read_note(text: str) -> str:
    """Return a note's text with plain ends of lines. Raises InvalidInputError."""
    note = "\n".join(text.replace("\t", " ").splitlines()).strip()
    if not note or len(note) > MAX_NOTE or not all(line.isprintable() for line in note.split("\n")):
        raise refused(Problem("note", "(withheld)", f"about the company, 1 to {MAX_NOTE} characters"))
    return note


def refused(problem: Problem) -> InvalidInputError:
    return InvalidInputError("this cannot be said of a lead", [problem])
