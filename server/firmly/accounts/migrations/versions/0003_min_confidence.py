"""The least confidence with which a site names organisations."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("min_confidence", sa.String(32), nullable=False, server_default="high"))
