"""The members of a workspace: who they are, what they may, and how others come in.

An invitation is a link with a signed, random secret: it expires, works once, and only for the address
that it was sent to. Whoever may manage the team gives no more than they hold: owners are made by owners.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from itsdangerous import BadSignature
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.members import (
    count_owners,
    delete_membership,
    find_member,
    find_membership,
    insert_member,
    insert_membership,
    is_email,
    member_problems,
    normal_email,
    personal_words,
    refused,
)
from firmly.accounts.passwords import Passwords, password_problems
from firmly.accounts.roles import RESTRICTABLE, RIGHTS_OF_ROLE, Right, Role
from firmly.accounts.scope import Actor, ActorKind, MemberScope, NotAllowedError, Scope, SignedIn, State
from firmly.accounts.sessions import leave_workspace
from firmly.accounts.signatures import signer
from firmly.accounts.tables import (
    ApiTokenRow,
    InvitationRow,
    MemberRow,
    MembershipRow,
    SecondFactorRow,
    SessionRow,
    WorkspaceRow,
)
from firmly.model import Clock, FirmlyError, InvalidInputError, MemberId, NotFoundError, Problem, WorkspaceId

InvitationId = NewType("InvitationId", int)

INVITATION_LIMIT = timedelta(days=7)
MAX_INVITATIONS = 200
MAX_FEEDS_SEEN = 20
"""That a membership may be restricted to: each is a question of its own in every list."""


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A member as colleagues see them. ``last_seen_at``: of their sessions in this workspace, None without one."""

    id: MemberId
    name: str
    email: str
    role: Role
    has_second_factor: bool
    joined_at: datetime
    last_seen_at: datetime | None
    feeds: frozenset[int] | None
    """The only feeds that they see; None for all leads."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that stands. ``invited_by`` is None once they have left."""

    id: InvitationId
    email: str
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """What a new invitation's link says: ``secret`` goes into the link and nowhere else."""

    id: InvitationId
    email: str
    role: Role
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the holder of an invitation's link is shown. ``has_account``: they sign in, else they choose a
    password."""

    workspace_name: str
    invited_by: str | None
    email: str
    role: Role
    expires_at: datetime
    has_account: bool


class Team:
    """Blocking; safe to use from several threads. ``keys``: newest first; older ones stay valid for reading."""

    def __init__(self, control_plane: ControlPlane, clock: Clock, passwords: Passwords, keys: Sequence[str]) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._passwords = passwords
        self._signer = signer(keys, "firmly.accounts.invitation")

    def members(self, scope: Scope) -> tuple[TeamMember, ...]:
        """Return the members by name, and log that they were read. Raises NotAllowedError."""
        scope.require(Right.MANAGE_TEAM)
        seen = (
            select(SessionRow.member_id, func.max(SessionRow.last_seen_at).label("at"))
            .where(SessionRow.workspace_id == scope.workspace_id)
            .group_by(SessionRow.member_id)
            .subquery()
        )
        query = (
            select(MemberRow, MembershipRow, SecondFactorRow.confirmed_at, seen.c.at)
            .join(MembershipRow, MembershipRow.member_id == MemberRow.id)
            .outerjoin(SecondFactorRow, SecondFactorRow.member_id == MemberRow.id)
            .outerjoin(seen, seen.c.member_id == MemberRow.id)
            .where(MembershipRow.workspace_id == scope.workspace_id)
            .order_by(MemberRow.name, MemberRow.id)
        )
        with self._control_plane.session() as db:
            record(db, scope.workspace_id, scope.actor, Action.MEMBERS_READ, self._clock())
            return tuple(
                TeamMember(
                    MemberId(member.id),
                    member.name,
                    member.email,
                    place.role,
                    confirmed_at is not None,
                    place.created_at,
                    seen_at,
                    None if place.feeds is None else frozenset(place.feeds),
                )
                for member, place, confirmed_at, seen_at in db.execute(query)
            )

    def invitations(self, scope: Scope) -> tuple[Invitation, ...]:
        """Return the invitations that stand, the newest first. Raises NotAllowedError."""
        scope.require(Right.MANAGE_TEAM)
        query = (
            select(InvitationRow, MemberRow.name)
            .outerjoin(MemberRow, InvitationRow.invited_by == MemberRow.id)
            .where(InvitationRow.workspace_id == scope.workspace_id, InvitationRow.expires_at > self._clock())
            .order_by(InvitationRow.id.desc())
        )
        with self._control_plane.reading() as db:
            return tuple(
                Invitation(InvitationId(row.id), row.email, row.role, name, row.created_at, row.expires_at)
                for row, name in db.execute(query)
            )

    def invite(self, scope: Scope, email: str, role: Role, feeds: Collection[int] | None = None) -> Invited:
        """Make an invitation, valid for seven days; an older one to the same address ends.

        Raises:
            NotAllowedError: the member may not, or holds less than the role.
            InvalidInputError: no e-mail address, one of a member of this workspace, too many invitations, or a role
                that is not for some feeds only.
        """
        scope.require(Right.MANAGE_TEAM)
        _require_holds(scope, role)
        _require_restrictable(role, feeds)
        email, now = normal_email(email), self._clock()
        if not is_email(email):
            raise refused(Problem("email", "(withheld)", "an e-mail address such as name@example.com"))
        secret = secrets.token_urlsafe(24)
        with self._control_plane.session() as db:
            self._clear(db, scope.workspace_id, email, now)
            member = find_member(db, email)
            if member is not None and find_membership(db, scope.workspace_id, member.id) is not None:
                raise refused(Problem("email", "(withheld)", "somebody who is no member of this workspace yet"))
            row = InvitationRow(
                workspace_id=scope.workspace_id,
                email=email,
                role=role,
                feeds=None if feeds is None else sorted(feeds),
                secret_hash=_hashed(secret),
                invited_by=scope.author,
                created_at=now,
                expires_at=now + INVITATION_LIMIT,
            )
            db.add(row)
            db.flush()
            detail = {"role": role.value}
            record(db, scope.workspace_id, scope.actor, Action.MEMBER_INVITED, now, f"invitation {row.id}", detail)
            return Invited(InvitationId(row.id), email, role, self._signer.sign(secret).decode(), row.expires_at)

    def renew(self, scope: Scope, invitation_id: InvitationId) -> Invited | None:
        """Invite the same person anew: the old link ends. None where there is no such invitation."""
        scope.require(Right.MANAGE_TEAM)
        with self._control_plane.reading() as db:
            row = _own(db, scope, invitation_id)
        return None if row is None else self.invite(scope, row.email, row.role, row.feeds)

    def revoke(self, scope: Scope, invitation_id: InvitationId) -> bool:
        """End an invitation; False, and harmless, where there is none. Raises NotAllowedError."""
        scope.require(Right.MANAGE_TEAM)
        with self._control_plane.session() as db:
            row = _own(db, scope, invitation_id)
            if row is not None:
                db.delete(row)
                about = f"invitation {invitation_id}"
                record(db, scope.workspace_id, scope.actor, Action.INVITATION_REVOKED, self._clock(), about)
            return row is not None

    def welcome(self, secret: str) -> Welcome | None:
        """Return what an invitation's link leads to; None: forged, expired, revoked or used."""
        with self._control_plane.reading() as db:
            row = self._find(db, secret)
            if row is None:
                return None
            inviter = db.get(MemberRow, row.invited_by) if row.invited_by else None
            return Welcome(
                db.get_one(WorkspaceRow, row.workspace_id).name,
                inviter.name if inviter else None,
                row.email,
                row.role,
                row.expires_at,
                find_member(db, row.email) is not None,
            )

    def join(self, secret: str, name: str, password: str) -> str | None:
        """Make the invited person a member with a password; return their e-mail address. None as in `welcome`,
        or where they have an account: then they sign in and `accept`.

        Raises:
            InvalidInputError: the name or the password cannot be used.
        """
        welcome = self.welcome(secret)
        if welcome is None or welcome.has_account:
            return None
        problems = member_problems(welcome.email, name)
        problems += password_problems(password, personal_words(welcome.email, name))
        if problems:
            raise InvalidInputError("this account cannot be made", problems)
        password_hash, now = self._passwords.hashed(password), self._clock()
        with self._control_plane.session() as db:
            row = self._find(db, secret)
            if row is None or find_member(db, row.email) is not None:
                return None
            member_id = insert_member(db, email=row.email, name=name, password_hash=password_hash, now=now)
            _accept(db, row, member_id, Actor(ActorKind.MEMBER, member_id), now)
        return welcome.email

    def accept(self, signed_in: SignedIn, secret: str) -> WorkspaceId | None:
        """Give the signed-in member the place they were invited to; None where the link is not for them."""
        with self._control_plane.session() as db:
            row = self._find(db, secret)
            if row is None or signed_in.waits_for_second_factor or row.email != signed_in.email:
                return None
            if find_membership(db, WorkspaceId(row.workspace_id), signed_in.member_id) is None:
                _accept(db, row, signed_in.member_id, signed_in.actor, self._clock())
            return WorkspaceId(row.workspace_id)

    def change_role(self, scope: Scope, member_id: MemberId, role: Role) -> None:
        """Give a colleague another role; their sessions in this workspace end.

        Raises:
            NotAllowedError: the member may not, or holds less than the role; owners are unmade by owners.
            NotFoundError: the workspace has no such member.
            FirmlyError: it would be left without an owner.
        """
        scope.require(Right.MANAGE_TEAM)
        _require_holds(scope, role)
        now = self._clock()
        with self._control_plane.session() as db:
            membership = _place(db, scope, member_id)
            if membership.role is role:
                return
            _require_another_owner(db, membership)
            before, membership.role = membership.role, role
            if role not in RESTRICTABLE:
                membership.feeds = None
            leave_workspace(db, member_id, scope.workspace_id)
            if Right.MANAGE_TOKENS not in RIGHTS_OF_ROLE[role]:
                _revoke_tokens(db, scope, member_id, now)
            detail = {"role": [before.value, role.value]}
            record(db, scope.workspace_id, scope.actor, Action.ROLE_CHANGED, now, f"member {member_id}", detail)

    def restrict(self, scope: Scope, member_id: MemberId, feeds: Collection[int] | None) -> None:
        """Let a colleague see the leads of some feeds only, None for all; their sessions in this workspace end.

        Raises:
            NotAllowedError: the member may not.
            NotFoundError: the workspace has no such member.
            InvalidInputError: a role that is not for some feeds only.
        """
        scope.require(Right.MANAGE_TEAM)
        wanted = None if feeds is None else sorted(set(feeds))
        with self._control_plane.session() as db:
            membership = _place(db, scope, member_id)
            _require_restrictable(membership.role, wanted)
            if membership.feeds == wanted:
                return
            membership.feeds = wanted
            leave_workspace(db, member_id, scope.workspace_id)
            detail = {"feeds": wanted}
            about = f"member {member_id}"
            record(db, scope.workspace_id, scope.actor, Action.MEMBER_RESTRICTED, self._clock(), about, detail)

    def remove(self, scope: Scope, member_id: MemberId) -> None:
        """End a membership and its sessions; with the last one the account is erased.

        Raises:
            NotAllowedError: the member may not: owners are removed by owners.
            NotFoundError: the workspace has no such member.
            FirmlyError: it would be left without an owner.
        """
        scope.require(Right.MANAGE_TEAM)
        with self._control_plane.session() as db:
            membership = _place(db, scope, member_id)
            _require_another_owner(db, membership)
            leave_workspace(db, member_id, scope.workspace_id)
            _revoke_tokens(db, scope, member_id, self._clock())
            record(db, scope.workspace_id, scope.actor, Action.MEMBER_REMOVED, self._clock(), f"member {member_id}")
            delete_membership(db, membership)

    def leave(self, scope: MemberScope) -> None:
        """End one's own membership. Raises FirmlyError for the last owner."""
        with self._control_plane.session() as db:
            membership = find_membership(db, scope.workspace_id, scope.member_id)
            if membership is None:
                return
            _require_another_owner(db, membership)
            leave_workspace(db, scope.member_id, scope.workspace_id)
            _revoke_tokens(db, scope, scope.member_id, self._clock())
            about = f"member {scope.member_id}"
            record(db, scope.workspace_id, scope.actor, Action.MEMBER_REMOVED, self._clock(), about)
            delete_membership(db, membership)

    def _clear(self, db: Session, workspace_id: WorkspaceId, email: str, now: datetime) -> None:
        """End what has expired and what the same person was sent before."""
        db.execute(
            delete(InvitationRow).where(
                InvitationRow.workspace_id == workspace_id,
                (InvitationRow.email == email) | (InvitationRow.expires_at <= now),
            )
        )
        standing = db.scalar(
            select(func.count()).select_from(InvitationRow).where(InvitationRow.workspace_id == workspace_id)
        )
        if (standing or 0) >= MAX_INVITATIONS:
            raise refused(Problem("invitations", str(standing), f"at most {MAX_INVITATIONS} that stand; revoke some"))

    def _find(self, db: Session, signed: str) -> InvitationRow | None:
        try:
            secret = self._signer.unsign(signed.encode("utf-8", "replace")).decode()
        except (BadSignature, UnicodeDecodeError):
            return None
        return db.scalars(
            select(InvitationRow)
            .join(WorkspaceRow, InvitationRow.workspace_id == WorkspaceRow.id)
            .where(
                InvitationRow.secret_hash == _hashed(secret),
                InvitationRow.expires_at > self._clock(),
                WorkspaceRow.state == State.ACTIVE,
            )
        ).one_or_none()


