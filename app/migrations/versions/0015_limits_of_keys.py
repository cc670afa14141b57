"""Keys may have a limit of their own, which exceeds their account's only where the operator has set it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("rate_limit", sa.Integer()))
    op.add_column("api_keys", sa.Column("limited_by_operator", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("api_keys", "limited_by_operator")
    op.drop_column("api_keys", "rate_limit")
