"""Workspaces, members, sessions, sites and the history of sites."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _workspaces()
    _members()
    _sessions()
    _sites()
    _site_changes()


def _workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sqlite_autoincrement=True,
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_members_workspace_id"),
        sa.UniqueConstraint("email", name="uq_members_email"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_members_workspace_id", "members", ["workspace_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_sessions_member_id", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_member_id", "sessions", ["member_id"])


def _sites() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("before_consent", sa.String(32), nullable=False),
        sa.Column("before_consent_author", sa.Integer(), nullable=True),
        sa.Column("before_consent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("controller", sa.String(200), nullable=False),
        sa.Column("privacy_url", sa.String(500), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("query_keys", sa.JSON(), nullable=False),
        sa.Column("goals", sa.JSON(), nullable=False),
        sa.Column("titles", sa.Boolean(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_sites_workspace_id"),
        sa.ForeignKeyConstraint(["before_consent_author"], ["members.id"], name="fk_sites_before_consent_author"),
        sa.UniqueConstraint("key", name="uq_sites_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sites_workspace_id", "sites", ["workspace_id"])


def _site_changes() -> None:
    op.create_table(
        "site_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_changes"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_site_changes_site_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_site_changes_member_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_site_changes_site_id", "site_changes", ["site_id"])
