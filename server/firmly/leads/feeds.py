"""Feeds: filters that a team saves, in folders. Lists, exports and access rights use the same ones.

Owns which stand and who may change them; what passes one is told by the warehouse (`Leads`).
"""

from dataclasses import dataclass, replace
from typing import NewType

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import NotAllowedError, Scope
from firmly.accounts.tables import InvitationRow, MembershipRow
from firmly.leads.condition_json import parse_condition, text_of
from firmly.leads.filter import sorting_of
from firmly.leads.list_rows import FeedRow
from firmly.leads.record import folded
from firmly.model import Clock, InvalidInputError, Problem
from firmly.warehouse.conditions import FIELDS, Condition, FieldKind, Op, Value, comparisons
from firmly.warehouse.ordering import NEWEST_FIRST, Sorting

MAX_FEEDS = 200
MAX_NAME = 100
MAX_FOLDER = 60
DAYS = (7, 30, 90)
"""Ranges that a feed can have: the last so many days."""

FeedId = NewType("FeedId", int)


@dataclass(frozen=True, slots=True)
class FeedDraft:
    """What makes a feed. ``folder`` is ``""`` for none; ``days`` one of `DAYS`."""

    name: str
    condition: Condition
    folder: str = ""
    days: int = 30
    sorting: Sorting = NEWEST_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(FeedDraft):
    """A feed that is kept. ``limits`` counts the members and invitations that see only some feeds, this one too."""

    id: FeedId
    limits: int


