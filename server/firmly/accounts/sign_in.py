"""Signing in and out, and the sessions that come of it.

The order: e-mail and password (or a provider's word), then the second factor where the member has one.
Every step that gives more rights gives a new token, so that a token planted before is worth nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.lockout import Lockout, second_factor_of
from firmly.accounts.members import find_member, normal_email
from firmly.accounts.passwords import Passwords
from firmly.accounts.scope import Actor, ActorKind, MemberScope, SignedIn, State, find_signed_in, memberships_of
from firmly.accounts.second_factor import SecretBox, matching_step, recovery_hash
from firmly.accounts.sessions import (
    ABSOLUTE_LIMIT,
    SEEN_EVERY,
    OpenSession,
    end_session,
    end_sessions,
    open_sessions,
    rotate_session,
    see_member,
    see_session,
    session_id,
    start_session,
)
from firmly.accounts.tables import MemberRow, ProviderIdentityRow, RecoveryCodeRow, SecondFactorRow, SessionRow
from firmly.model import Clock, MemberId, WorkspaceId


@dataclass(frozen=True, slots=True, repr=False)
class Confirmed:
    """A session whose second factor was accepted, with its new token."""

    token: str
    email: str
    by_recovery_code: bool


@dataclass(frozen=True, slots=True, repr=False)
class Vouched:
    """A session for whom a provider vouches. ``is_first``: their password has just ended."""

    token: str
    email: str
    is_first: bool


NO_PASSWORD = ""
"""What stands for the hash of a member who signs in through a provider only: it fits no password."""


class SignIn:
    """Blocking; safe to use from several threads."""

    def __init__(
        self, control_plane: ControlPlane, clock: Clock, passwords: Passwords, box: SecretBox, lockout: Lockout
    ) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._passwords = passwords
        self._box = box
        self._lockout = lockout

    def with_password(
        self, email: str, password: str, browser: str = "", old_token: str | None = None, *, was_just_set: bool = False
    ) -> str | None:
        """Return a new session's token (43 URL-safe characters, 256 random bits), for a cookie and nowhere else.

        ``browser`` is families only; the session of ``old_token`` ends. `signed_in` says whether the
        second factor is still wanted. ``was_just_set``: by a link, which proved more than a guess could;
        then nobody else's guesses keep the member waiting.
        ``None``: the address or the password is wrong, or this address was tried too often and has
        to wait (`lockout`). The answer never tells which, and an address without a member takes as
        long and is slowed down like one with a member.
        """
        email = normal_email(email)
        if not was_just_set and not self._lockout.admit(email, self._clock()):
            return None
        with self._control_plane.reading() as db:
            member = find_member(db, email)
        if not self._passwords.verify(member.password_hash if member else None, password) or member is None:
            return None
        self._lockout.forget(email)
        outdated = self._passwords.is_outdated(member.password_hash)
        password_hash = self._passwords.hashed(password) if outdated else member.password_hash
        with self._control_plane.session() as db:
            # The condition: no session for a password that somebody replaced in this moment.
            kept = update(MemberRow).where(MemberRow.id == member.id, MemberRow.password_hash == member.password_hash)
            if db.execute(kept.values(password_hash=password_hash).returning(MemberRow.id)).one_or_none() is None:
                return None
            return self._begin(db, MemberId(member.id), browser, old_token)

    def with_provider(
        self, subject: str, email: str, browser: str = "", old_token: str | None = None
    ) -> Vouched | None:
        """Return a new session for whom the sign-in provider vouches; None: nobody here is that person.

        ``subject`` is the provider's lasting name for a person, with the issuer. The first sign-in ties it
        to the member with the verified address ``email``; from then on the address may change there. It
        also ends the member's password and sessions: an invitation's link may have been in other hands than
        the address's, and whoever chose that password would stay in.
        """
        subject_hash, now = hashlib.sha256(subject.encode()).hexdigest(), self._clock()
        with self._control_plane.session() as db:
            known = db.get(ProviderIdentityRow, subject_hash)
            if known is not None:
                token = self._begin(db, MemberId(known.member_id), browser, old_token)
                return Vouched(token, db.get_one(MemberRow, known.member_id).email, is_first=False)
            member = find_member(db, normal_email(email))
            if member is None:
                return None
            tied = select(ProviderIdentityRow.subject_hash).where(ProviderIdentityRow.member_id == member.id)
            if db.scalars(tied).first() is not None:
                return None  # The address now belongs to another person at the provider.
            db.add(ProviderIdentityRow(subject_hash=subject_hash, member_id=member.id, linked_at=now))
            member.password_hash = NO_PASSWORD
            end_sessions(db, member.id)
            actor = Actor(ActorKind.MEMBER, member.id)
            for _, workspace in memberships_of(db, member.id):
                about = f"member {member.id}"
                record(db, WorkspaceId(workspace.id), actor, Action.PROVIDER_TIED, now, about)
            return Vouched(self._begin(db, MemberId(member.id), browser, None), member.email, is_first=True)

    def confirm(self, token: str, code: str) -> Confirmed | None:
        """Accept the second factor, or a recovery code, for a session that waits.

        None: the code is wrong, was used, or too many were tried (`lockout`); or nothing waits.
        """
        now = self._clock()
        with self._control_plane.session() as db:
            signed = self._signed_in(db, token, now)
            if signed is None or not signed.waits_for_second_factor:
                return None
            if not self._lockout.admit(second_factor_of(signed.member_id), now):
                return None
            used = self._use(db, signed.member_id, code, now)
            if used is None:
                return None
            self._lockout.forget(second_factor_of(signed.member_id))
            new = rotate_session(db, token, now, waits_for_second_factor=False, expires_at=now + ABSOLUTE_LIMIT)
            if new is None:
                return None
            self._log_entry(db, new, now, used)
            return Confirmed(new, signed.email, used is Action.RECOVERY_CODE_USED)

    def signed_in(self, token: str) -> SignedIn | None:
        """Return whose session the token is, as the rows say now.

        ``None``: no such session, or it ended: 30 days after sign-in or after 14 days without use.
        """
        row_id, now = session_id(token), self._clock()
        if row_id is None:
            return None
        with self._control_plane.reading() as db:
            found = find_signed_in(db, row_id, now)
        if found is not None and now - found.last_seen_at >= SEEN_EVERY and not found.waits_for_second_factor:
            with self._control_plane.session() as db:
                see_session(db, row_id, found.member_id, now)
        return found

    def scope(self, token: str) -> MemberScope | None:
        """Return what the holder of the token may see; None too while the second factor is awaited."""
        found = self.signed_in(token)
        return found.scope if found else None

    def switch(self, token: str, workspace_id: WorkspaceId) -> str | None:
        """Go on in another workspace, with a new token. None where the member has no place there."""
        now = self._clock()
        with self._control_plane.session() as db:
            signed = self._signed_in(db, token, now)
            if signed is None or workspace_id not in dict(signed.workspaces):
                return None
            new = rotate_session(db, token, now, workspace_id=workspace_id)
            if new is not None:
                record(db, workspace_id, signed.actor, Action.SIGNED_IN, now)
            return new

    def sign_out(self, token: str) -> None:
        """End the session of the token. Harmless when there is none."""
        row_id = session_id(token)
        if row_id is None:
            return
        with self._control_plane.session() as db:
            end_session(db, row_id)

    def sessions(self, signed_in: SignedIn) -> tuple[OpenSession, ...]:
        """Return the member's signed-in browsers, the last used first. Raises NotAllowedError."""
        signed_in.require_second_factor()
        with self._control_plane.reading() as db:
            return open_sessions(db, signed_in.member_id, signed_in.session, self._clock())

    def end(self, signed_in: SignedIn, ref: str | None = None) -> None:
        """End one of the member's sessions, or with None all but the one that asks. Harmless where there is none.

        Raises NotAllowedError.
        """
        signed_in.require_second_factor()
        with self._control_plane.session() as db:
            if ref is None:
                end_sessions(db, signed_in.member_id, but=signed_in.session)
            elif ref.isprintable():  # A null byte, which a form can carry, makes PostgreSQL's driver raise.
                end_sessions(db, signed_in.member_id, only=ref)
            if signed_in.scope is not None:
                record(db, signed_in.scope.workspace_id, signed_in.actor, Action.SESSIONS_ENDED, self._clock())

    def _begin(self, db: Session, member_id: MemberId, browser: str, old_token: str | None) -> str:
        now = self._clock()
        old = session_id(old_token) if old_token else None
        if old is not None:
            end_session(db, old)
        factor = db.get(SecondFactorRow, member_id)
        waits = factor is not None and factor.confirmed_at is not None
        places = memberships_of(db, member_id)
        ranked = [(workspace.state != State.ACTIVE, WorkspaceId(workspace.id)) for _, workspace in places]
        first = min(ranked)[1] if ranked else None
        token = start_session(db, member_id, first, browser, now, waits=waits)
        if not waits:
            self._log_entry(db, token, now, Action.SIGNED_IN)
        return token

    def _use(self, db: Session, member_id: MemberId, code: str, now: datetime) -> Action | None:
        """Use up a code of the authenticator or a recovery code; None where it is neither."""
        factor = db.get_one(SecondFactorRow, member_id)
        secret = self._box.open(factor.sealed_secret)
        step = matching_step(secret, code, now, factor.last_step) if secret else None
        if step is not None:
            factor.last_step = step
            return Action.SIGNED_IN
        hashed = recovery_hash(code)
        recovery = db.get(RecoveryCodeRow, hashed) if hashed else None
        if recovery is None or recovery.member_id != member_id:
            return None
        db.delete(recovery)
        return Action.RECOVERY_CODE_USED

    def _log_entry(self, db: Session, token: str, now: datetime, action: Action) -> None:
        """Log a sign-in in the workspace that it leads to; a member of none leaves no trace there."""
        session = db.get(SessionRow, session_id(token))
        if session is not None:
            see_member(db, session.member_id, now)
        if session is not None and session.workspace_id is not None:
            actor = Actor(ActorKind.MEMBER, session.member_id, session.ref)
            record(db, WorkspaceId(session.workspace_id), actor, action, now)

    def _signed_in(self, db: Session, token: str, now: datetime) -> SignedIn | None:
        row_id = session_id(token)
        return find_signed_in(db, row_id, now) if row_id else None
