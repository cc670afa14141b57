"""The rows of an export, in the forms that formats take them in: the same from either engine.

Where a format is text, the database makes it: PostgreSQL writes the lines itself and `COPY` hands them on; SQLite's
rows are written here by the same rules. A format that needs types takes values.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection as PostgresConnection
from sqlalchemy import JSON, ColumnElement, Connection, Select, Text, cast, func, literal, literal_column, select

from app import jsontext
from app.exports.chosen import Chosen, Kind
from app.exports.ledger import Ledger
from app.exports.statement import Selection
from app.settings import Settings

AT_A_TIME = 16
"""Rows that are fetched at a time: each may have texts of several megabytes."""

MAX_IDENTIFIER = 63
"""Bytes of the longest name that PostgreSQL gives a column."""

_QUOTED = re.compile(r'[",\r\n]')


class TooLarge(Exception):
    """The rows cannot be one file. The message, if there is one, is a sentence for the customer."""


@dataclass(frozen=True)
class Rows:
    """The rows of one file, newest first. One of `csv`, `objects`, `texts` and `values` is asked for, once.

    `whole_seconds`: no time has a fraction, so that texts show none. `options`: what was asked for of this format
    alone. `notes`: here who writes the file counts what its receipt tells besides its rows, by a name for each.
    `ledger`: here it tells each row that the file cannot hold. `check`: to be called while it waits for something else;
    raises where nothing more may be written.
    """

    connection: Connection
    selection: Selection
    whole_seconds: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)
    settings: Settings = field(default_factory=Settings)
    check: Callable[[], None] = lambda: None

    @property
    def columns(self) -> list[str]:
        """What the file calls them."""
        return [one.alias for one in self.selection.chosen]

    @property
    def kinds(self) -> list[Kind]:
        """What the values of each column are."""
        return [one.kind for one in self.selection.chosen]

    def csv(self, *, guarded: bool = False) -> Iterator[bytes]:
        """Each row as a line of RFC 4180, with its CRLF; nothing at all is null, `""` an empty text.

        `guarded`: no text is one that a spreadsheet would run, see `app.spreadsheets`.
        """
        statement = self.selection.texts(whole_seconds=self.whole_seconds, guarded=guarded)
        if self._is_postgresql:
            for line in _copy(self.connection, statement, "FORMAT csv"):
                yield line[:-1] + b"\r\n"
            return
        for row in self._fetch(statement):
            yield csv_line(row)

    def objects(self) -> Iterator[bytes]:
        """Each row as a JSON object with the columns as its keys: one line, with its LF."""
        statement = self.selection.texts(whole_seconds=self.whole_seconds)
        if self._is_postgresql:
            # No text of JSON holds these characters, so COPY passes it on as it is.
            options = r"FORMAT csv, DELIMITER e'\x02', QUOTE e'\x01'"
            yield from _copy(self.connection, as_objects(statement, self.selection.chosen), options)
            return
        keys = [("{" if not place else ",") + jsontext.string(name) + ":" for place, name in enumerate(self.columns)]
        texts = [_json_text if kind is Kind.JSON else json_value for kind in self.kinds]
        for row in self._fetch(statement):
            parts = [key + text(value) for key, text, value in zip(keys, texts, row, strict=True)]
            yield ("".join(parts) + "}\n").encode()

    def texts(self) -> Iterator[Sequence[Any]]:
        """The values of each row: scores are floats, the rest texts as files show them; None is null."""
        return self._fetch(self.selection.texts(whole_seconds=self.whole_seconds))

    def values(self) -> Iterator[Sequence[Any]]:
        """The values of each row, as `kinds` says; None is null."""
        if self._is_postgresql:
            return _stream(self.connection, self.selection.values())
        return self._fetch(self.selection.values())

    def release(self) -> None:
        """Lets go of the snapshot, before something that may take long: no more rows are asked for."""
        self.connection.connection.rollback()

    @property
    def _is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def _fetch(self, statement: Select[Any]) -> Iterator[Sequence[Any]]:
        return self.connection.execute(statement, execution_options={"yield_per": AT_A_TIME})


def csv_line(values: Sequence[str | float | None]) -> bytes:
    text = ",".join([_cell(value) for value in values])
    # COPY quotes this text where it is alone in its line, as a file could once end with it.
    return ('"\\."' if text == "\\." else text).encode() + b"\r\n"


def as_objects(statement: Select[Any], chosen: Sequence[Chosen]) -> Select[Any]:
    """PostgreSQL's statement for a JSON object of each row, with the columns as its keys."""
    values = [
        cast(column, JSON) if one.kind is Kind.JSON else column
        for one, column in zip(chosen, statement.selected_columns, strict=True)
    ]
    if all(len(one.alias.encode()) <= MAX_IDENTIFIER for one in chosen):
        columns = [value.label(one.alias) for one, value in zip(chosen, values, strict=True)]
        row = statement.with_only_columns(*columns, maintain_column_froms=True).subquery("t")
        return select(func.row_to_json(literal_column("t"))).select_from(row)
    text: ColumnElement[str] = literal("")
    for place, (one, value) in enumerate(zip(chosen, values, strict=True)):
        key = ("," if place else "{") + jsontext.string(one.alias) + ":"
        text = text + literal(key) + func.coalesce(cast(func.to_json(value), Text), "null")
    return statement.with_only_columns(text + "}", maintain_column_froms=True)


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


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows as PostgreSQL finds them, with no cursor of the server that would be asked again and again."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: PostgresConnection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        # Times of the years 1 and 9999 are none of Python's in any other zone.
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        yield from cursor.stream(str(compiled).encode(), compiled.construct_params(), size=AT_A_TIME)


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return jsontext.number(value)
    return '"' + value.replace('"', '""') + '"' if not value or _QUOTED.search(value) else value


def _json_text(value: str | None) -> str:
    return "null" if value is None else value


def json_value(value: str | float | None) -> str:
    """One of `Rows.texts` as JSON: what is the text of JSON becomes a text in it."""
    if value is None:
        return "null"
    return jsontext.number(value) if isinstance(value, float) else jsontext.string(value)
