"""What a team says of leads, and its own data about companies, as rows of the control plane.

An organisation is named by the 16 digits of its id, since neither database has whole numbers without a sign.
No column is about a visitor. A column added here needs a migration.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime

_NEVER_REUSED = {"sqlite_autoincrement": True}


class LeadRecordRow(Base):
    """A lead's status, owner and whether it is hidden for everybody; the times say when each was said last.

    ``owner`` is a membership, so that it ends with the member's place in this workspace, not with their account.
    """

    __tablename__ = "lead_records"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    status: Mapped[str | None] = mapped_column(String(32))
    status_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[int | None] = mapped_column(ForeignKey("memberships.id", ondelete="SET NULL"), index=True)
    owner_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_hidden: Mapped[bool]


class LeadTagRow(Base):
    """A lead's tag as it was typed, under the form by which tags are told apart."""

    __tablename__ = "lead_tags"
    __table_args__ = (Index("ix_lead_tags_workspace_id_folded", "workspace_id", "folded"),)

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    folded: Mapped[str] = mapped_column(String(160), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40))


class LeadHiddenRow(Base):
    """A lead that one member does not want to see."""

    __tablename__ = "lead_hidden"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    membership_id: Mapped[int] = mapped_column(
        ForeignKey("memberships.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    org_id: Mapped[str] = mapped_column(String(16), primary_key=True)


class LeadNoteRow(Base):
    """A note about a company. ``author`` is None for a token, whose number is then in ``token``."""

    __tablename__ = "lead_notes"
    __table_args__ = (Index("ix_lead_notes_workspace_id_org_id", "workspace_id", "org_id"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    org_id: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"), index=True)
    token: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LeadChangeRow(Base):
    """One change of a lead's record. ``before`` and ``after`` are words of a closed set, tags, or members' numbers."""

    __tablename__ = "lead_changes"
    __table_args__ = (Index("ix_lead_changes_workspace_id_org_id", "workspace_id", "org_id"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    org_id: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[int | None]
    what: Mapped[str] = mapped_column(String(32))
    before: Mapped[str] = mapped_column(String(1000))
    after: Mapped[str] = mapped_column(String(1000))


class CompanyFactsRow(Base):
    """What the team's own file said of the company with this domain. ``""`` and None: nothing."""

    __tablename__ = "company_facts"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(String(253), primary_key=True)
    industry: Mapped[str] = mapped_column(String(100))
    size: Mapped[str] = mapped_column(String(40))
    icp: Mapped[bool | None]
    owner: Mapped[int | None] = mapped_column(ForeignKey("memberships.id", ondelete="SET NULL"), index=True)
    owner_text: Mapped[str] = mapped_column(String(100))
    crm_id: Mapped[str] = mapped_column(String(100))


class CompanyImportRow(Base):
    """One import: its counts, who made it, whether it was undone, and whether it still can be. The file is not kept."""

    __tablename__ = "company_imports"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(100))
    author: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    may_undo: Mapped[bool]


class CompanyImportChangeRow(Base):
    """What a domain had before an import changed it; None: nothing. It goes when the import is undone."""

    __tablename__ = "company_import_changes"
    __table_args__ = (Index("ix_company_import_changes_workspace_id_domain", "workspace_id", "domain"),)

    import_id: Mapped[int] = mapped_column(ForeignKey("company_imports.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(String(253), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class CompanyUploadRow(Base):
    """A file between its preview and its import: of one session, for an hour at most."""

    __tablename__ = "company_uploads"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    session: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
