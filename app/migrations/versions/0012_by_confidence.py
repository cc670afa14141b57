"""An index of scores that is in the order of lists by confidence, so that a page of them lies where its cursor points.

It does all that the one of scores alone did, which goes.
"""

from alembic import op

from app.migrations import indexes

revision = "0012"
down_revision = "0011"

_TABLE = "descriptions"
_OLD, _NEW = "ix_descriptions_score", "ix_descriptions_confidence"


def upgrade() -> None:
    indexes.build(_NEW, _TABLE, ["account_id", "confidence_score", "created_at", "id"])
    indexes.drop(_OLD, _TABLE)
    _tell_sqlite(_NEW, "1000000 500000 2000 1 1")


def downgrade() -> None:
    indexes.build(_OLD, _TABLE, ["account_id", "confidence_score"])
    indexes.drop(_NEW, _TABLE)
    _tell_sqlite(_OLD, "1000000 500000 2000")


def _tell_sqlite(name: str, narrows: str) -> None:
    """How much the index narrows, as 0006 has it of the others."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{_TABLE}', '{name}', '{narrows}')")  # noqa: S608
        op.execute("ANALYZE sqlite_master")
