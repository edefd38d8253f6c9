"""The consent log: entries, the tree above them, signed heads and checkpoints.

Records from before it stay as they are, without a place in the log, until a site's first append seals them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("banner_versions", sa.Column("script", sa.String(64), nullable=False, server_default=sa.text("''")))
    op.add_column("consent_records", sa.Column("sequence", sa.Integer(), nullable=True))
    _record_indexes()
    _entries()
    _nodes()
    _logs()
    _checkpoints()


def _record_indexes() -> None:
    op.create_index("ix_consent_records_site_id_sequence", "consent_records", ["site_id", "sequence"], unique=True)
    for columns in (["site_id", "receipt_hash", "id"], ["site_id", "banner", "expires_on"], ["site_id", "expires_on"]):
        op.create_index(f"ix_consent_records_{'_'.join(columns)}", "consent_records", columns)
    # On a column alone they were taken for a visitor's records, and the whole site was read.
    op.drop_index("ix_consent_records_site_id", "consent_records")
    op.drop_index("ix_consent_records_receipt_hash", "consent_records")


def _entries() -> None:
    op.create_table(
        "consent_entries",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("minute", _TIME, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("link_commitment", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("nonce", sa.String(64), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("link_nonce", sa.String(64), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "sequence", name="pk_consent_entries"),
        _of_site("consent_entries"),
    )
    op.create_index("ix_consent_entries_site_id_expires_on", "consent_entries", ["site_id", "expires_on"])


def _nodes() -> None:
    op.create_table(
        "consent_nodes",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "level", "position", name="pk_consent_nodes"),
        _of_site("consent_nodes"),
    )


def _logs() -> None:
    op.create_table(
        "consent_logs",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("minute", _TIME, nullable=False),
        sa.Column("last", sa.String(64), nullable=False),
        sa.Column("peaks", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("signature", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_consent_logs"),
        _of_site("consent_logs"),
    )


def _checkpoints() -> None:
    op.create_table(
        "consent_checkpoints",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("last", sa.String(64), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("public", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "day", name="pk_consent_checkpoints"),
        _of_site("consent_checkpoints"),
    )


def _of_site(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=f"fk_{table}_site_id")
