"""Reviews of results. The newest one is told in the row of its result too, so that filters and pages need no join.

To add the columns changes no row. Their index is a revision of its own, as to build it commits.
"""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Json, Name, Timestamp

revision = "0013"
down_revision = "0012"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("description_id", Name, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("verdict", Name, nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("key_prefix", Name, nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "description_id", "number"),
    )
    op.add_column("descriptions", sa.Column("review_state", Name))
    op.add_column("descriptions", sa.Column("review", Json))


def downgrade() -> None:
    op.drop_column("descriptions", "review")
    op.drop_column("descriptions", "review_state")
    op.drop_table("reviews")
