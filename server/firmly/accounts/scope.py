"""The right to see one workspace, which only a checked membership or a checked API token gives.

`Scope` and `SignedIn` have their makers below: nobody else holds the proof that their constructors ask for.
"""

from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.roles import OF_ALL_LEADS, RIGHTS_OF_ROLE, RIGHTS_OF_TOKEN, Right, Role, TokenScope
from firmly.accounts.tables import ApiTokenRow, MemberRow, MembershipRow, SecondFactorRow, SessionRow, WorkspaceRow
from firmly.model import FirmlyError, MemberId, WorkspaceId

_PROOF = object()

IDLE_LIMIT = timedelta(days=14)
"""A session that nobody used for this long is over, whatever its absolute end."""


class State(StrEnum):
    """Of a workspace. Cancelled: nothing is collected, and owners may come back for 30 days (LS8)."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    PURGED = "purged"


WHILE_CANCELLED = frozenset({Right.READ_LEADS, Right.READ_ALL_LEADS, Right.READ_AUDIT, Right.OWN})


class NotAllowedError(FirmlyError):
    """A member or token asked for something that its role or scopes do not hold."""


class ActorKind(StrEnum):
    MEMBER = "member"
    TOKEN = "token"  # noqa: S105
    OPERATOR = "operator"
    FIRMLY = "firmly"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, for the audit log: by number, and from which session."""

    kind: ActorKind
    id: int | None = None
    session: str = ""