def _accept(db: Session, row: InvitationRow, member_id: MemberId, actor: Actor, now: datetime) -> None:
    workspace_id, about = WorkspaceId(row.workspace_id), f"invitation {row.id}"
    insert_membership(db, workspace_id, member_id, row.role, row.feeds, now)
    db.delete(row)
    record(db, workspace_id, actor, Action.INVITATION_ACCEPTED, now, about, {"role": row.role.value})


def _place(db: Session, scope: Scope, member_id: MemberId) -> MembershipRow:
    membership = find_membership(db, scope.workspace_id, member_id)
    if membership is None:
        raise NotFoundError("this workspace has no such member")
    if membership.role is Role.OWNER and not scope.may(Right.OWN):
        raise NotAllowedError("only owners change and remove owners")
    return membership


def _own(db: Session, scope: Scope, invitation_id: InvitationId) -> InvitationRow | None:
    return db.scalars(
        select(InvitationRow).where(InvitationRow.workspace_id == scope.workspace_id, InvitationRow.id == invitation_id)
    ).one_or_none()


def _require_holds(scope: Scope, role: Role) -> None:
    """Let nobody give more than they hold: a token would else make a member who outlives it with more rights."""
    if not RIGHTS_OF_ROLE[role] <= scope.rights:
        raise NotAllowedError(f"this needs every right of the role {role.value!r} in the workspace")


