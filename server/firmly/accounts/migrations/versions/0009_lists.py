"""Feeds, the weights of the score, and the columns that members choose."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("sorting", sa.String(32), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sa.UniqueConstraint("workspace_id", "folder", "name", name="uq_feeds_workspace_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_feeds_workspace_id"),
        sa.ForeignKeyConstraint(["author"], ["members.id"], name="fk_feeds_author", ondelete="SET NULL"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "scorings",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("ideal", sa.Text(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_scorings"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scorings_workspace_id"),
        sa.ForeignKeyConstraint(["author"], ["members.id"], name="fk_scorings_author", ondelete="SET NULL"),
    )
    op.create_table(
        "list_columns",
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("membership_id", name="pk_list_columns"),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name="fk_list_columns_membership_id", ondelete="CASCADE"
        ),
    )
