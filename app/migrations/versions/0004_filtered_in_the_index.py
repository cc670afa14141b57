"""The index in order of time holds what most filters look at, so that they need not look at the rows."""

from collections.abc import Sequence

from alembic import op

revision = "0004"
down_revision = "0003"

_NAME, _OLD = "ix_descriptions_newest", "ix_descriptions_newest_old"
_NEWEST = ["account_id", "created_at", "id"]


def upgrade() -> None:
    _replace([*_NEWEST, "source_type", "confidence_score"], ["status"])


def downgrade() -> None:
    _replace(_NEWEST, [])


def _replace(columns: Sequence[str], included: Sequence[str]) -> None:
    """The old one goes last, since that keeps readers out until the transaction ends; building does not."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {_NAME} RENAME TO {_OLD}")
        op.create_index(_NAME, "descriptions", columns, postgresql_include=included)
        op.drop_index(_OLD, "descriptions")
    else:
        op.drop_index(_NAME, "descriptions")
        op.create_index(_NAME, "descriptions", columns)
