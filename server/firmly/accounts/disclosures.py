"""The register of what was given out because the law asked for it (LP6): who asked, on which basis, what was given."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.site import is_line
from firmly.accounts.tables import DisclosureRow, MemberRow
from firmly.model import Clock, InvalidInputError, Problem

EARLIEST = date(2000, 1, 1)
MAX_GIVEN = 2000


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One entry. ``day`` is when it was given; ``author`` is None for a token and for who has left."""

    day: date
    asked_by: str
    basis: str
    given: str
    author: str | None
    created_at: datetime


class Disclosures:
    """Only ever appended. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def add(self, scope: Scope, day: date, asked_by: str, basis: str, given: str) -> None:
        """Write an entry; it can be neither changed nor taken back.

        Raises:
            NotAllowedError: it takes the rights to instruct and to read the audit log.
            InvalidInputError: with every problem of the values.
        """
        scope.require(Right.INSTRUCT)
        scope.require(Right.READ_AUDIT)
        now = self._clock()
        problems = _problems(day, asked_by, basis, given, now.date())
        if problems:
            raise InvalidInputError("this disclosure cannot be entered", problems)
        with self._control_plane.session() as db:
            row = DisclosureRow(
                workspace_id=scope.workspace_id,
                day=day,
                asked_by=asked_by,
                basis=basis,
                given=given,
                author=scope.author,
                created_at=now,
            )
            db.add(row)
            db.flush()
            record(db, scope.workspace_id, scope.actor, Action.DISCLOSURE_ADDED, now, f"disclosure {row.id}")

    def of(self, scope: Scope) -> tuple[Disclosure, ...]:
        """Return the workspace's entries, newest first, and log the reading. Raises NotAllowedError."""
        scope.require(Right.READ_AUDIT)
        query = (
            select(DisclosureRow, MemberRow.name)
            .outerjoin(MemberRow, DisclosureRow.author == MemberRow.id)
            .where(DisclosureRow.workspace_id == scope.workspace_id)
            .order_by(DisclosureRow.id.desc())
        )
        with self._control_plane.session() as db:
            record(db, scope.workspace_id, scope.actor, Action.DISCLOSURES_READ, self._clock())
            return tuple(
                Disclosure(row.day, row.asked_by, row.basis, row.given, author, row.created_at)
                for row, author in db.execute(query)
            )


def _problems(day: date, asked_by: str, basis: str, given: str, today: date) -> list[Problem]:
    problems = []
    if not EARLIEST <= day <= today + timedelta(days=1):  # Somewhere it is tomorrow already.
        problems.append(Problem("day", day.isoformat(), "a day that has come, such as 2026-11-22"))
    if not is_line(asked_by, 200):
        problems.append(Problem("asked_by", "(withheld)", "the authority or person, one line of 1 to 200 characters"))
    if not is_line(basis, 300):
        problems.append(Problem("basis", "(withheld)", "the law or order, one line of 1 to 300 characters"))
    if not given.strip() or len(given) > MAX_GIVEN or not all(line.isprintable() for line in given.splitlines()):
        problems.append(Problem("given", "(withheld)", f"what was given, in 1 to {MAX_GIVEN} characters"))
    return problems