class Feeds:
    """Blocking; safe to use from several threads. Members restricted to feeds see these, and change none."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def of(self, scope: Scope) -> tuple[Feed, ...]:
        """Return the feeds that may be seen, by folder and name, those without a folder first."""
        scope.require(Right.READ_LEADS)
        query = select(FeedRow).where(FeedRow.workspace_id == scope.workspace_id)
        if scope.feeds is not None:
            query = query.where(FeedRow.id.in_(sorted(scope.feeds)))
        with self._control_plane.reading() as db:
            limits = _limits(db, scope)
            feeds = [_feed(row, limits) for row in db.scalars(query)]
        return tuple(sorted(feeds, key=lambda feed: (feed.folder.casefold(), feed.name.casefold(), feed.id)))

    def find(self, scope: Scope, feed_id: int) -> Feed | None:
        """Return a feed; None where there is none, or none that this member may see."""
        return next((feed for feed in self.of(scope) if feed.id == feed_id), None)

    def add(self, scope: Scope, draft: FeedDraft) -> FeedId:
        """Keep a feed.

        Raises:
            NotAllowedError: the member may not.
            InvalidInputError: a name that is empty, too long or taken, a filter by feeds, or too many feeds.
        """
        scope.require(Right.EDIT_FEEDS)
        draft = _checked(draft)
        now = self._clock()
        with self._control_plane.session() as db:
            mine = FeedRow.workspace_id == scope.workspace_id
            if db.scalar(select(func.count()).select_from(FeedRow).where(mine)) >= MAX_FEEDS:  # type: ignore[operator]
                raise _refused(Problem("name", draft.name, f"at most {MAX_FEEDS} feeds"))
            _require_free(db, scope, draft, None)
            row = FeedRow(workspace_id=scope.workspace_id, author=scope.author, changed_at=now, **_values(draft))
            db.add(row)
            db.flush()
            record(db, scope.workspace_id, scope.actor, Action.FEED_ADDED, now, f"feed {row.id}", {"name": draft.name})
            return FeedId(row.id)

    def change(self, scope: Scope, feed_id: int, draft: FeedDraft) -> bool:
        """Replace what a feed holds; False where there is none.

        Raises:
            NotAllowedError: the member may not; where it limits what others see, it takes MANAGE_TEAM.
            InvalidInputError: like `add`.
        """
        scope.require(Right.EDIT_FEEDS)
        draft = _checked(draft)
        with self._control_plane.session() as db:
            row = _own(db, scope, feed_id)
            if row is None:
                return False
            if _values(draft)["condition"] != row.condition or draft.days != row.days:
                _require_may_widen(db, scope, feed_id)
            _require_free(db, scope, draft, feed_id)
            for name, value in _values(draft).items():
                setattr(row, name, value)
            row.changed_at = self._clock()
            detail = {"name": draft.name}
            record(db, scope.workspace_id, scope.actor, Action.FEED_CHANGED, row.changed_at, f"feed {feed_id}", detail)
            return True

    def remove(self, scope: Scope, feed_id: int) -> bool:
        """Delete a feed; False, and harmless, where there is none. Who was restricted to it sees nothing of it then.

        Raises:
            NotAllowedError: the member may not; where it limits what others see, it takes MANAGE_TEAM.
        """
        scope.require(Right.EDIT_FEEDS)
        with self._control_plane.session() as db:
            row = _own(db, scope, feed_id)
            if row is None:
                return False
            _require_may_widen(db, scope, feed_id)
            detail = {"name": row.name}
            db.execute(delete(FeedRow).where(FeedRow.id == row.id))
            record(db, scope.workspace_id, scope.actor, Action.FEED_REMOVED, self._clock(), f"feed {feed_id}", detail)
            return True


def _own(db: Session, scope: Scope, feed_id: int) -> FeedRow | None:
    own = (FeedRow.workspace_id == scope.workspace_id) & (FeedRow.id == feed_id)
    return db.scalars(select(FeedRow).where(own)).one_or_none()


def _require_may_widen(db: Session, scope: Scope, feed_id: int) -> None:
    if _limits(db, scope).get(feed_id) and not scope.may(Right.MANAGE_TEAM):
        raise NotAllowedError("members see only what is in this feed: who manages the team may change it")


def limiting_fields(db: Session, scope: Scope) -> frozenset[str]:
    """Return what is asked by the feeds to which members or invitations are restricted."""
    limits = _limits(db, scope)
    rows = db.scalars(select(FeedRow).where(FeedRow.workspace_id == scope.workspace_id, FeedRow.id.in_(sorted(limits))))
    return frozenset(one.field for row in rows for one in comparisons(parse_condition(row.condition)))


def _limits(db: Session, scope: Scope) -> dict[int, int]:
    """Return how many memberships and invitations are restricted to each feed."""
    counts: dict[int, int] = {}
    for row in (MembershipRow, InvitationRow):
        for feeds in db.scalars(select(row.feeds).where(row.workspace_id == scope.workspace_id)):
            for feed in feeds or ():
                counts[feed] = counts.get(feed, 0) + 1
    return counts


def _require_free(db: Session, scope: Scope, draft: FeedDraft, own_id: int | None) -> None:
    query = select(FeedRow.id).where(
        FeedRow.workspace_id == scope.workspace_id, FeedRow.folder == draft.folder, FeedRow.name == draft.name
    )
    if any(found != own_id for found in db.scalars(query)):
        raise _refused(Problem("name", draft.name, "a name that no feed of this folder has"))


def _checked(draft: FeedDraft) -> FeedDraft:
    draft = replace(draft, name=" ".join(draft.name.split()), folder=" ".join(draft.folder.split()))
    problems = []
    if not 0 < len(draft.name) <= MAX_NAME or not draft.name.isprintable():
        problems.append(Problem("name", draft.name[:40], f"1 to {MAX_NAME} printable characters"))
    if len(draft.folder) > MAX_FOLDER or not draft.folder.isprintable():
        problems.append(Problem("folder", draft.folder[:40], f"at most {MAX_FOLDER} printable characters"))
    if draft.days not in DAYS:
        problems.append(Problem("days", str(draft.days), "7, 30 or 90"))
    if any(FIELDS[one.field] is FieldKind.FEED for one in comparisons(draft.condition)):
        problems.append(Problem("filter", "feed", "a filter that asks for no feed: feeds do not hold feeds"))
    if any(one.op is Op.MATCHES for one in comparisons(draft.condition)):
        # One that ClickHouse cannot read would take the whole list from whoever is restricted to the feed.
        problems.append(Problem("filter", "matches", "no regular expression: contains, starts and ends say the same"))
    if any(one.field == "owner" and "me" in map(_lower, one.values) for one in comparisons(draft.condition)):
        problems.append(Problem("filter", "me", "a member by name: a feed is the same for everybody"))
    if problems:
        raise _refused(*problems)
    return draft


def _lower(value: Value) -> str:
    return folded(str(value))


def _refused(*problems: Problem) -> InvalidInputError:
    return InvalidInputError("this feed cannot be kept", list(problems))


def _values(draft: FeedDraft) -> dict[str, str | int]:
    return {
        "name": draft.name,
        "folder": draft.folder,
        "condition": text_of(draft.condition),
        "days": draft.days,
        "sorting": str(draft.sorting),
    }


def _feed(row: FeedRow, limits: dict[int, int]) -> Feed:
    return Feed(
        name=row.name,
        condition=parse_condition(row.condition),
        folder=row.folder,
        days=row.days,
        sorting=sorting_of(row.sorting),
        id=FeedId(row.id),
        limits=limits.get(row.id, 0),
    )
