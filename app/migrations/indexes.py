"""Indexes that are built beside whoever reads and writes, which takes PostgreSQL two passes and no long lock."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import TextClause, text

_PARTITIONS = """SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass(:table) AND relispartition ORDER BY 1"""
_BROKEN = "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)"


def build(
    name: str, table: str, columns: Sequence[str], *, include: Sequence[str] = (), where: str | None = None
) -> None:
    """Commits what the revision did before, so let it do nothing before. When this broke off, it can be done again."""
    if op.get_context().dialect.name == "sqlite":
        op.create_index(name, table, columns, sqlite_where=_condition(where), if_not_exists=True)
        return
    with op.get_context().autocommit_block():
        partitions = op.get_bind().scalars(text(_PARTITIONS), {"table": table}).all()
        if not partitions:
            _build_beside(name, table, columns, include, where)
            return
        listed, included = ", ".join(columns), f" INCLUDE ({', '.join(include)})" if include else ""
        included += f" WHERE {where}" if where else ""
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} ({listed}){included}")
        for partition in partitions:
            _build_beside(f"{partition}_{name}", partition, columns, include, where)
            op.execute(f"ALTER INDEX {name} ATTACH PARTITION {partition}_{name}")


def replace(name: str, table: str, columns: Sequence[str], *, include: Sequence[str] = ()) -> None:
    """Another index under the same name. The old one goes when the new one is there."""
    if op.get_context().dialect.name == "sqlite":
        op.drop_index(name, table)
        op.create_index(name, table, columns)
        return
    build(f"{name}_new", table, columns, include=include)
    op.drop_index(name, table)
    op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")


def drop(name: str, table: str) -> None:
    """Commits what the revision did before, as `build` does. On a partitioned table it waits for who reads there."""
    if op.get_context().dialect.name == "sqlite":
        op.drop_index(name, table, if_exists=True)
        return
    with op.get_context().autocommit_block():
        partitioned = bool(op.get_bind().scalars(text(_PARTITIONS), {"table": table}).all())
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=not partitioned)


def _build_beside(name: str, table: str, columns: Sequence[str], include: Sequence[str], where: str | None) -> None:
    if op.get_bind().scalar(text(_BROKEN), {"name": name}):  # by an earlier build that broke off
        op.execute(f"DROP INDEX CONCURRENTLY {name}")
    op.create_index(
        *(name, table, columns),
        postgresql_include=include,
        postgresql_where=_condition(where),
        postgresql_concurrently=True,
        if_not_exists=True,
    )


def _condition(where: str | None) -> TextClause | None:
    return None if where is None else text(where)
