"""Corrections of organisations that a workspace's members made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "org_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("matcher", sa.String(32), nullable=False),
        sa.Column("value", sa.String(300), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("org_name", sa.String(200), nullable=False),
        sa.Column("org_kind", sa.String(32), nullable=False),
        sa.Column("org_country", sa.String(2), nullable=False),
        sa.Column("org_domain", sa.String(253), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_org_rules"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_org_rules_workspace_id"),
        sa.ForeignKeyConstraint(["author"], ["members.id"], name="fk_org_rules_author", ondelete="SET NULL"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_org_rules_workspace_id", "org_rules", ["workspace_id"])