OPERATOR = Actor(ActorKind.OPERATOR)
"""Whoever has the command line."""
FIRMLY = Actor(ActorKind.FIRMLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What somebody may do in one workspace. Valid for the request it was made for; keep it no longer.

    ``feeds``: the only feeds whose leads may be seen, None for all.
    """

    workspace_id: WorkspaceId
    workspace_name: str = field(repr=False)
    state: State
    rights: frozenset[Right]
    feeds: frozenset[int] | None
    actor: Actor
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a scope comes from a checked membership or token only")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a scope cannot be pickled or copied")

    @property
    def author(self) -> MemberId | None:
        """The member who acts; None for a token."""
        return MemberId(self.actor.id) if self.actor.kind is ActorKind.MEMBER and self.actor.id else None

    def may(self, right: Right) -> bool:
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raise NotAllowedError where the right is missing."""
        if right not in self.rights:
            raise NotAllowedError(f"this needs the right {right.value!r} in the workspace")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberScope(Scope):
    """A member in a workspace. ``must_enrol``: the workspace asks for a second factor that they have not set
    up yet; until then they hold no right."""

    member_id: MemberId
    role: Role
    member_name: str = field(repr=False)
    email: str = field(repr=False)
    must_enrol: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whose browser it is: enough for their own account, for no workspace.

    ``scope`` is None while the session waits for the second factor, and for a member of no workspace.
    ``workspaces`` are those they may switch to, by name, empty while it waits.
    """

    member_id: MemberId
    name: str = field(repr=False)
    email: str = field(repr=False)
    session: str
    waits_for_second_factor: bool
    has_second_factor: bool
    scope: MemberScope | None
    workspaces: tuple[tuple[WorkspaceId, str], ...]
    last_seen_at: datetime
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only a session tells who is signed in")

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.MEMBER, self.member_id, self.session)

    def require_second_factor(self) -> None:
        """Raise NotAllowedError while the session waits for the second factor."""
        if self.waits_for_second_factor:
            raise NotAllowedError("the second factor is still awaited")


def find_signed_in(db: Session, session_id: str, now: datetime) -> SignedIn | None:
    """Return whose session ``session_id`` (a token's hash) is; None where it has ended or never was."""
    query = (
        select(SessionRow, MemberRow, SecondFactorRow.confirmed_at)
        .join(MemberRow, SessionRow.member_id == MemberRow.id)
        .outerjoin(SecondFactorRow, SecondFactorRow.member_id == MemberRow.id)
        .where(SessionRow.id == session_id, SessionRow.expires_at > now, SessionRow.last_seen_at > now - IDLE_LIMIT)
    )
    found = db.execute(query).one_or_none()
    if found is None:
        return None
    session, member, confirmed_at = found
    waits, has_second_factor = session.waits_for_second_factor, confirmed_at is not None
    places = [] if waits else memberships_of(db, member.id)
    return SignedIn(
        member_id=MemberId(member.id),
        name=member.name,
        email=member.email,
        session=session.ref,
        waits_for_second_factor=waits,
        has_second_factor=has_second_factor,
        scope=next(
            (
                _member_scope(member, membership, workspace, session.ref, has_second_factor)
                for membership, workspace in places
                if workspace.id == session.workspace_id
            ),
            None,
        ),
        workspaces=tuple((WorkspaceId(workspace.id), workspace.name) for _, workspace in places),
        last_seen_at=session.last_seen_at,
        proof=_PROOF,
    )


def memberships_of(db: Session, member_id: int) -> list[tuple[MembershipRow, WorkspaceRow]]:
    """Return the places a member has, by the workspace's name; workspaces that are purged are none."""
    query = (
        select(MembershipRow, WorkspaceRow)
        .join(WorkspaceRow, MembershipRow.workspace_id == WorkspaceRow.id)
        .where(MembershipRow.member_id == member_id, WorkspaceRow.state != State.PURGED)
        .order_by(WorkspaceRow.name, WorkspaceRow.id)
    )
    return [(membership, workspace) for membership, workspace in db.execute(query)]


def find_token_scope(db: Session, token_hash: str, now: datetime) -> tuple[Scope, datetime | None] | None:
    """Return what an API token may do and when it was last used; None: unknown, expired, revoked."""
    query = (
        select(ApiTokenRow, WorkspaceRow)
        .join(WorkspaceRow, ApiTokenRow.workspace_id == WorkspaceRow.id)
        .where(
            ApiTokenRow.token_hash == token_hash,
            ApiTokenRow.expires_at > now,
            ApiTokenRow.revoked_at.is_(None),
            WorkspaceRow.state != State.PURGED,
        )
    )
    found = db.execute(query).one_or_none()
    if found is None:
        return None
    token, workspace = found
    known = [scope for scope in TokenScope if scope.value in token.scopes]
    scope = Scope(
        workspace_id=WorkspaceId(workspace.id),
        workspace_name=workspace.name,
        state=State(workspace.state),
        rights=_in_state(frozenset().union(*(RIGHTS_OF_TOKEN[scope] for scope in known)), workspace),
        feeds=None,
        actor=Actor(ActorKind.TOKEN, token.id),
        proof=_PROOF,
    )
    return scope, token.last_used_at


def jobs_scope(db: Session, workspace_id: WorkspaceId) -> Scope:
    """Return what Firmly's own jobs may do in a workspace: read the audit log, to report it."""
    workspace = db.get_one(WorkspaceRow, workspace_id)
    return Scope(
        workspace_id=workspace_id,
        workspace_name=workspace.name,
        state=State(workspace.state),
        rights=frozenset({Right.READ_AUDIT}),
        feeds=None,
        actor=FIRMLY,
        proof=_PROOF,
    )


def _member_scope(
    member: MemberRow, membership: MembershipRow, workspace: WorkspaceRow, session: str, has_second_factor: bool
) -> MemberScope:
    must_enrol = workspace.requires_second_factor and not has_second_factor
    rights = RIGHTS_OF_ROLE[membership.role]
    if membership.feeds is not None:
        rights -= OF_ALL_LEADS
    return MemberScope(
        workspace_id=WorkspaceId(workspace.id),
        workspace_name=workspace.name,
        state=State(workspace.state),
        rights=frozenset() if must_enrol else _in_state(rights, workspace),
        feeds=None if membership.feeds is None else frozenset(membership.feeds),
        actor=Actor(ActorKind.MEMBER, member.id, session),
        member_id=MemberId(member.id),
        role=membership.role,
        member_name=member.name,
        email=member.email,
        must_enrol=must_enrol,
        proof=_PROOF,
    )


def _in_state(rights: frozenset[Right], workspace: WorkspaceRow) -> frozenset[Right]:
    return rights if workspace.state == State.ACTIVE else rights & WHILE_CANCELLED
