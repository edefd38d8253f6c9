"""What each site's banner asks for, and how it looks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("banner", sa.JSON(), nullable=False, server_default="{}"))
