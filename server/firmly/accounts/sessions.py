"""Signed-in browsers: 256-bit tokens, of which only the SHA-256 is stored.

A token is random and long, so a fast hash is enough: there is nothing to guess from a stolen table.
Every function runs in the caller's transaction.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from firmly.accounts.scope import IDLE_LIMIT
from firmly.accounts.tables import MemberRow, SessionRow
from firmly.model import WorkspaceId

ABSOLUTE_LIMIT = timedelta(days=30)
SECOND_FACTOR_LIMIT = timedelta(minutes=10)
"""How long a session may wait for the second factor."""
SEEN_EVERY = timedelta(minutes=10)
"""How exactly the last use is known: not each request is a write."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a member's signed-in browsers, as they may see it. ``browser`` is families only, or ``""``."""

    ref: str
    browser: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


def session_id(token: str) -> str | None:
    """Return the id under which the session of ``token`` is stored, ``None`` for what is no token."""
    if not _TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def start_session(
    db: Session, member_id: int, workspace_id: WorkspaceId | None, browser: str, now: datetime, *, waits: bool
) -> str:
    """Write a session and return its token, which is not known to anybody afterwards; clear out ended ones."""
    db.execute(delete(SessionRow).where(or_(SessionRow.expires_at <= now, SessionRow.last_seen_at <= now - IDLE_LIMIT)))
    token = secrets.token_urlsafe(32)
    row = SessionRow(
        id=hashlib.sha256(token.encode("ascii")).hexdigest(),
        ref=secrets.token_hex(4),
        member_id=member_id,
        workspace_id=workspace_id,
        waits_for_second_factor=waits,
        browser=browser[:60],
        created_at=now,
        expires_at=now + (SECOND_FACTOR_LIMIT if waits else ABSOLUTE_LIMIT),
        last_seen_at=now,
    )
    db.add(row)
    db.flush()
    return token


def rotate_session(db: Session, token: str, now: datetime, **changes: object) -> str | None:
    """Give the session of ``token`` a new one and ``changes``; None where it has ended meanwhile."""
    old = session_id(token)
    new = secrets.token_urlsafe(32)
    row_id = hashlib.sha256(new.encode("ascii")).hexdigest()
    values = {"id": row_id, "last_seen_at": now, **changes}
    found = db.execute(
        update(SessionRow)
        .where(SessionRow.id == old, SessionRow.expires_at > now)
        .values(values)
        .returning(SessionRow.id)
    ).one_or_none()
    return new if found else None


def open_sessions(db: Session, member_id: int, this: str, now: datetime) -> tuple[OpenSession, ...]:
    """Return a member's sessions, the last used first; ``this`` is the ref of the one that asks."""
    rows = db.scalars(
        select(SessionRow)
        .where(
            SessionRow.member_id == member_id,
            SessionRow.expires_at > now,
            SessionRow.last_seen_at > now - IDLE_LIMIT,
            SessionRow.waits_for_second_factor.is_(False),
        )
        .order_by(SessionRow.last_seen_at.desc(), SessionRow.ref)
    )
    return tuple(OpenSession(row.ref, row.browser, row.created_at, row.last_seen_at, row.ref == this) for row in rows)


def see_session(db: Session, row_id: str, member_id: int, now: datetime) -> None:
    """Note that the member was here, in the session and for their account (LD5)."""
    db.execute(update(SessionRow).where(SessionRow.id == row_id).values(last_seen_at=now))
    see_member(db, member_id, now)


def see_member(db: Session, member_id: int, now: datetime) -> None:
    db.execute(update(MemberRow).where(MemberRow.id == member_id).values(last_seen_on=now.date(), warned_on=None))


def end_session(db: Session, row_id: str) -> None:
    db.execute(delete(SessionRow).where(SessionRow.id == row_id))


def end_sessions(db: Session, member_id: int, *, but: str | None = None, only: str | None = None) -> None:
    """Sign a member out everywhere, or everywhere but in the session ``but``, or of the session ``only`` (refs)."""
    query = delete(SessionRow).where(SessionRow.member_id == member_id)
    if but is not None:
        query = query.where(SessionRow.ref != but)
    if only is not None:
        query = query.where(SessionRow.ref == only)
    db.execute(query)


def leave_workspace(db: Session, member_id: int, workspace_id: WorkspaceId) -> None:
    """End the member's sessions in one workspace: their rights there changed (rotation on privilege change)."""
    db.execute(delete(SessionRow).where(SessionRow.member_id == member_id, SessionRow.workspace_id == workspace_id))
