"""CSV, JSON and JSON lines out of rows: the same bytes from either engine.

A row comes as the text of its values (`statement.build`): PostgreSQL makes the lines itself and `COPY`
hands them on, SQLite's rows are written here by the same rules.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from psycopg import Connection as PostgresConnection
from sqlalchemy import JSON, Connection, Select, cast, func, literal_column, select

from app import jsontext
from app.history.columns import JSON_COLUMNS
from app.models import ExportFormat

CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.JSONL: "application/x-ndjson",
}
CHUNK = 256 * 1024
"""Bytes that are handed on at a time, about."""

_QUOTED = re.compile(r'[",\r\n]')


def write(
    connection: Connection, statement: Select[Any], format: ExportFormat
) -> Generator[tuple[bytes, int], None, None]:
    """The file in chunks, each with the number of rows that it ends."""
    names = list(statement.selected_columns.keys())
    lines = _csv if format is ExportFormat.CSV else _objects
    start, between, end = (b"[", b",\n", b"]") if format is ExportFormat.JSON else (b"", b"", b"")
    if format is ExportFormat.CSV:
        start = ",".join(names).encode() + b"\r\n"
    rows = lines(connection, statement, names)
    buffer, count, separator = bytearray(start), 0, b""
    for row in rows:
        buffer += separator
        buffer += row.rstrip(b"\n") if between else row
        separator = between
        count += 1
        if len(buffer) >= CHUNK:
            yield bytes(buffer), count
            buffer.clear()
            count = 0
    yield bytes(buffer) + end, count


def _csv(connection: Connection, statement: Select[Any], names: Sequence[str]) -> Iterator[bytes]:
    if connection.dialect.name == "postgresql":
        for line in _copy(connection, statement, "FORMAT csv"):
            yield line[:-1] + b"\r\n"
        return
    for row in _stream(connection, statement):
        text = ",".join([_cell(value) for value in row])
        # COPY quotes this text where it is alone in its line, as a file could once end with it.
        yield ('"\\."' if text == "\\." else text).encode() + b"\r\n"


def _objects(connection: Connection, statement: Select[Any], names: Sequence[str]) -> Iterator[bytes]:
    if connection.dialect.name == "postgresql":
        # No text of JSON holds these characters, so COPY passes it on as it is.
        options = r"FORMAT csv, DELIMITER e'\x02', QUOTE e'\x01'"
        yield from _copy(connection, _as_objects(statement), options)
        return
    keys = [("{" if not place else ",") + jsontext.string(name) + ":" for place, name in enumerate(names)]
    texts = [_json_text if name in JSON_COLUMNS else _json_value for name in names]
    for row in _stream(connection, statement):
        parts = [key + text(value) for key, text, value in zip(keys, texts, row, strict=True)]
        yield ("".join(parts) + "}\n").encode()


def _as_objects(statement: Select[Any]) -> Select[Any]:
    columns = [
        cast(column, JSON).label(name) if name in JSON_COLUMNS else column.label(name)
        for name, column in statement.selected_columns.items()
    ]
    row = statement.with_only_columns(*columns, maintain_column_froms=True).subquery("t")
    return select(func.row_to_json(literal_column("t"))).select_from(row)


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    return connection.execution_options(yield_per=1000).execute(statement)


def _copy(connection: Connection, statement: Select[Any], options: str) -> Iterator[bytes]:
    """What PostgreSQL sends for each row; it never sends a part of one."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: PostgresConnection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({compiled}) TO STDOUT WITH ({options})".encode(), compiled.construct_params()) as copy,
    ):
        for data in copy:
            yield bytes(data)


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return jsontext.number(value)
    return '"' + value.replace('"', '""') + '"' if not value or _QUOTED.search(value) else value


def _json_text(value: str | None) -> str:
    return "null" if value is None else value


def _json_value(value: str | float | None) -> str:
    if value is None:
        return "null"
    return jsontext.number(value) if isinstance(value, float) else jsontext.string(value)
