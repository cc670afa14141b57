"""How the file of an export is packed. A process of the version before, which does not know it, asks for none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("exports", sa.Column("compression", sa.String(), nullable=False, server_default="none"))


def downgrade() -> None:
    op.drop_column("exports", "compression")
