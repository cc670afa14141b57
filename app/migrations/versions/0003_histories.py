"""A number for each account that tells whether its history has changed; exports that may hold any number of rows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "histories",
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=False
        ),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.add_column("exports", sa.Column("max_rows", sa.BigInteger()))
    op.execute("UPDATE exports SET max_rows = 100000")


def downgrade() -> None:
    op.drop_column("exports", "max_rows")
    op.drop_table("histories")
