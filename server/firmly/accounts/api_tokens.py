"""API tokens of a workspace: shown once, kept as a hash, scoped, expiring, revocable."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from sqlalchemy import func, select, update

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right, TokenScope
from firmly.accounts.scope import Scope, find_token_scope
from firmly.accounts.site import is_line
from firmly.accounts.tables import ApiTokenRow, MemberRow
from firmly.model import Clock, InvalidInputError, Problem

TokenId = NewType("TokenId", int)

PREFIX = "firmly_"
"""By which leaked tokens are found in code."""
MAX_DAYS = 366
MAX_TOKENS = 100
USED_EVERY = timedelta(minutes=10)
"""How exactly the last use is known: not each request is a write."""

_TOKEN = re.compile(PREFIX + "[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token. ``hint`` is its last four characters; ``author`` is None once they have left."""

    id: TokenId
    name: str
    scopes: frozenset[TokenScope]
    hint: str
    author: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiTokens:
    """Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def make(self, scope: Scope, name: str, scopes: Iterable[TokenScope], days: int) -> str:
        """Make a token and return it, for the only time.

        Raises:
            NotAllowedError: the member may not.
            InvalidInputError: no name, no scope, more than 366 days, or too many tokens.
        """
        scope.require(Right.MANAGE_TOKENS)
        wanted, now = frozenset(scopes), self._clock()
        with self._control_plane.session() as db:
            standing = db.scalar(
                select(func.count())
                .select_from(ApiTokenRow)
                .where(
                    ApiTokenRow.workspace_id == scope.workspace_id,
                    ApiTokenRow.revoked_at.is_(None),
                    ApiTokenRow.expires_at > now,
                )
            )
            problems = _problems(name, wanted, days, standing or 0)
            if problems:
                raise InvalidInputError("this token cannot be made", problems)
            token = PREFIX + secrets.token_urlsafe(32)
            row = ApiTokenRow(
                workspace_id=scope.workspace_id,
                name=name,
                scopes=sorted(wanted),
                token_hash=_hashed(token),
                hint=token[-4:],
                author=scope.author,
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
            db.add(row)
            db.flush()
            detail = {"scopes": sorted(wanted), "days": days}
            record(db, scope.workspace_id, scope.actor, Action.TOKEN_MADE, now, f"token {row.id}", detail)
            return token

    def revoke(self, scope: Scope, token_id: TokenId) -> None:
        """End a token at once; harmless where there is none. Raises NotAllowedError."""
        scope.require(Right.MANAGE_TOKENS)
        now = self._clock()
        with self._control_plane.session() as db:
            ended = db.execute(
                update(ApiTokenRow)
                .where(
                    ApiTokenRow.workspace_id == scope.workspace_id,
                    ApiTokenRow.id == token_id,
                    ApiTokenRow.revoked_at.is_(None),
                )
                .values(revoked_at=now)
                .returning(ApiTokenRow.id)
            ).one_or_none()
            if ended:
                record(db, scope.workspace_id, scope.actor, Action.TOKEN_REVOKED, now, f"token {token_id}")

    def of(self, scope: Scope) -> tuple[ApiToken, ...]:
        """Return the workspace's tokens, newest first, ended ones too. Raises NotAllowedError."""
        scope.require(Right.MANAGE_TOKENS)
        query = (
            select(ApiTokenRow, MemberRow.name)
            .outerjoin(MemberRow, ApiTokenRow.author == MemberRow.id)
            .where(ApiTokenRow.workspace_id == scope.workspace_id)
            .order_by(ApiTokenRow.id.desc())
        )
        with self._control_plane.reading() as db:
            return tuple(_token(row, author) for row, author in db.execute(query))

    def scope(self, token: str) -> Scope | None:
        """Return what the bearer may do, None for a token that is none, has expired or was revoked."""
        if not _TOKEN.fullmatch(token):
            return None
        hashed, now = _hashed(token), self._clock()
        with self._control_plane.reading() as db:
            found = find_token_scope(db, hashed, now)
        if found is None:
            return None
        scope, last_used_at = found
        if last_used_at is None or now - last_used_at >= USED_EVERY:
            with self._control_plane.session() as db:
                db.execute(update(ApiTokenRow).where(ApiTokenRow.token_hash == hashed).values(last_used_at=now))
        return scope


def _hashed(token: str) -> str:
    """Random and long, so a fast hash is enough: there is nothing to guess from a stolen table."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _token(row: ApiTokenRow, author: str | None) -> ApiToken:
    return ApiToken(
        TokenId(row.id),
        row.name,
        frozenset(scope for scope in TokenScope if scope.value in row.scopes),
        row.hint,
        author,
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
    )


def _problems(name: str, scopes: frozenset[TokenScope], days: int, standing: int) -> list[Problem]:
    problems = []
    if not is_line(name, 100):
        problems.append(Problem("name", name, "one line of 1 to 100 characters that says what the token is for"))
    if not scopes:
        problems.append(Problem("scopes", "", "at least one"))
    if not 1 <= days <= MAX_DAYS:
        problems.append(Problem("days", str(days), f"1 to {MAX_DAYS}"))
    if standing >= MAX_TOKENS:
        problems.append(Problem("tokens", str(standing), f"at most {MAX_TOKENS} that stand; revoke some first"))
    return problems
