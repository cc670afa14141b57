"""Indexes for the results of an image and of a source, and how much each index of SQLite's narrows.

Many rows have the same value, which keeps the indexes small in PostgreSQL.
"""

from alembic import op

from app.migrations import indexes

revision = "0006"
down_revision = "0005"

_INDEXES = {"ix_descriptions_image": "image_id", "ix_descriptions_source": "source_id"}

# Rows in all, then those with one value of the first column, of the first two … SQLite counts them only when it is told
# to; without, it takes each account for ten rows, and goes through all in their order rather than look up an image's.
_NARROWS = {
    "sqlite_autoindex_descriptions_1": "1000000 500000 1",
    "ix_descriptions_newest": "1000000 500000 2 1 1 1",
    "ix_descriptions_score": "1000000 500000 2000",
    "ix_descriptions_image": "1000000 500000 20",
    "ix_descriptions_source": "1000000 500000 50",
}


def upgrade() -> None:
    for name, column in _INDEXES.items():
        indexes.build(name, "descriptions", ["account_id", column])
    if op.get_context().dialect.name == "sqlite":
        op.execute("ANALYZE sqlite_master")  # makes the table of the statistics, and reads it
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'descriptions'")
        for name, counts in _NARROWS.items():
            op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('descriptions', '{name}', '{counts}')")  # noqa: S608
        op.execute("ANALYZE sqlite_master")


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "descriptions")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'descriptions'")
