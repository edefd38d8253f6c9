"""The log of outgoing mail (LS5) and what members want to get (LP3, LD8): never a body, never a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from itsdangerous import BadData
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.members import find_membership
from firmly.accounts.roles import RIGHTS_OF_ROLE, Right, Role
from firmly.accounts.scope import MemberScope, Scope
from firmly.accounts.signatures import serializer
from firmly.accounts.tables import LetterRow, LetterWishRow, MemberRow, MembershipRow
from firmly.mail.letter import Letter, Template
from firmly.model import Clock, MemberId, WorkspaceId

WAITING = "waiting"
PAGE = 50


@dataclass(frozen=True, slots=True)
class SentLetter:
    """One mail of a workspace. ``ended_at`` is None while it waits; ``result`` says how it ended."""

    id: int
    recipient: str
    template: str
    queued_at: datetime
    ended_at: datetime | None
    result: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A letter that members may do without: the right it takes to get it, and the roles that get it unless they
    say no. One that advertises has none of these: it waits for a yes (LD8)."""

    needs: Right
    unless_declined: frozenset[Role]


OFFERS: Mapping[Template, Offer] = MappingProxyType(
    {Template.AUDIT_REPORT: Offer(Right.READ_AUDIT, frozenset({Role.OWNER}))}
)


class LetterLog:
    """What left the house. Implements the outbox's journal. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def queued(self, letter: Letter) -> int:
        with self._control_plane.session() as db:
            row = LetterRow(
                workspace_id=letter.workspace_id,
                recipient=letter.recipient,
                template=letter.template.value,
                queued_at=self._clock(),
                result=WAITING,
            )
            db.add(row)
            db.flush()
            return row.id

    def ended(self, entry: int, result: str) -> None:
        with self._control_plane.session() as db:
            values = {"ended_at": self._clock(), "result": result[:200]}
            db.execute(update(LetterRow).where(LetterRow.id == entry).values(values))

    def page(self, scope: Scope, before: int | None = None, limit: int = PAGE) -> tuple[SentLetter, ...]:
        """Return up to ``limit`` mails of the workspace, newest first, older than the one with the id ``before``.

        Every reading is logged. Raises NotAllowedError.
        """
        scope.require(Right.READ_AUDIT)
        query = (
            select(LetterRow)
            .where(LetterRow.workspace_id == scope.workspace_id)
            .order_by(LetterRow.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(LetterRow.id < before)
        with self._control_plane.session() as db:
            record(db, scope.workspace_id, scope.actor, Action.LETTERS_READ, self._clock())
            return tuple(
                SentLetter(row.id, row.recipient, row.template, row.queued_at, row.ended_at, row.result)
                for row in db.scalars(query)
            )


class LetterWishes:
    """What members want to get. ``keys``: newest first; older ones stay valid for reading."""

    def __init__(self, control_plane: ControlPlane, keys: Sequence[str]) -> None:
        self._control_plane = control_plane
        self._signed = serializer(keys, "firmly.accounts.unsubscribe")

    def of(self, scope: MemberScope) -> dict[Template, bool]:
        """Return every letter that the member's role is offered, and whether they get it."""
        with self._control_plane.reading() as db:
            return {
                template: _is_wanted(db, scope.workspace_id, scope.member_id, scope.role, template)
                for template, offer in OFFERS.items()
                if scope.may(offer.needs)
            }

    def set(self, scope: MemberScope, template: Template, is_wanted: bool) -> None:
        with self._control_plane.session() as db:
            _write(db, scope.workspace_id, scope.member_id, template, is_wanted)

    def recipients(self, scope: Scope, template: Template) -> tuple[tuple[MemberId, str], ...]:
        """Return the members who want a letter and may read what it says, with their addresses: for the letter.

        Raises NotAllowedError: it takes the right that the letter's readers need.
        """
        scope.require(OFFERS[template].needs)
        query = (
            select(MemberRow, MembershipRow.role)
            .join(MembershipRow, MembershipRow.member_id == MemberRow.id)
            .where(MembershipRow.workspace_id == scope.workspace_id)
            .order_by(MemberRow.id)
        )
        with self._control_plane.reading() as db:
            return tuple(
                (MemberId(member.id), member.email)
                for member, role in db.execute(query)
                if _is_wanted(db, scope.workspace_id, MemberId(member.id), role, template)
            )

    def unsubscribe_secret(self, workspace_id: WorkspaceId, member_id: MemberId, template: Template) -> str:
        """Return what an unsubscribe link carries: it needs no sign-in and does nothing else (RFC 8058)."""
        secret: str = self._signed.dumps([workspace_id, member_id, template.value])
        return secret

    def holds(self, secret: str) -> Template | None:
        """Return which letter an unsubscribe link is about; None for a forged one."""
        found = self._read(secret)
        return found[2] if found else None

    def unsubscribe(self, secret: str) -> bool:
        """Do what the link says, again and again without harm. False for a forged one."""
        found = self._read(secret)
        if found is None:
            return False
        workspace_id, member_id, template = found
        with self._control_plane.session() as db:
            if find_membership(db, workspace_id, member_id) is not None:
                _write(db, workspace_id, member_id, template, is_wanted=False)
        return True

    def _read(self, secret: str) -> tuple[WorkspaceId, MemberId, Template] | None:
        try:
            workspace_id, member_id, template = self._signed.loads(secret)
            return WorkspaceId(workspace_id), MemberId(member_id), Template(template)
        except (BadData, ValueError, TypeError):
            return None


def _is_wanted(db: Session, workspace_id: WorkspaceId, member_id: MemberId, role: Role, template: Template) -> bool:
    offer = OFFERS[template]
    wish = db.get(LetterWishRow, (workspace_id, member_id, template.value))
    is_wanted = role in offer.unless_declined if wish is None else wish.is_wanted
    return is_wanted and offer.needs in RIGHTS_OF_ROLE[role]


def _write(db: Session, workspace_id: WorkspaceId, member_id: MemberId, template: Template, is_wanted: bool) -> None:
    wish = db.get(LetterWishRow, (workspace_id, member_id, template.value))
    if wish is None:
        db.add(
            LetterWishRow(workspace_id=workspace_id, member_id=member_id, template=template.value, is_wanted=is_wanted)
        )
    else:
        wish.is_wanted = is_wanted
