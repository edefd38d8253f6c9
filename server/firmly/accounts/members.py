"""Workspaces and members as rows. Every function runs in the caller's transaction."""

import re
import unicodedata
import zoneinfo
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from firmly.accounts.roles import Role
from firmly.accounts.site import is_line
from firmly.accounts.tables import MemberRow, SessionRow, WorkspaceRow
from firmly.model import InvalidInputError, MemberId, Problem, WorkspaceId

_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@[^\s@\"(),:;<>\[\]\\_]{1,189}")


def normal_email(text: str) -> str:
    """Return the form of an e-mail address by which members are told apart: NFC, lower case."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def insert_workspace(db: Session, name: str, time_zone: str, now: datetime) -> WorkspaceId:
    """Write a workspace. Raises InvalidInputError for a name or time zone that cannot be used."""
    problems = []
    if not is_line(name, 100):
        problems.append(Problem("name", name, "one line of 1 to 100 characters"))
    if time_zone not in zoneinfo.available_timezones():
        problems.append(Problem("time_zone", time_zone, "a name of the IANA database such as Europe/Helsinki"))
    if problems:
        raise InvalidInputError("this workspace cannot be made", problems)
    row = WorkspaceRow(name=name, time_zone=time_zone, created_at=now)
    db.add(row)
    db.flush()
    return WorkspaceId(row.id)


def insert_member(
    db: Session, workspace_id: WorkspaceId, *, email: str, name: str, role: Role, password_hash: str, now: datetime
) -> MemberId:
    """Write a member; ``email`` is in its normal form.

    Raises:
        InvalidInputError: where the workspace does not exist or the address already has a member.
    """
    if db.get(WorkspaceRow, workspace_id) is None:
        raise _refused(Problem("workspace_id", str(workspace_id), "a workspace that exists"))
    row = MemberRow(
        workspace_id=workspace_id, email=email, name=name, role=role, password_hash=password_hash, created_at=now
    )
    db.add(row)
    try:
        db.flush()
    except IntegrityError:
        # The original error is cut off: a database quotes the row in it.
        raise _refused(Problem("email", "(withheld)", "an address that has no member yet")) from None
    return MemberId(row.id)


def member_problems(email: str, name: str) -> list[Problem]:
    """Return why a member cannot be called so. E-mail addresses are not repeated in messages."""
    problems = []
    if not (_EMAIL.fullmatch(email) and email.isprintable()):
        problems.append(Problem("email", "(withheld)", "an e-mail address such as name@example.com"))
    if not is_line(name, 100):
        problems.append(Problem("name", name, "one line of 1 to 100 characters"))
    return problems


def find_member(db: Session, email: str) -> MemberRow | None:
    if not email.isprintable():
        return None  # Null bytes and lone surrogates, which a form can carry, make the drivers raise.
    return db.scalars(select(MemberRow).where(MemberRow.email == email)).one_or_none()


def end_sessions(db: Session, member_id: int) -> None:
    """Sign the member out everywhere."""
    db.execute(delete(SessionRow).where(SessionRow.member_id == member_id))


def _refused(problem: Problem) -> InvalidInputError:
    return InvalidInputError("this member cannot be added", [problem])
