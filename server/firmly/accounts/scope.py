"""The right to see one workspace, which only a checked membership gives.

`Scope` has one maker, `find_scope` below: nobody else holds the proof that its constructor asks for.
"""

from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.roles import Role
from firmly.accounts.tables import MemberRow, SessionRow, WorkspaceRow
from firmly.model import MemberId, WorkspaceId

_PROOF = object()

IDLE_LIMIT = timedelta(days=14)
"""A session that nobody used for this long is over, whatever its absolute end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A signed-in member in a workspace. Valid for the request it was made for; keep it no longer."""

    workspace_id: WorkspaceId
    member_id: MemberId
    role: Role
    member_name: str = field(repr=False)
    workspace_name: str = field(repr=False)
    email: str = field(repr=False)
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a scope comes from a checked membership only")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a scope cannot be pickled or copied")


def find_scope(db: Session, session_id: str, now: datetime) -> tuple[Scope, datetime] | None:
    """Return the scope of the session ``session_id`` (a token's hash) and when it was last seen.

    ``None``: there is no such session, or it has ended by its age or by lying idle.
    """
    query = (
        select(SessionRow, MemberRow, WorkspaceRow)
        .join(MemberRow, SessionRow.member_id == MemberRow.id)
        .join(WorkspaceRow, MemberRow.workspace_id == WorkspaceRow.id)
        .where(SessionRow.id == session_id, SessionRow.expires_at > now, SessionRow.last_seen_at > now - IDLE_LIMIT)
    )
    found = db.execute(query).one_or_none()
    if found is None:
        return None
    session, member, workspace = found
    return _scope(member, workspace), session.last_seen_at


def _scope(member: MemberRow, workspace: WorkspaceRow) -> Scope:
    return Scope(
        workspace_id=WorkspaceId(workspace.id),
        member_id=MemberId(member.id),
        role=member.role,
        member_name=member.name,
        workspace_name=workspace.name,
        email=member.email,
        proof=_PROOF,
    )
