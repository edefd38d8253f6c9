"""The rows of the control plane. A column added here needs a migration beside it.

A member's row and their membership hold what the promise on account data (LS2) lists, plus credentials.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, Enum, ForeignKey, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime
from firmly.accounts.roles import Role

# TRICKY: without AUTOINCREMENT SQLite gives the id of a deleted last row to the next one, and a new
# workspace would then find the events that the warehouse still holds of an old one.
_NEVER_REUSED = {"sqlite_autoincrement": True}

# A closed set is stored by its values, as text: adding a role needs no migration.
_ROLE = Enum(Role, native_enum=False, length=32, values_callable=lambda roles: [role.value for role in roles])


class WorkspaceRow(Base):
    """A customer: one controller, with what a bill needs (LS3). ``state`` is a `workspaces.State`."""

    __tablename__ = "workspaces"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    controller: Mapped[str] = mapped_column(String(200), server_default=text("''"))
    contact: Mapped[str] = mapped_column(String(254), server_default=text("''"))
    region: Mapped[str] = mapped_column(String(100), server_default=text("''"))
    plan: Mapped[str] = mapped_column(String(100), server_default=text("''"))
    vat_id: Mapped[str] = mapped_column(String(20), server_default=text("''"))
    billing_address: Mapped[str] = mapped_column(String(500), server_default=text("''"))
    billing_reference: Mapped[str] = mapped_column(String(100), server_default=text("''"))
    state: Mapped[str] = mapped_column(String(32), server_default="active")
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    requires_second_factor: Mapped[bool] = mapped_column(server_default=false())
    counts_usage: Mapped[bool] = mapped_column(server_default=true())
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberRow(Base):
    """A person who signs in. ``last_seen_on`` and ``warned_on`` are for accounts that nobody uses (LD5)."""

    __tablename__ = "members"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_on: Mapped[date | None] = mapped_column(Date)
    warned_on: Mapped[date | None] = mapped_column(Date)


class MembershipRow(Base):
    """A member's place in a workspace. ``feeds``: the only ones they may see, None for all."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("workspace_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(_ROLE)
    feeds: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InvitationRow(Base):
    """An invitation that nobody accepted yet. The link's secret is kept as its SHA-256."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("workspace_id", "email"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role] = mapped_column(_ROLE)
    feeds: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SecondFactorRow(Base):
    """A member's TOTP secret, encrypted with the installation's key. It counts once it is confirmed."""

    __tablename__ = "second_factors"

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    sealed_secret: Mapped[str] = mapped_column(String(500))
    last_step: Mapped[int] = mapped_column(BigInteger)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCodeRow(Base):
    """A recovery code that is not used yet, as its SHA-256: 80 random bits leave nothing to guess."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)


class ProviderIdentityRow(Base):
    """Who a member is at the sign-in provider: the SHA-256 of issuer and subject."""

    __tablename__ = "provider_identities"

    subject_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SessionRow(Base):
    """A signed-in browser. ``id`` is the SHA-256 of its token; the token itself is not kept.

    ``ref`` names it in lists and in the audit log. ``browser`` holds families only, such as
    "Firefox, Windows". A session that waits for the second factor may do nothing else.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ref: Mapped[str] = mapped_column(String(16), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspaces.id"))
    waits_for_second_factor: Mapped[bool]
    browser: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiTokenRow(Base):
    """A bearer token of a workspace as its SHA-256, with its last characters to be recognised by."""

    __tablename__ = "api_tokens"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(8))
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEntryRow(Base):
    """One entry of a workspace's audit log (LO3). Only ever appended; each holds the digest of the one before.

    It names members by number only, so that the chain stays whole when a person is erased.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("workspace_id", "number"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None]
    session: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(40))
    object: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class DisclosureRow(Base):
    """Something that was given out because the law asked for it (LP6). Only ever appended."""

    __tablename__ = "disclosures"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    day: Mapped[date] = mapped_column(Date)
    asked_by: Mapped[str] = mapped_column(String(200))
    basis: Mapped[str] = mapped_column(String(300))
    given: Mapped[str] = mapped_column(String(2000))
    author: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LetterRow(Base):
    """One mail that left or should have left (LS5): never its body."""

    __tablename__ = "letters"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspaces.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    template: Mapped[str] = mapped_column(String(40))
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[str] = mapped_column(String(200))


class LetterWishRow(Base):
    """Whether a member wants a kind of letter of a workspace; without a row the kind's default holds."""

    __tablename__ = "letter_wishes"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    template: Mapped[str] = mapped_column(String(40), primary_key=True)
    is_wanted: Mapped[bool]


class UsageRow(Base):
    """How often a feature was used in a workspace on a day (LS4): by nobody in particular."""

    __tablename__ = "usage"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    feature: Mapped[str] = mapped_column(String(40), primary_key=True)
    uses: Mapped[int]


class SiteRow(Base):
    """A site and its controller's instructions (LO1). An author's number stays when the member is gone."""

    __tablename__ = "sites"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    origins: Mapped[list[str]] = mapped_column(JSON)
    before_consent: Mapped[str] = mapped_column(String(32))
    before_consent_author: Mapped[int | None]
    before_consent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    controller: Mapped[str] = mapped_column(String(200))
    privacy_url: Mapped[str] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(35))
    query_keys: Mapped[list[str]] = mapped_column(JSON)
    goals: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    titles: Mapped[bool]
    retention_days: Mapped[int]
    min_confidence: Mapped[str] = mapped_column(String(32), server_default="high")
    jurisdiction: Mapped[str] = mapped_column(String(32), server_default="strictest")
    staff_networks: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    banner: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
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
    member_id: Mapped[int | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
