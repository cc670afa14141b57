"""The index of scores is in the order of lists by confidence, so that a page of them is where its cursor points."""

from alembic import op

from app.migrations import indexes

revision = "0012"
down_revision = "0011"

_NAME, _TABLE = "ix_descriptions_score", "descriptions"


def upgrade() -> None:
    indexes.replace(_NAME, _TABLE, ["account_id", "confidence_score", "created_at", "id"])
    _tell_sqlite("1000000 500000 2000 1 1")


def downgrade() -> None:
    indexes.replace(_NAME, _TABLE, ["account_id", "confidence_score"])
    _tell_sqlite("1000000 500000 2000")


def _tell_sqlite(narrows: str) -> None:
    """How much the index narrows, as 0006 has it, which is forgotten with the index that was."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"DELETE FROM sqlite_stat1 WHERE idx = '{_NAME}'")  # noqa: S608
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{_TABLE}', '{_NAME}', '{narrows}')")  # noqa: S608
        op.execute("ANALYZE sqlite_master")
