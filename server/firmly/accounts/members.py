"""Members and their places in workspaces as rows. Every function runs in the caller's transaction."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from firmly.accounts.roles import Role
from firmly.accounts.site import is_line
from firmly.accounts.tables import MemberRow, MembershipRow, WorkspaceRow
from firmly.mail.letter import is_recipient
from firmly.model import InvalidInputError, MemberId, Problem, WorkspaceId

_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@[^\s@\"(),:;<>\[\]\\_]{1,189}")


def normal_email(text: str) -> str:
    """Return the form of an e-mail address by which members are told apart: NFC, lower case."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def is_email(text: str) -> bool:
    """Say whether somebody can be reached at ``text``: what cannot be mailed to is nobody's address here."""
    return bool(_EMAIL.fullmatch(text)) and is_recipient(text)


def insert_member(db: Session, *, email: str, name: str, password_hash: str, now: datetime) -> MemberId:
    """Write a member; ``email`` is in its normal form.

    Raises:
        InvalidInputError: the address already has a member.
    """
    row = MemberRow(email=email, name=name, password_hash=password_hash, created_at=now)
    db.add(row)
    try:
        db.flush()
    except IntegrityError:
        # The original error is cut off: a database quotes the row in it.
        raise refused(Problem("email", "(withheld)", "an address that has no member yet")) from None
    return MemberId(row.id)


def insert_membership(
    db: Session, workspace_id: WorkspaceId, member_id: MemberId, role: Role, feeds: Iterable[int] | None, now: datetime
) -> None:
    """Give a member a place in a workspace.

    Raises:
        InvalidInputError: where the workspace does not exist, or they have one already.
    """
    if db.get(WorkspaceRow, workspace_id) is None:
        raise refused(Problem("workspace_id", str(workspace_id), "a workspace that exists"))
    if find_membership(db, workspace_id, member_id) is not None:
        raise refused(Problem("email", "(withheld)", "somebody who is no member of this workspace yet"))
    db.add(
        MembershipRow(
            workspace_id=workspace_id,
            member_id=member_id,
            role=role,
            feeds=None if feeds is None else sorted(feeds),
            created_at=now,
        )
    )
    db.flush()


def find_membership(db: Session, workspace_id: WorkspaceId, member_id: int) -> MembershipRow | None:
    return db.scalars(
        select(MembershipRow).where(MembershipRow.workspace_id == workspace_id, MembershipRow.member_id == member_id)
    ).one_or_none()


def count_owners(db: Session, workspace_id: WorkspaceId) -> int:
    query = select(func.count()).select_from(MembershipRow)
    return db.scalar(query.where(MembershipRow.workspace_id == workspace_id, MembershipRow.role == Role.OWNER)) or 0


def delete_membership(db: Session, membership: MembershipRow) -> None:
    """End a membership; with their last one the member's account, sessions and credentials are erased.

    What they did stays under their number: history and audit log hold no name.
    """
    member_id = membership.member_id
    db.delete(membership)
    db.flush()
    if not db.scalar(select(exists().where(MembershipRow.member_id == member_id))):
        db.execute(delete(MemberRow).where(MemberRow.id == member_id))


def member_problems(email: str, name: str) -> list[Problem]:
    """Return why a member cannot be called so. E-mail addresses are not repeated in messages."""
    problems = []
    if not is_email(email):
        problems.append(Problem("email", "(withheld)", "an e-mail address such as name@example.com"))
    if not is_line(name, 100):
        problems.append(Problem("name", name, "one line of 1 to 100 characters"))
    return problems


def find_member(db: Session, email: str) -> MemberRow | None:
    if not email.isprintable():
        return None  # Null bytes and lone surrogates, which a form can carry, make the drivers raise.
    return db.scalars(select(MemberRow).where(MemberRow.email == email)).one_or_none()


def personal_words(email: str, name: str) -> tuple[str, ...]:
    """Return the words that a member's password may not be."""
    return (email, email.partition("@")[0], email.partition("@")[2], name)


def refused(problem: Problem) -> InvalidInputError:
    return InvalidInputError("this member cannot be added", [problem])
