"""What was seen of the history before an export was asked for, and the revision that its file is of."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Json

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("exports", sa.Column("snapshot_revision", sa.BigInteger()))
    op.add_column("exports", sa.Column("view", Json))


def downgrade() -> None:
    op.drop_column("exports", "view")
    op.drop_column("exports", "snapshot_revision")