def _require_restrictable(role: Role, feeds: Collection[int] | None) -> None:
    if feeds is not None and role not in RESTRICTABLE:
        allowed = ", ".join(sorted(RESTRICTABLE))
        raise refused(Problem("feeds", role.value, f"all leads: only {allowed} can be limited to feeds"))
    if feeds is not None and len(set(feeds)) > MAX_FEEDS_SEEN:
        raise refused(Problem("feeds", str(len(set(feeds))), f"at most {MAX_FEEDS_SEEN} feeds"))


def _require_another_owner(db: Session, membership: MembershipRow) -> None:
    if membership.role is Role.OWNER and count_owners(db, WorkspaceId(membership.workspace_id)) < 2:
        raise FirmlyError("a workspace keeps at least one owner: make somebody else an owner first")


def _revoke_tokens(db: Session, scope: Scope, member_id: MemberId, now: datetime) -> None:
    """End the API tokens that somebody made who may make none any more: they would go on with rights of theirs."""
    own = (ApiTokenRow.workspace_id == scope.workspace_id) & (ApiTokenRow.author == member_id)
    standing = update(ApiTokenRow).where(own, ApiTokenRow.revoked_at.is_(None))
    for token_id in sorted(db.scalars(standing.values(revoked_at=now).returning(ApiTokenRow.id))):
        record(db, scope.workspace_id, scope.actor, Action.TOKEN_REVOKED, now, f"token {token_id}")


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
