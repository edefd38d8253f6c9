"""Accounts that nobody uses: warned about after 23 months without a sign-in, erased after 24 (LD5)."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.members import count_owners, delete_membership
from firmly.accounts.roles import Role
from firmly.accounts.scope import FIRMLY, State
from firmly.accounts.tables import MemberRow, MembershipRow, WorkspaceRow
from firmly.mail.letter import Letter, Template, Value
from firmly.model import Clock, WorkspaceId

WARNED_AFTER_MONTHS = 23
ERASED_AFTER_MONTHS = 24
WARNED_BEFORE = timedelta(days=28)
"""So long before it is erased an account was warned, also where the job did not run for a while."""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did."""

    warned: int
    erased: int


class DormantAccounts:
    """Blocking. ``put`` takes a letter to be sent; ``sign_in_url`` keeps an account by its use."""

    def __init__(
        self, control_plane: ControlPlane, put: Callable[[Letter], None], clock: Clock, *, sign_in_url: str
    ) -> None:
        self._control_plane = control_plane
        self._put = put
        self._clock = clock
        self._sign_in_url = sign_in_url

    def look(self) -> Looked:
        """Warn and erase what is due, at most a hundred accounts of each at a time."""
        today = self._clock().date()
        return Looked(self._warn(today), self._erase(today))

    def _warn(self, today: date) -> int:
        with self._control_plane.reading() as db:
            if not _unused(db, today, WARNED_AFTER_MONTHS, MemberRow.warned_on.is_(None)):
                return 0
        with self._control_plane.session() as db:
            members = _unused(db, today, WARNED_AFTER_MONTHS, MemberRow.warned_on.is_(None))
            for member in members:
                member.warned_on = today
            letters = [self._letter(member, today) for member in members]
        for letter in letters:
            self._put(letter)
        return len(letters)

    def _letter(self, member: MemberRow, today: date) -> Letter:
        last_day = _last_use(member)
        ends_on = max(months_after(last_day, ERASED_AFTER_MONTHS), today + WARNED_BEFORE)
        said: dict[str, Value] = {"last_day": last_day, "ends_on": ends_on, "link": self._sign_in_url}
        return Letter(Template.ACCOUNT_ENDS, member.email, said)

    def _erase(self, today: date) -> int:
        warned = MemberRow.warned_on <= today - WARNED_BEFORE
        with self._control_plane.reading() as db:
            if not _unused(db, today, ERASED_AFTER_MONTHS, warned):
                return 0
        with self._control_plane.session() as db:
            due = _unused(db, today, ERASED_AFTER_MONTHS, warned, limit=None)
            return sum(1 for _ in islice((member for member in due if self._end(db, member)), _AT_ONCE))

    def _end(self, db: Session, member: MemberRow) -> bool:
        """End all memberships and with them the account; the last owner of an active workspace stays."""
        places = list(db.scalars(select(MembershipRow).where(MembershipRow.member_id == member.id)))
        if any(_is_needed(db, place) for place in places):
            return False
        for place in places:
            about = f"member {member.id}"
            record(db, WorkspaceId(place.workspace_id), FIRMLY, Action.ACCOUNT_EXPIRED, self._clock(), about)
            delete_membership(db, place)
        if not places:
            db.delete(member)
        return True


def _is_needed(db: Session, place: MembershipRow) -> bool:
    is_last = place.role is Role.OWNER and count_owners(db, WorkspaceId(place.workspace_id)) < 2
    return is_last and db.get_one(WorkspaceRow, place.workspace_id).state == State.ACTIVE


def _unused(
    db: Session, today: date, months: int, condition: ColumnElement[bool], limit: int | None = _AT_ONCE
) -> list[MemberRow]:
    since = months_after(today, -months)
    last_use = func.coalesce(MemberRow.last_seen_on, func.date(MemberRow.created_at))
    query = select(MemberRow).where(last_use <= since, condition).order_by(MemberRow.id).limit(limit)
    return list(db.scalars(query))


def _last_use(member: MemberRow) -> date:
    return member.last_seen_on or member.created_at.date()


def months_after(day: date, months: int) -> date:
    """Return the same day of another month, or its last one where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
