"""An index by confidence that knows what was reviewed: the queue skips those in it, and looks up none of their rows.

It does all that the one without did, which goes.
"""

from alembic import op

from app.migrations import indexes

revision = "0016"
down_revision = "0015"

_TABLE = "descriptions"
_OLD, _NEW = "ix_descriptions_confidence", "ix_descriptions_certainty"
_COLUMNS = ["account_id", "confidence_score", "created_at", "id"]


def upgrade() -> None:
    indexes.build(_NEW, _TABLE, [*_COLUMNS, "review_state"])
    indexes.drop(_OLD, _TABLE)
    _tell_sqlite(_NEW, "1000000 500000 2000 1 1 1")


def downgrade() -> None:
    indexes.build(_OLD, _TABLE, _COLUMNS)
    indexes.drop(_NEW, _TABLE)
    _tell_sqlite(_OLD, "1000000 500000 2000 1 1")


def _tell_sqlite(name: str, narrows: str) -> None:
    """How much the index narrows, as 0006 has it of the others."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{_TABLE}', '{name}', '{narrows}')")  # noqa: S608
        op.execute("ANALYZE sqlite_master")
