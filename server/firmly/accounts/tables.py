"""The rows of the control plane. A column added here needs a migration beside it.

A member's row holds what the promise on account data (LS2) lists, plus the credential: nothing else.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime
from firmly.accounts.roles import Role

# TRICKY: without AUTOINCREMENT SQLite gives the id of a deleted last row to the next one, and a new
# workspace would then find the events that the warehouse still holds of an old one.
_NEVER_REUSED = {"sqlite_autoincrement": True}

# A closed set is stored by its values, as text: adding a role needs no migration.
_ROLE = Enum(Role, native_enum=False, length=32, values_callable=lambda roles: [role.value for role in roles])


class WorkspaceRow(Base):
    __tablename__ = "workspaces"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MemberRow(Base):
    __tablename__ = "members"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(_ROLE)
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SessionRow(Base):
    """A signed-in browser. ``id`` is the SHA-256 of its token; the token itself is not kept."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SiteRow(Base):
    """A site and its controller's instructions (LO1). An author cannot be deleted from under them."""

    __tablename__ = "sites"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    origins: Mapped[list[str]] = mapped_column(JSON)
    before_consent: Mapped[str] = mapped_column(String(32))
    before_consent_author: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    before_consent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    controller: Mapped[str] = mapped_column(String(200))
    privacy_url: Mapped[str] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(35))
    query_keys: Mapped[list[str]] = mapped_column(JSON)
    goals: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    titles: Mapped[bool]
    retention_days: Mapped[int]
    min_confidence: Mapped[str] = mapped_column(String(32), server_default="high")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrgRuleRow(Base):
    """A workspace's correction of organisations. ``outcome`` is ``organisation`` or a drop reason; the
    five columns after it are empty without an organisation. It outlives its author's membership."""

    __tablename__ = "org_rules"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    matcher: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(String(300))
    country: Mapped[str] = mapped_column(String(2))
    outcome: Mapped[str] = mapped_column(String(32))
    org_name: Mapped[str] = mapped_column(String(200))
    org_kind: Mapped[str] = mapped_column(String(32))
    org_country: Mapped[str] = mapped_column(String(2))
    org_domain: Mapped[str] = mapped_column(String(253))
    subject: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(300))
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SiteChangeRow(Base):
    """One change of a site: the instructions before (``None``: it was made) and after."""

    __tablename__ = "site_changes"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
