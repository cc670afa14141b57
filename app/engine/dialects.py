"""What differs between PostgreSQL and SQLite, and nothing else does.

Column types and SQL functions that mean the same on both engines.
"""

import base64
import json
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Dialect,
    String,
    Table,
    Text,
    bindparam,
    literal_column,
    select,
    text,
    types,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from app import cursors, jsontext


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
        case uuid.UUID():
            return value.hex
    return value


def moment(value: Any) -> datetime | None:
    """A time as either engine's driver gives it."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    found: datetime | None = value and value.astimezone(UTC)  # PostgreSQL tells it in the zone of the session
    return found


Name = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared and sorted by its bytes."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; `None` is NULL. In SQLite the canonical text, see `jsontext`."""


@compiles(JSON, "sqlite")
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "TEXT"  # a column declared as JSON has numeric affinity: SQLite would turn the text 1.50 into a number


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Inserts those rows of one account whose id is not there yet, in their order; the ids of those. All rows name the
    same columns.
    """
    given = [column for column in table.columns if column.name in rows[0]]
    names = [column.name for column in given]
    listed = ", ".join(names)
    if connection.dialect.name == "sqlite":
        # The transaction holds the only right to write, so what is known now is known until it ends.
        ids = [row["id"] for row in rows]
        known = select(table.c.id).where(table.c.account_id == rows[0]["account_id"], table.c.id.in_(ids))
        known_ids = set(connection.scalars(known))
        new = [row for row in rows if row["id"] not in known_ids]
        if new:
            # Written here, since a statement of SQLAlchemy costs each row as much again as the database does.
            written = [_written(connection.dialect, column, [row[column.name] for row in new]) for column in given]
            insertion = f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            connection.exec_driver_sql(insertion, list(zip(*written, strict=True)))
        return [row["id"] for row in new]
    is_json = [isinstance(column.type, JSON) for column in given]
    incoming = f"incoming_{table.name}"
    key = ", ".join(column.name for column in table.primary_key)
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        # Gone with the transaction: behind a pooler the next one may be another client's.
        create = f"CREATE TEMP TABLE IF NOT EXISTS {incoming} (LIKE {table.name}) ON COMMIT DROP"
        cursor.execute(f"{create}; DELETE FROM {incoming}".encode())  # noqa: S608
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


def _written(dialect: Dialect, column: Column[Any], values: Sequence[Any]) -> Iterable[Any]:
    """The values as the driver takes them."""
    write = column.type.dialect_impl(dialect).bind_processor(dialect)
    return map(write, values) if write else values


def add_up(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts the rows, or adds their numbers to those of the row that has the same primary key."""
    if not rows:
        return
    upsert = insert(connection, table)
    numbers = {column.name: column + upsert.excluded[column.name] for column in table.columns if not column.primary_key}
    statement = upsert.on_conflict_do_update(index_elements=list(table.primary_key), set_=numbers)
    names = [column.name for column in table.columns]
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def takes_changes(connection: Connection) -> bool:
    """Whether the server may write at all; a standby does not."""
    if connection.dialect.name == "sqlite":
        return True
    standby = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
    return not connection.scalar(text(standby))


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may say what is to be done where the row is there already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def now(connection: Connection) -> datetime:
    """The database's own time. It is taken before a statement, as Citus refuses one that takes it for each row."""
    moment: datetime = connection.execute(select(clock())).scalar_one()
    return moment


def lock(connection: Connection, table: str) -> None:
    """Nobody else writes the table until the transaction ends. (In SQLite nobody does anyway.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))


def quoted(text: str) -> ColumnElement[str]:
    """A text that is part of the statement."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())


def _without_zeros(text: str) -> str:
    return f"replace(replace({text}, '.000000Z', 'Z'), '000Z', 'Z')"


_WITHOUT_SPACES = """replace(replace({0}::text, '": ', '":'), ', "', ',"')"""


class _Function(GenericFunction[Any]):
    """One meaning, in each engine's words: `{0}` and `{1}` are the arguments, `{all}` is all of them."""

    _register = False
    sqlite: str
    postgresql: str

    def __init_subclass__(cls) -> None:
        cls.inherit_cache = True  # which has to be said of each class
        super().__init_subclass__()


