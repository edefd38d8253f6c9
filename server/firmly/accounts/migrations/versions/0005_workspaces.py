"""Many customers: memberships apart from members, invitations, second factors, tokens, audit log, letters.

Every session ends: a session now belongs to a workspace and may wait for a second factor.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.drop_table("sessions")
    _workspaces()
    _memberships()
    _authors()
    _sites()
    _invitations()
    _credentials()
    _sessions()
    _api_tokens()
    _audit_entries()
    _letters()
    _usage()
    _disclosures()


def _workspaces() -> None:
    for name, length in (
        ("controller", 200),
        ("contact", 254),
        ("region", 100),
        ("plan", 100),
        ("vat_id", 20),
        ("billing_address", 500),
        ("billing_reference", 100),
    ):
        op.add_column("workspaces", sa.Column(name, sa.String(length), nullable=False, server_default=sa.text("''")))
    op.add_column("workspaces", sa.Column("state", sa.String(32), nullable=False, server_default="active"))
    op.add_column("workspaces", sa.Column("cancelled_at", _TIME, nullable=True))
    op.add_column(
        "workspaces", sa.Column("requires_second_factor", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("workspaces", sa.Column("counts_usage", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("workspaces", sa.Column("reported_at", _TIME, nullable=True))


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("feeds", sa.JSON(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_memberships_workspace_id"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_memberships_member_id", ondelete="CASCADE"),
        sa.UniqueConstraint("workspace_id", "member_id", name="uq_memberships_workspace_id"),
    )
    op.create_index("ix_memberships_member_id", "memberships", ["member_id"])
    op.execute(
        "insert into memberships (workspace_id, member_id, role, created_at) "
        "select workspace_id, id, role, created_at from members order by id"
    )
    op.add_column("members", sa.Column("last_seen_on", sa.Date(), nullable=True))
    op.add_column("members", sa.Column("warned_on", sa.Date(), nullable=True))
    op.drop_index("ix_members_workspace_id", "members")
    _drop_columns("members", "fk_members_workspace_id", "workspace_id", "role")


def _authors() -> None:
    """Authors stay as numbers when their membership has ended: no key holds the member's row."""
    _drop_columns("sites", "fk_sites_before_consent_author")
    _drop_columns("site_changes", "fk_site_changes_member_id")


def _drop_columns(table: str, constraint: str, *columns: str) -> None:
    """Drop a foreign key and columns. SQLite makes the table anew and would forget the highest id it gave."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    highest = _highest_id(table) if is_sqlite else None
    with op.batch_alter_table(table, table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(constraint, type_="foreignkey")
        for column in columns:
            batch.drop_column(column)
    if highest is not None:
        values = {"name": table, "seq": highest}
        op.get_bind().execute(sa.text("delete from sqlite_sequence where name = :name"), values)
        op.get_bind().execute(sa.text("insert into sqlite_sequence (name, seq) values (:name, :seq)"), values)


def _highest_id(table: str) -> int | None:
    said = sa.text("select seq from sqlite_sequence where name = :name")
    return op.get_bind().execute(said, {"name": table}).scalar()


def _sites() -> None:
    op.add_column("sites", sa.Column("jurisdiction", sa.String(32), nullable=False, server_default="strictest"))
    op.add_column("sites", sa.Column("staff_networks", sa.JSON(), nullable=False, server_default="[]"))


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("feeds", sa.JSON(), nullable=True),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("invited_by", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_invitations_workspace_id"),
        sa.ForeignKeyConstraint(["invited_by"], ["members.id"], name="fk_invitations_invited_by", ondelete="SET NULL"),
        sa.UniqueConstraint("workspace_id", "email", name="uq_invitations_workspace_id"),
        sa.UniqueConstraint("secret_hash", name="uq_invitations_secret_hash"),
        sqlite_autoincrement=True,
    )


def _credentials() -> None:
    op.create_table(
        "second_factors",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.String(500), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("member_id", name="pk_second_factors"),
        _of_member("second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
        _of_member("recovery_codes"),
    )
    op.create_index("ix_recovery_codes_member_id", "recovery_codes", ["member_id"])
    op.create_table(
        "provider_identities",
        sa.Column("subject_hash", sa.String(64), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("linked_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name="pk_provider_identities"),
        _of_member("provider_identities"),
    )
    op.create_index("ix_provider_identities_member_id", "provider_identities", ["member_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("ref", sa.String(16), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=True),
        sa.Column("waits_for_second_factor", sa.Boolean(), nullable=False),
        sa.Column("browser", sa.String(60), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("ref", name="uq_sessions_ref"),
        _of_member("sessions"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_sessions_workspace_id"),
    )
    op.create_index("ix_sessions_member_id", "sessions", ["member_id"])


def _api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(8), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_api_tokens_workspace_id"),
        sa.ForeignKeyConstraint(["author"], ["members.id"], name="fk_api_tokens_author", ondelete="SET NULL"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_tokens_workspace_id", "api_tokens", ["workspace_id"])


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("session", sa.String(16), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("object", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_audit_entries_workspace_id"),
        sa.UniqueConstraint("workspace_id", "number", name="uq_audit_entries_workspace_id"),
        sqlite_autoincrement=True,
    )


def _letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=True),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("result", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_letters_workspace_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_letters_workspace_id", "letters", ["workspace_id"])
    op.create_table(
        "letter_wishes",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "member_id", "template", name="pk_letter_wishes"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_letter_wishes_workspace_id"),
        _of_member("letter_wishes"),
    )


def _usage() -> None:
    op.create_table(
        "usage",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("feature", sa.String(40), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "day", "feature", name="pk_usage"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_usage_workspace_id"),
    )


def _disclosures() -> None:
    op.create_table(
        "disclosures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(300), nullable=False),
        sa.Column("given", sa.String(2000), nullable=False),
        sa.Column("author", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_disclosures"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_disclosures_workspace_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_disclosures_workspace_id", "disclosures", ["workspace_id"])


def _of_member(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=f"fk_{table}_member_id", ondelete="CASCADE")
