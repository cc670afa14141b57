"""The index in order of time holds what most filters look at, so that they need not look at the rows."""

from alembic import op

revision = "0004"
down_revision = "0003"

_NEWEST = ["account_id", "created_at", "id"]


def upgrade() -> None:
    op.drop_index("ix_descriptions_newest", "descriptions")
    op.create_index("ix_descriptions_newest", "descriptions", [*_NEWEST, "source_type", "confidence_score"])


def downgrade() -> None:
    op.drop_index("ix_descriptions_newest", "descriptions")
    op.create_index("ix_descriptions_newest", "descriptions", _NEWEST)
