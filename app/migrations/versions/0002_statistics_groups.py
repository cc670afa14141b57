"""Statistics that are kept instead of counted; indexes for what the sweep looks for."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Name

revision = "0002"
down_revision = "0001"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EDGES = " ".join(f"WHEN confidence_score < 0.{bin_ + 1} THEN {bin_}" for bin_ in range(9))
_BIN = f"CASE WHEN confidence_score IS NULL THEN -1 {_EDGES} ELSE 9 END"
_UNITS = {
    "sqlite": "CAST(confidence_score * 1000000000.0 + 0.5 AS INTEGER)",
    "postgresql": "floor(confidence_score * 1000000000.0::float8 + 0.5)::bigint",
}
_DAY = {"sqlite": "substr(created_at, 1, 10)", "postgresql": "(created_at AT TIME ZONE 'UTC')::date"}


def upgrade() -> None:
    engine = op.get_bind().dialect.name
    op.create_table(
        "statistics_groups",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source_type", Name, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", "source_type", "type", "status", "bin"),
    )
    op.create_index("ix_descriptions_score", "descriptions", ["account_id", "confidence_score"])
    _partial_index("ix_exports_dirty", "dirty")
    _partial_index("ix_exports_kept", "object_key IS NOT NULL")
    op.execute(
        f"""
        INSERT INTO statistics_groups (account_id, day, source_type, type, status, bin, count, units)
        SELECT account_id, {_DAY[engine]} AS day, source_type, type, status, {_BIN} AS bin,
               count(*), coalesce(sum({_UNITS[engine]}), 0)
        FROM descriptions GROUP BY 1, 2, 3, 4, 5, 6
        """  # noqa: S608
    )


def _partial_index(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "exports", ["completed_at"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_index("ix_exports_kept", "exports")
    op.drop_index("ix_exports_dirty", "exports")
    op.drop_index("ix_descriptions_score", "descriptions")
    op.drop_table("statistics_groups")
