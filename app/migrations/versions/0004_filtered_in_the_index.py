"""The index in order of time holds what most filters look at, so that they need not look at the rows."""

from app.migrations import indexes

revision = "0004"
down_revision = "0003"

_NAME, _TABLE = "ix_descriptions_newest", "descriptions"
_NEWEST = ["account_id", "created_at", "id"]


def upgrade() -> None:
    indexes.replace(_NAME, _TABLE, [*_NEWEST, "source_type", "confidence_score"], include=["status"])


def downgrade() -> None:
    indexes.replace(_NAME, _TABLE, _NEWEST)
