"""What differs between PostgreSQL and SQLite, and nothing else does.

Column types and SQL functions that mean the same on both engines.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import JSON, BigInteger, Connection, DateTime, Dialect, String, Table, Text, types
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from app import jsontext


class Timestamp(types.TypeDecorator[datetime]):
    """A moment, in microseconds: `timestamptz`, or text of one width that sorts (`2025-01-15T10:30:00.000000Z`)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


Name = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and sorted by its bytes."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; `None` is NULL. In SQLite the canonical text, see `jsontext`."""


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts those rows whose primary key is not there yet, in their order; how many those were."""
    if connection.dialect.name == "sqlite":
        return connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows).rowcount
    names = [column.name for column in table.columns]
    is_json = [isinstance(column.type, JSON) for column in table.columns]
    listed, incoming = ", ".join(names), f"incoming_{table.name}"
    key = ", ".join(column.name for column in table.primary_key)
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {incoming} (LIKE {table.name}) ON COMMIT DELETE ROWS".encode())
        with cursor.copy(f"COPY {incoming} ({listed}) FROM STDIN".encode()) as copy:
            for row in rows:
                values = [row[name] for name in names]
                copy.write_row(
                    [
                        jsontext.canonical(value) if json and value is not None else value
                        for json, value in zip(is_json, values, strict=True)
                    ]
                )
        select = f"SELECT {listed} FROM {incoming} ORDER BY {key}"  # noqa: S608
        cursor.execute(f"INSERT INTO {table.name} ({listed}) {select} ON CONFLICT DO NOTHING".encode())
        return cursor.rowcount


class day(GenericFunction[str]):  # noqa: N801
    """The UTC day of a moment, `YYYY-MM-DD`."""

    type = Text()
    inherit_cache = True


class iso(GenericFunction[str]):  # noqa: N801
    """The moment as `times.iso` prints it."""

    type = Text()
    inherit_cache = True


class compact(GenericFunction[str]):  # noqa: N801
    """The canonical text of a JSON column, as text."""

    type = Text()
    inherit_cache = True


class whole(GenericFunction[int]):  # noqa: N801
    """The whole part of a number that is not negative."""

    type = BigInteger()
    inherit_cache = True


class clock(GenericFunction[datetime]):  # noqa: N801
    """The database's own time, one for all processes whatever their machines' clocks say."""

    type = Timestamp()
    inherit_cache = True


@compiles(day, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 10)"


@compiles(day, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


@compiles(iso, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return _without_zeros(compiler.process(element.clauses, **kw))


@compiles(iso, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    moment = compiler.process(element.clauses, **kw)
    return _without_zeros(f"""to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""")


@compiles(compact, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(compact, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # The text of jsonb has a space after each comma and colon; whole strings are matched first and kept.
    text = f"({compiler.process(element.clauses, **kw)})::text"
    return rf"""regexp_replace({text}, '("(?:[^"\\]|\\.)*")|([,:]) ', '\1\2', 'g')"""


@compiles(whole, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS INTEGER)"


@compiles(whole, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"floor({compiler.process(element.clauses, **kw)})::bigint"


@compiles(clock, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"


@compiles(clock, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


def _without_zeros(text: str) -> str:
    return f"replace(replace({text}, '.000000Z', 'Z'), '000Z', 'Z')"
