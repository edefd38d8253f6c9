"""A member's own credentials: password, reset by mail, authenticator, recovery codes.

Changing one asks for the password again, ends the member's other sessions and gives this one a new token.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.lockout import Lockout, second_factor_of
from firmly.accounts.members import find_member, normal_email, personal_words
from firmly.accounts.passwords import Passwords, password_problems
from firmly.accounts.scope import OPERATOR, Actor, ActorKind, SignedIn, memberships_of
from firmly.accounts.second_factor import (
    SecretBox,
    matching_step,
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    recovery_hash,
)
from firmly.accounts.sessions import end_sessions, rotate_session
from firmly.accounts.signatures import serializer
from firmly.accounts.site import is_line
from firmly.accounts.tables import MemberRow, RecoveryCodeRow, SecondFactorRow
from firmly.model import Clock, FirmlyError, InvalidInputError, MemberId, Problem, WorkspaceId

RESET_LIMIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """What a member enters into their authenticator. Both are credentials: shown, never logged."""

    secret: str
    uri: str


class Credentials:
    """Blocking; safe to use from several threads. ``keys``: newest first; older ones stay valid for reading."""

    def __init__(
        self,
        control_plane: ControlPlane,
        clock: Clock,
        passwords: Passwords,
        box: SecretBox,
        lockout: Lockout,
        keys: Sequence[str],
    ) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._passwords = passwords
        self._box = box
        self._lockout = lockout
        self._resets = serializer(keys, "firmly.accounts.reset")

    def change_password(self, signed_in: SignedIn, token: str, current: str, new: str) -> str:
        """Give oneself a new password; return this session's new token. All others end.

        Raises:
            NotAllowedError: the second factor is still awaited.
            InvalidInputError: ``current`` is not the password, or ``new`` cannot be one.
        """
        signed_in.require_second_factor()
        self._require_password(signed_in, current)
        problems = password_problems(new, personal_words(signed_in.email, signed_in.name))
        if problems:
            raise InvalidInputError("this password cannot be used", problems)
        password_hash = self._passwords.hashed(new)
        with self._control_plane.session() as db:
            db.get_one(MemberRow, signed_in.member_id).password_hash = password_hash
            return self._renew(db, signed_in, token, Action.PASSWORD_CHANGED)

    def change_name(self, signed_in: SignedIn, name: str) -> None:
        """Rectify one's name. Raises NotAllowedError, InvalidInputError."""
        signed_in.require_second_factor()
        if not is_line(name, 100):
            raise InvalidInputError(
                "this name cannot be used", [Problem("name", name, "one line of 1 to 100 characters")]
            )
        with self._control_plane.session() as db:
            db.get_one(MemberRow, signed_in.member_id).name = name

    def begin_reset(self, email: str) -> str | None:
        """Return the secret of a link that sets a new password, for a mail to ``email`` and nowhere else.

        None: nobody has this address, which whoever asked must not learn. It works for an hour and
        until the password changes.
        """
        with self._control_plane.reading() as db:
            member = find_member(db, normal_email(email))
        return self._reset_secret(member) if member else None

    def holds_reset(self, secret: str) -> bool:
        """Say whether the link still works."""
        return self._member_of(secret) is not None

    def reset(self, secret: str, password: str) -> str | None:
        """Set a new password by a link and sign the member out everywhere; return their e-mail address.

        None: forged, expired or used. The second factor stays as it is.

        Raises:
            InvalidInputError: the password cannot be used.
        """
        member = self._member_of(secret)
        if member is None:
            return None
        problems = password_problems(password, personal_words(member.email, member.name))
        if problems:
            raise InvalidInputError("this password cannot be used", problems)
        password_hash = self._passwords.hashed(password)
        with self._control_plane.session() as db:
            row = db.get(MemberRow, member.id)
            if row is None or row.password_hash != member.password_hash:
                return None
            self._replace_password(db, row, password_hash, None)
        self._lockout.forget(member.email)
        return member.email

    def reset_by_operator(self, email: str, password: str) -> None:
        """Give a member a new password and sign them out everywhere.

        Raises:
            FirmlyError: where no member has this address, or the password is refused.
        """
        member = self._named(email)
        problems = password_problems(password, personal_words(member.email, member.name))
        if problems:
            raise InvalidInputError("this password cannot be used", problems)
        password_hash = self._passwords.hashed(password)
        with self._control_plane.session() as db:
            self._replace_password(db, db.get_one(MemberRow, member.id), password_hash, OPERATOR)
        self._lockout.forget(member.email)

    def remove_second_factor_by_operator(self, email: str) -> None:
        """Take a lost second factor off a member and sign them out everywhere. Raises FirmlyError: nobody's address."""
        member = self._named(email)
        with self._control_plane.session() as db:
            self._drop_second_factor(db, MemberId(member.id))
            end_sessions(db, member.id)
            self._log(db, MemberId(member.id), OPERATOR, Action.SECOND_FACTOR_OFF)
        self._lockout.forget(second_factor_of(member.id))

    def begin_second_factor(self, signed_in: SignedIn) -> Enrolment:
        """Return the secret to enter into an authenticator: the same one until it is confirmed.

        Raises:
            FirmlyError: a second factor is on, or still awaited in this session.
        """
        if signed_in.waits_for_second_factor or signed_in.has_second_factor:
            raise FirmlyError("a second factor is set up already; remove it first")
        with self._control_plane.session() as db:
            row = db.get(SecondFactorRow, signed_in.member_id)
            if row is not None and row.confirmed_at is not None:  # Since `signed_in` was read: never tell it again.
                raise FirmlyError("a second factor is set up already; remove it first")
            secret = self._box.open(row.sealed_secret) if row else None
            if secret is None:
                self._drop_second_factor(db, signed_in.member_id)
                secret = new_secret()
                sealed = self._box.seal(secret)
                db.add(SecondFactorRow(member_id=signed_in.member_id, sealed_secret=sealed, last_step=0))
        return Enrolment(secret, otpauth_uri(secret, signed_in.email, "Firmly"))

    def confirm_second_factor(self, signed_in: SignedIn, token: str, code: str) -> tuple[tuple[str, ...], str]:
        """Switch the second factor on by a first code; return ten recovery codes, for the only time, and this
        session's new token. All other sessions end.

        Raises:
            InvalidInputError: the code is wrong.
            FirmlyError: nothing was begun.
        """
        now = self._clock()
        if not self._lockout.admit(second_factor_of(signed_in.member_id), now):
            raise InvalidInputError("this code cannot be used", [_wrong_code()])
        with self._control_plane.session() as db:
            row = db.get(SecondFactorRow, signed_in.member_id)
            secret = self._box.open(row.sealed_secret) if row and row.confirmed_at is None else None
            if row is None or secret is None or signed_in.waits_for_second_factor:
                raise FirmlyError("no second factor is being set up")
            step = matching_step(secret, code, now, row.last_step)
            if step is None:
                raise InvalidInputError("this code cannot be used", [_wrong_code()])
            row.last_step, row.confirmed_at = step, now
            codes = self._new_codes(db, signed_in.member_id)
            renewed = self._renew(db, signed_in, token, Action.SECOND_FACTOR_ON)
        self._lockout.forget(second_factor_of(signed_in.member_id))
        return codes, renewed

    def renew_recovery_codes(self, signed_in: SignedIn, token: str, password: str) -> tuple[tuple[str, ...], str]:
        """Replace all recovery codes; return the new ones and this session's new token.

        Raises:
            InvalidInputError: the password is wrong.
            FirmlyError: there is no second factor.
        """
        if not signed_in.has_second_factor or signed_in.waits_for_second_factor:
            raise FirmlyError("there is no second factor")
        self._require_password(signed_in, password)
        with self._control_plane.session() as db:
            codes = self._new_codes(db, signed_in.member_id)
            return codes, self._renew(db, signed_in, token, Action.RECOVERY_CODES_RENEWED)

    def recovery_codes_left(self, signed_in: SignedIn) -> int:
        query = select(func.count()).select_from(RecoveryCodeRow)
        with self._control_plane.reading() as db:
            return db.scalar(query.where(RecoveryCodeRow.member_id == signed_in.member_id)) or 0

    def remove_second_factor(self, signed_in: SignedIn, token: str, password: str) -> str:
        """Switch the second factor off; return this session's new token.

        Raises:
            NotAllowedError: it is still awaited.
            InvalidInputError: the password is wrong.
        """
        signed_in.require_second_factor()
        self._require_password(signed_in, password)
        with self._control_plane.session() as db:
            self._drop_second_factor(db, signed_in.member_id)
            return self._renew(db, signed_in, token, Action.SECOND_FACTOR_OFF)

    def _require_password(self, signed_in: SignedIn, password: str) -> None:
        now = self._clock()
        wrong = InvalidInputError("this cannot be done", [Problem("current", "(withheld)", "your password of today")])
        if not self._lockout.admit(signed_in.email, now):
            raise wrong
        with self._control_plane.reading() as db:
            kept = db.get_one(MemberRow, signed_in.member_id).password_hash
        if not self._passwords.verify(kept, password):
            raise wrong
        self._lockout.forget(signed_in.email)

    def _renew(self, db: Session, signed_in: SignedIn, token: str, action: Action) -> str:
        end_sessions(db, signed_in.member_id, but=signed_in.session)
        renewed = rotate_session(db, token, self._clock())
        if renewed is None:
            raise FirmlyError("this session has ended; sign in again")
        self._log(db, signed_in.member_id, signed_in.actor, action)
        return renewed

    def _replace_password(self, db: Session, row: MemberRow, password_hash: str, actor: Actor | None) -> None:
        row.password_hash = password_hash
        end_sessions(db, row.id)
        by = actor or Actor(ActorKind.MEMBER, row.id)
        self._log(db, MemberId(row.id), by, Action.PASSWORD_CHANGED)

    def _log(self, db: Session, member_id: MemberId, actor: Actor, action: Action) -> None:
        """Log it in every workspace where the member has a place: each depends on these credentials."""
        for _, workspace in memberships_of(db, member_id):
            record(db, WorkspaceId(workspace.id), actor, action, self._clock(), f"member {member_id}")

    def _new_codes(self, db: Session, member_id: MemberId) -> tuple[str, ...]:
        db.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.member_id == member_id))
        codes = new_recovery_codes()
        db.add_all(RecoveryCodeRow(code_hash=recovery_hash(code), member_id=member_id) for code in codes)
        return codes

    def _drop_second_factor(self, db: Session, member_id: MemberId) -> None:
        for table in (SecondFactorRow, RecoveryCodeRow):
            db.execute(delete(table).where(table.member_id == member_id))

    def _named(self, email: str) -> MemberRow:
        with self._control_plane.reading() as db:
            member = find_member(db, normal_email(email))
        if member is None:
            raise FirmlyError("no member has this e-mail address")
        return member

    def _reset_secret(self, member: MemberRow) -> str:
        until = int((self._clock() + RESET_LIMIT).timestamp())
        secret: str = self._resets.dumps([member.id, until, _mark(member)])
        return secret

    def _member_of(self, secret: str) -> MemberRow | None:
        try:
            member_id, until, mark = self._resets.loads(secret)
        except (BadData, ValueError, TypeError):
            return None
        if self._clock().timestamp() >= until:
            return None
        with self._control_plane.reading() as db:
            member = db.get(MemberRow, member_id)
        return member if member is not None and hmac.compare_digest(_mark(member), mark) else None


def _mark(member: MemberRow) -> str:
    """Return what changes with the password and the address, so that a link works once and for one address."""
    return hashlib.sha256(f"{member.password_hash}\n{member.email}".encode()).hexdigest()[:32]


def _wrong_code() -> Problem:
    return Problem("code", "(withheld)", "the six digits that your authenticator shows now")
