"""Signed-in browsers: 256-bit tokens, of which only the SHA-256 is stored.

A token is random and long, so a fast hash is enough: there is nothing to guess from a stolen table.
"""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from firmly.accounts.scope import IDLE_LIMIT
from firmly.accounts.tables import SessionRow

ABSOLUTE_LIMIT = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=10)
"""How exactly the last use is known: not each request is a write."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def session_id(token: str) -> str | None:
    """Return the id under which the session of ``token`` is stored, ``None`` for what is no token."""
    if not _TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def start_session(db: Session, member_id: int, now: datetime) -> str:
    """Write a session and return its token, which is not known to anybody afterwards; clear out ended ones."""
    db.execute(delete(SessionRow).where(or_(SessionRow.expires_at <= now, SessionRow.last_seen_at <= now - IDLE_LIMIT)))
    token = secrets.token_urlsafe(32)
    row_id = hashlib.sha256(token.encode("ascii")).hexdigest()
    db.add(
        SessionRow(id=row_id, member_id=member_id, created_at=now, expires_at=now + ABSOLUTE_LIMIT, last_seen_at=now)
    )
    return token


def see_session(db: Session, row_id: str, now: datetime) -> None:
    db.execute(update(SessionRow).where(SessionRow.id == row_id).values(last_seen_at=now))


def end_session(db: Session, row_id: str) -> None:
    db.execute(delete(SessionRow).where(SessionRow.id == row_id))
