"""What was erased is known by its id, and an account that was deleted by its number."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Name, Timestamp

revision = "0018"
down_revision = "0017"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("key_prefix", Name),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index("ix_erased_at", "erased", ["account_id", "at", "id"])
    op.add_column("descriptions", sa.Column("replaced_at", Timestamp()))
    op.add_column("histories", sa.Column("deleted_at", Timestamp()))


def downgrade() -> None:
    op.drop_column("histories", "deleted_at")
    op.drop_column("descriptions", "replaced_at")
    op.drop_table("erased")
