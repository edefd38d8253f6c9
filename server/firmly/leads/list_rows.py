"""How a team looks at its leads, as rows of the control plane. A column added here needs a migration."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime


class FeedRow(Base):
    """A saved filter. Its id is never given to another: memberships that are restricted to feeds name them by it."""

    __tablename__ = "feeds"
    __table_args__ = (
        UniqueConstraint("workspace_id", "folder", "name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    folder: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(100))
    condition: Mapped[str] = mapped_column(Text)
    days: Mapped[int]
    sorting: Mapped[str] = mapped_column(String(32))
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScoringRow(Base):
    """A workspace's weights of the score and its ideal customer; without a row the usual ones hold, and nobody is."""

    __tablename__ = "scorings"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    weights: Mapped[dict[str, Any]] = mapped_column(JSON)
    ideal: Mapped[str] = mapped_column(Text)
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ListColumnsRow(Base):
    """The columns of the list that a member chose in a workspace, in their order."""

    __tablename__ = "list_columns"

    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id", ondelete="CASCADE"), primary_key=True)
    columns: Mapped[list[str]] = mapped_column(JSON)
