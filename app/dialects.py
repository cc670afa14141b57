"""What differs between PostgreSQL and SQLite, and nothing else does.

Column types and SQL functions that mean the same on both engines.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Date,
    DateTime,
    Dialect,
    String,
    Table,
    Text,
    select,
    text,
    types,
)
from sqlalchemy.dialects import postgresql, sqlite
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
        return stored(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return moment(value)


class Several(types.TypeDecorator[list[Any]]):
    """A list of values as one parameter, for `is_one_of`: an array, or the text of a JSON array."""

    impl = Text
    cache_ok = True

    def __init__(self, item: types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.ARRAY(self.item))

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        return stored(value) if dialect.name == "sqlite" else value


def stored(value: Any) -> Any:
    """A value of a parameter as SQLite keeps it."""
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case date():
            return value.isoformat()
        case list():
            return json.dumps(value)
    return value


def moment(value: Any) -> datetime | None:
    """A time as either engine's driver gives it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Name = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and sorted by its bytes."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; `None` is NULL. In SQLite the canonical text, see `jsontext`."""


@compiles(JSON, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "TEXT"  # a column declared as JSON has numeric affinity: SQLite would turn the text 1.50 into a number


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Inserts those rows of one account whose id is not there yet, in their order; the ids of those."""
    if connection.dialect.name == "sqlite":
        # The transaction holds the only right to write, so what is known now is known until it ends.
        ids = [row["id"] for row in rows]
        known = select(table.c.id).where(table.c.account_id == rows[0]["account_id"], table.c.id.in_(ids))
        known_ids = set(connection.scalars(known))
        new = [row for row in rows if row["id"] not in known_ids]
        if new:
            connection.execute(table.insert(), new)
        return [row["id"] for row in new]
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
                        jsontext.dumps(value).decode() if json and value is not None else value
                        for json, value in zip(is_json, values, strict=True)
                    ]
                )
        select_ = f"SELECT {listed} FROM {incoming} ORDER BY {key}"  # noqa: S608
        cursor.execute(f"INSERT INTO {table.name} ({listed}) {select_} ON CONFLICT DO NOTHING RETURNING id".encode())
        return [id for (id,) in cursor.fetchall()]


def add_up(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts the rows, or adds their numbers to those of the row that has the same primary key."""
    if not rows:
        return
    insert = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name].insert(table)
    numbers = {column.name: column + insert.excluded[column.name] for column in table.columns if not column.primary_key}
    statement = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=numbers)
    names = [column.name for column in table.columns]
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def lock(connection: Connection, table: str) -> None:
    """Nobody else writes the table until the transaction ends. (In SQLite nobody does anyway.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))


class day(GenericFunction[date]):  # noqa: N801
    """The UTC day of a moment."""

    type = Date()
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


class is_one_of(GenericFunction[bool]):  # noqa: N801
    """Whether the first is one of `Several` values."""

    type = Boolean()
    inherit_cache = True


class json_object(GenericFunction[str]):  # noqa: N801
    """The text of a JSON object, from its keys and values in turn. Values are texts, or one of the next two."""

    type = Text()
    inherit_cache = True


class json_value(GenericFunction[Any]):  # noqa: N801
    """A JSON column as a value in `json_object`."""

    inherit_cache = True


class json_number(GenericFunction[Any]):  # noqa: N801
    """A column of numbers as a value in `json_object`, so that they read back the same."""

    inherit_cache = True


class joined(GenericFunction[str]):  # noqa: N801
    """The texts of all rows, in their order, and another text between them."""

    type = Text()
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
    return f"({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC')::date"


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


@compiles(is_one_of, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    value, several = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{value} IN (SELECT value FROM json_each({several}))"  # noqa: S608


@compiles(is_one_of, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    value, several = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{value} = ANY ({several})"


@compiles(json_object, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **kw)})"


@compiles(json_object, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_object({compiler.process(element.clauses, **kw)})::text"


@compiles(json_value, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json({compiler.process(element.clauses, **kw)})"


@compiles(json_value, "postgresql")
@compiles(json_number, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(json_number, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # json_object writes 15 digits, which is not enough for all numbers, and 17 are too many for most.
    number = compiler.process(element.clauses, **kw)
    short, long = (f"printf('%!.{digits}g', {number})" for digits in (15, 17))
    return f"CASE WHEN {number} IS NOT NULL THEN json(iif(CAST({short} AS REAL) = {number}, {short}, {long})) END"


@compiles(joined, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)})"


@compiles(joined, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kw)})"


@compiles(clock, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"


@compiles(clock, "postgresql")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


def _without_zeros(text: str) -> str:
    return f"replace(replace({text}, '.000000Z', 'Z'), '000Z', 'Z')"
