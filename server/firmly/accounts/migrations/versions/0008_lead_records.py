"""What teams say of leads, and their own data about companies."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _records()
    _tags()
    _hidden()
    _notes()
    _changes()
    _facts()
    _imports()
    _uploads()


def _records() -> None:
    op.create_table(
        "lead_records",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(16), nullable=False),
        sa.Column("status", sa.String(32), nullable=True),
        sa.Column("status_at", _TIME, nullable=True),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("owner_at", _TIME, nullable=True),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "org_id", name="pk_lead_records"),
        _of_workspace("lead_records"),
        _to("memberships", "lead_records", "owner", "SET NULL"),
    )
    op.create_index("ix_lead_records_owner", "lead_records", ["owner"])


def _tags() -> None:
    op.create_table(
        "lead_tags",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(16), nullable=False),
        sa.Column("folded", sa.String(160), nullable=False),
        sa.Column("tag", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "org_id", "folded", name="pk_lead_tags"),
        _of_workspace("lead_tags"),
    )
    op.create_index("ix_lead_tags_workspace_id_folded", "lead_tags", ["workspace_id", "folded"])


def _hidden() -> None:
    op.create_table(
        "lead_hidden",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "membership_id", "org_id", name="pk_lead_hidden"),
        _of_workspace("lead_hidden"),
        _to("memberships", "lead_hidden", "membership_id", "CASCADE"),
    )
    op.create_index("ix_lead_hidden_membership_id", "lead_hidden", ["membership_id"])


def _notes() -> None:
    op.create_table(
        "lead_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lead_notes"),
        _of_workspace("lead_notes"),
        _to("members", "lead_notes", "author", "SET NULL"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lead_notes_author", "lead_notes", ["author"])
    op.create_index("ix_lead_notes_workspace_id_org_id", "lead_notes", ["workspace_id", "org_id"])


def _changes() -> None:
    op.create_table(
        "lead_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(16), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("before", sa.String(1000), nullable=False),
        sa.Column("after", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lead_changes"),
        _of_workspace("lead_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lead_changes_workspace_id_org_id", "lead_changes", ["workspace_id", "org_id"])


def _facts() -> None:
    op.create_table(
        "company_facts",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("industry", sa.String(100), nullable=False),
        sa.Column("size", sa.String(40), nullable=False),
        sa.Column("icp", sa.Boolean(), nullable=True),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("owner_text", sa.String(100), nullable=False),
        sa.Column("crm_id", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "domain", name="pk_company_facts"),
        _of_workspace("company_facts"),
        _to("memberships", "company_facts", "owner", "SET NULL"),
    )
    op.create_index("ix_company_facts_owner", "company_facts", ["owner"])


def _imports() -> None:
    op.create_table(
        "company_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(100), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("added", "changed", "unchanged", "refused")),
        sa.Column("undone_at", _TIME, nullable=True),
        sa.Column("may_undo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_company_imports"),
        _of_workspace("company_imports"),
        _to("members", "company_imports", "author", "SET NULL"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_company_imports_author", "company_imports", ["author"])
    op.create_index("ix_company_imports_workspace_id", "company_imports", ["workspace_id"])
    op.create_table(
        "company_import_changes",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "domain", name="pk_company_import_changes"),
        _of_workspace("company_import_changes"),
        _to("company_imports", "company_import_changes", "import_id", None),
    )
    columns = ["workspace_id", "domain"]
    op.create_index("ix_company_import_changes_workspace_id_domain", "company_import_changes", columns)


def _uploads() -> None:
    op.create_table(
        "company_uploads",
        sa.Column("id", sa.String(43), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("session", sa.String(16), nullable=False),
        sa.Column("file_name", sa.String(100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_company_uploads"),
        _of_workspace("company_uploads"),
    )
    op.create_index("ix_company_uploads_workspace_id", "company_uploads", ["workspace_id"])


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    return _to("workspaces", table, "workspace_id", None)


def _to(other: str, table: str, column: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)