@compiles(_Function)
def _(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    arguments = [compiler.process(clause, **kw) for clause in element.clauses]
    words: str = getattr(element, compiler.dialect.name)
    return words.format(*arguments, all=", ".join(arguments))


class _Test(_Function):
    """A function that is true or false."""

    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: for SQLite it would be compared with 1, and then no index is used."""
        return self


class day(_Function):  # noqa: N801
    """The UTC day of a moment."""

    type = Date()
    sqlite = "substr({0}, 1, 10)"
    postgresql = "({0} AT TIME ZONE 'UTC')::date"


class local_day(_Function):  # noqa: N801
    """The day of a moment where it is so many seconds later than in UTC."""

    type = Date()
    sqlite = "date(substr({0}, 1, 19), ({1}) || ' seconds')"  # a fraction would be rounded up, into the next day
    postgresql = "(({0} AT TIME ZONE 'UTC') + {1} * interval '1 second')::date"


class iso(_Function):  # noqa: N801
    """The moment as `times.iso` prints it."""

    type = Text()
    sqlite = _without_zeros("{0}")
    postgresql = _without_zeros("""to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""")


class iso_seconds(_Function):  # noqa: N801
    """The moment in ISO 8601, its fraction left out."""

    type = Text()
    sqlite = "substr({0}, 1, 19) || 'Z'"
    postgresql = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


class iso_microseconds(_Function):  # noqa: N801
    """The moment in ISO 8601, always with six digits of its second."""

    type = Text()
    sqlite = "{0}"
    postgresql = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class has_fraction(_Test):  # noqa: N801
    """Whether the moment is not a whole second."""

    sqlite = "substr({0}, 20) <> '.000000Z'"
    postgresql = "{0} <> {0}::timestamptz(0)"


class compact(_Function):  # noqa: N801
    """The canonical text of a JSON column, as text."""

    type = Text()
    sqlite = "{0}"
    # The text of jsonb has a space after each comma and colon, which stands behind a key or before a string, but in
    # arrays of other values. What is taken out there was in no string if the rest is the same value. Else whole strings
    # are matched first and kept, which takes ten times as long.
    postgresql = rf"""CASE WHEN (strpos({{0}}::text, '[') = 0 OR strpos({_WITHOUT_SPACES}, ', ') = 0)
            AND {_WITHOUT_SPACES}::jsonb = {{0}}
        THEN {_WITHOUT_SPACES}
        ELSE regexp_replace({{0}}::text, '("(?:[^"\\]|\\.)*")|([,:]) ', '\1\2', 'g') END"""


class whole(_Function):  # noqa: N801
    """The whole part of a number that is not negative."""

    type = BigInteger()
    sqlite = "CAST({0} AS INTEGER)"
    postgresql = "floor({0})::bigint"


class is_one_of(_Test):  # noqa: N801
    """Whether the first is one of `Several` values."""

    sqlite = "{0} IN (SELECT value FROM json_each({1}))"
    postgresql = "{0} = ANY ({1})"


def among(column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Whether the column is one of the texts, which go as one parameter, however many they are."""
    return is_one_of(column, bindparam(None, list(texts), Several(Text())))


class is_ascii(_Test):  # noqa: N801
    """Whether a text has no letter beyond ASCII."""

    sqlite = "length(CAST({0} AS BLOB)) = length({0})"
    postgresql = "octet_length({0}) = length({0})"


class holds(_Test):  # noqa: N801
    """Whether the first text has the second in it, at a cost that hardly grows with the length of the second.

    Both engines compare bytes with `memcmp`. `LIKE` compares letter by letter, and takes 100 times as long for a term
    of 1,000 letters whose beginning is found everywhere.
    """

    sqlite = "instr({0}, {1}) > 0"
    postgresql = "position(convert_to({1}, 'UTF8') in convert_to({0}, 'UTF8')) > 0"


class holds_one_of_many(_Test):  # noqa: N801
    """The same, for a statement that asks it of the same text for many terms; between the two stands the pattern that
    an index of PostgreSQL knows.

    With a constant among the arguments of a function, or arguments whose number changes from one call to the next,
    SQLite keeps a copy of the text for each call: 50 MB for fifty terms and a text of 1 MB. Here it keeps a single one,
    but takes twice as long as with `LIKE` where texts are short.
    """

    sqlite = "instr({0}, ifnull({2}, {0})) > 0"
    postgresql = "({0} LIKE {1} ESCAPE '/' AND position(convert_to({2}, 'UTF8') in convert_to({0}, 'UTF8')) > 0)"


class json_object(_Function):  # noqa: N801
    """A JSON object, from its keys and values in turn. Values are texts, JSON objects, or one of the next two."""

    sqlite = "json_object({all})"
    postgresql = "json_build_object({all})"


class json_value(_Function):  # noqa: N801
    """A JSON column as a value in `json_object`."""

    sqlite = "json({0})"
    postgresql = "{0}"


class json_number(_Function):  # noqa: N801
    """A column of numbers as a value in `json_object`, so that they read back the same."""

    # SQLite's json_object writes 15 digits, which is not enough for all numbers, and 17 are too many for most.
    sqlite = (
        "CASE WHEN {0} IS NOT NULL THEN json(iif(CAST(printf('%!.15g', {0}) AS REAL) = {0}, "
        "printf('%!.15g', {0}), printf('%!.17g', {0}))) END"
    )
    postgresql = "{0}"


class json_has(_Test):  # noqa: N801
    """Whether a JSON column has a value at a path. The second argument is for PostgreSQL: an object with just that
    there. The others are for SQLite: the path, whose keys need no escapes in JSON; the canonical texts that the value
    has; and how the last key and the value begin in a canonical text, without which nothing is parsed.
    """

    sqlite = "CASE WHEN instr({0}, {4}) > 0 THEN {0} -> {2} IN (SELECT value FROM json_each({3})) ELSE 0 END"
    postgresql = "{0} @> {1}::jsonb"


class json_has_at_keys(_Test):  # noqa: N801
    """The same of any keys, of which the third argument is a JSON array: not all versions of SQLite can tell them."""

    sqlite = (
        "CASE WHEN instr({0}, {4}) > 0 THEN sightlog_json_at({0}, {2}) IN (SELECT value FROM json_each({3})) ELSE 0 END"
    )
    postgresql = "{0} @> {1}::jsonb"


_JSON_TEXT = "jsonb_path_query_first({0}, {2}::jsonpath, '{{}}', true)"


class json_text(_Function):  # noqa: N801
    """What lies at a path in a JSON column: a text as it is, anything else as its canonical text; NULL for null, and
    where nothing lies. The second argument is the path for SQLite, whose keys need no escapes in JSON, the third that
    for PostgreSQL.
    """

    type = Text()
    sqlite = "CASE json_type({0}, {1}) WHEN 'text' THEN {0} ->> {1} WHEN 'null' THEN NULL ELSE {0} -> {1} END"
    postgresql = (
        f"CASE jsonb_typeof({_JSON_TEXT}) WHEN 'null' THEN NULL WHEN 'object' THEN {{compact}} "
        f"WHEN 'array' THEN {{compact}} ELSE {_JSON_TEXT} #>> '{{{{}}}}' END"
    ).replace("{compact}", compact.postgresql.replace("{0}", _JSON_TEXT))


class json_text_at_keys(_Function):  # noqa: N801
    """The same at any keys, of which the second argument is a JSON array."""

    type = Text()
    sqlite = "sightlog_json_text_at({0}, {1})"
    postgresql = json_text.postgresql


class json_array(_Function):  # noqa: N801
    """A JSON array of the JSON objects in all rows, in their order."""

    sqlite = "json_group_array(json({0}))"
    postgresql = "coalesce(json_agg({0}), '[]')"


class joined(_Function):  # noqa: N801
    """The texts of all rows, in their order, and another text between them."""

    type = Text()
    sqlite = "group_concat({all})"
    postgresql = "string_agg({all})"


class octets(_Function):  # noqa: N801
    """The bytes that a text takes in UTF-8."""

    type = BigInteger()
    sqlite = "length(CAST({0} AS BLOB))"
    postgresql = "octet_length({0})"


# translate() would do it at once, and takes three times as long.
_BASE64_URL = (
    "rtrim(replace(replace(replace(encode(convert_to({}, 'UTF8'), 'base64'), E'\\n', ''), '+', '-'), '/', '_'), '=')"
)
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"


class cursor(_Function):  # noqa: N801
    """The place of a result in a list, from its time and its id, as `cursors.make` writes it."""

    type = Text()
    sqlite = "sightlog_cursor({0}, {1})"
    postgresql = _BASE64_URL.format(_MICROSECONDS.format("{0}") + " || ':' || {1}")


class ordered_cursor(_Function):  # noqa: N801
    """The same with the mark of an order, the third argument, and a score, the fourth."""

    type = Text()
    sqlite = "sightlog_cursor({0}, {1}, {2}, {3})"
    postgresql = _BASE64_URL.format(
        "{2} || coalesce(encode(float8send({3}), 'hex'), '') || ':' || "
        + _MICROSECONDS.format("{0}")
        + " || ':' || {1}"
    )


class node_id(_Function):  # noqa: N801
    """Two texts together in base64."""

    type = Text()
    sqlite = "sightlog_base64({0} || {1})"
    postgresql = "replace(encode(convert_to({0} || {1}, 'UTF8'), 'base64'), E'\\n', '')"


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Gives a connection the functions above that SQLite has not."""
    for arguments in (2, 4):
        connection.create_function("sightlog_cursor", arguments, _cursor, deterministic=True)
    connection.create_function("sightlog_base64", 1, _base64, deterministic=True)
    connection.create_function("sightlog_json_at", 2, _json_at, deterministic=True)
    connection.create_function("sightlog_json_text_at", 2, _json_text_at, deterministic=True)


def _cursor(created_at: str, id: str, mark: str = "", score: float | None = None) -> str:
    return cursors.make(datetime.fromisoformat(created_at), id, mark, score)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _json_at(text: str, keys: str) -> str | None:
    """The canonical text of what lies at the keys, in a JSON text."""
    try:
        return jsontext.canonical(_at(text, keys))
    except KeyError:
        return None


def _json_text_at(text: str, keys: str) -> str | None:
    try:
        value = _at(text, keys)
    except KeyError:
        return None
    return value if value is None or isinstance(value, str) else jsontext.canonical(value)


def _at(text: str, keys: str) -> Any:
    """KeyError where nothing lies there."""
    value = json.loads(text)
    for key in json.loads(keys):
        if not isinstance(value, dict):
            raise KeyError(key)
        value = value[key]
    return value


class clock(_Function):  # noqa: N801
    """The database's own time, one for all processes whatever their machines' clocks say."""

    type = Timestamp()
    sqlite = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
    postgresql = "clock_timestamp()"
