"""An index of the results that were reviewed: few, so that recording does not feel it."""

from alembic import op

from app.migrations import indexes

revision = "0014"
down_revision = "0013"

_NAME, _TABLE, _WHERE = "ix_descriptions_reviewed", "descriptions", "review_state IS NOT NULL"
_COLUMNS = ["account_id", "review_state", "created_at", "id", "source_type", "confidence_score"]

# What SQLite is told of it, as in revision 0006.
_NARROWS = "100000 50000 15000 2 1 1 1"


def upgrade() -> None:
    indexes.build(_NAME, _TABLE, _COLUMNS, include=["status"], where=_WHERE)
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{_TABLE}', '{_NAME}', '{_NARROWS}')")  # noqa: S608
        op.execute("ANALYZE sqlite_master")


def downgrade() -> None:
    op.drop_index(_NAME, _TABLE)
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"DELETE FROM sqlite_stat1 WHERE idx = '{_NAME}'")  # noqa: S608
