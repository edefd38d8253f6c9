"""Which columns of the list a member chose, per workspace."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.scope import Scope
from firmly.accounts.tables import MembershipRow
from firmly.leads.list_rows import ListColumnsRow


class ListColumns:
    """Blocking; safe to use from several threads. Nobody needs a right for their own view."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def of(self, scope: Scope) -> tuple[str, ...] | None:
        """Return what this member chose; None: nothing, as always for a token."""
        query = (
            select(ListColumnsRow.columns)
            .join(MembershipRow, ListColumnsRow.membership_id == MembershipRow.id)
            .where(MembershipRow.workspace_id == scope.workspace_id, MembershipRow.member_id == scope.author)
        )
        with self._control_plane.reading() as db:
            found = db.scalars(query).one_or_none()
        return None if found is None else tuple(found)

    def choose(self, scope: Scope, columns: Sequence[str] | None) -> None:
        """Keep what this member chose; None forgets it. A token's choice is nobody's and not kept."""
        with self._control_plane.session() as db:
            place = _place(db, scope)
            if place is None:
                return
            db.execute(delete(ListColumnsRow).where(ListColumnsRow.membership_id == place))
            if columns is not None:
                db.add(ListColumnsRow(membership_id=place, columns=list(columns)))


def _place(db: Session, scope: Scope) -> int | None:
    own = (MembershipRow.workspace_id == scope.workspace_id) & (MembershipRow.member_id == scope.author)
    return db.scalars(select(MembershipRow.id).where(own)).one_or_none()
