"""The records of a CSV file: RFC 4180, and what spreadsheets make of it.

Values are separated by commas, semicolons or tabs, and lines end with LF, CRLF or CR, all as the first line says. That
line names the columns, in any case and with spaces around them; a line `sep=;` may stand before it. Nothing between
two separators is null, and `""` is an empty text. Only who imports can know that an apostrophe before a text is not of
the text (`CsvDialect.EXCEL`): nothing in a file tells.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app import jsontext, spreadsheets
from app.history.columns import COLUMNS
from app.imports import lines
from app.imports.lines import MAX_RECORD, NOT_UTF8, Lines, Unreadable
from app.spreadsheets import CsvDialect

SEPARATORS = (b",", b";", b"\t")

_REQUIRED = ("id", "source_type", "created_at")
_SAID = re.compile(rb'"?sep=(.)"?\s*', re.IGNORECASE)
_OPEN_QUOTE = re.compile(rb'"[^"]*(?:""[^"]*)*')
_STRAY_QUOTE = "has a stray quote: a value with quotes is quoted whole, and its quotes are doubled"

Record = tuple[int, int, dict[str, Any] | Unreadable]
"""The number of its first line, its bytes, and its values by column."""


@dataclass(frozen=True)
class Dialect:
    """What separates the values of a line, and what ends it: LF (before which a CR may stand) or CR."""

    separator: bytes = b","
    end: bytes = b"\n"

    @cached_property
    def field(self) -> re.Pattern[bytes]:
        end = rb"\r?\n" if self.end == b"\n" else rb"\r"
        separator = re.escape(self.separator)
        return re.compile(
            rb'(?:"([^"]*(?:""[^"]*)*)"|([^"' + separator + rb"\r\n]*))(" + separator + rb"|" + end + rb"|\Z)"
        )


def read(file: io.BufferedReader, written: CsvDialect = CsvDialect.RFC4180) -> Iterator[Record]:
    """Each record behind the header. Unreadable where the header tells that the rest cannot be read."""
    text_of = _unguarded if written is CsvDialect.EXCEL else _text
    found = lines.of(file, end=_end(file))
    dialect, names = _header(found, _end(file))
    for number, line in found:
        try:
            size, values = _values(line, found, dialect)
            if values == [None]:
                continue
            if len(values) != len(names):
                raise Unreadable(f"has {len(values)} values for {len(names)} columns")
            yield number, size, _typed(dict(zip(names, map(text_of, values), strict=True)))
        except Unreadable as error:
            yield number, 0, error


def _end(file: io.BufferedReader) -> bytes:
    """CR where it ends the first line and no LF follows."""
    start = file.peek(MAX_RECORD)
    return b"\r" if re.match(rb"[^\r\n]*\r[^\n]", start) else b"\n"


def _header(found: Lines, end: bytes) -> tuple[Dialect, list[str]]:
    """How the file is written, and the columns that it names."""
    said = None
    for _, line in found:
        if isinstance(line, Unreadable):
            raise line
        if said is None and (match := _SAID.fullmatch(line)):
            said = match[1]
            continue
        dialect = Dialect(said or _separator(line), end)
        return dialect, _columns([_text(value) for value in _values(line, found, dialect)[1]])
    raise Unreadable("is empty: a CSV begins with a line of column names")


def _separator(line: bytes) -> bytes:
    """The one that makes names of columns of a line; a comma where none does."""
    for separator in SEPARATORS:
        names = {name.strip(b' "\r\n').lower().decode("utf-8", "replace") for name in line.split(separator)}
        if len(names) > 1 and names <= set(COLUMNS):
            return separator
    return b","


def _columns(header: list[str | None]) -> list[str]:
    names = [(name or "").strip().lower() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise Unreadable(f"has an unknown column '{name}'; the columns are {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise Unreadable(f"has the column '{name}' twice")
    for name in _REQUIRED:
        if name not in names:
            raise Unreadable(f"has no column '{name}', and a result cannot be recorded without it")
    return names


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        raise Unreadable(NOT_UTF8) from None


def _unguarded(value: bytes | None) -> str | None:
    text = _text(value)
    return None if text is None else spreadsheets.unguarded(text)


def _values(line: bytes | Unreadable, more: Lines, dialect: Dialect) -> tuple[int, list[bytes | None]]:
    """The bytes of a record, and its values; it ends with the line, unless a quote is still open there."""
    if isinstance(line, Unreadable):
        raise line
    size, values, place = len(line), list[bytes | None](), 0
    while True:
        match = dialect.field.match(line, place)
        if match is None:
            if not _OPEN_QUOTE.fullmatch(line, place):
                raise Unreadable(_STRAY_QUOTE if b'"' in line else "has a line end in the middle of a line")
            kept = line[place:]
            line, place = _to_closing_quote(kept, more), 0
            size += len(line) - len(kept)
            continue
        quoted, plain, end = match.groups()
        values.append(quoted.replace(b'""', b'"') if quoted is not None else plain or None)
        if end != dialect.separator:
            return size, values
        place = match.end()


def _to_closing_quote(line: bytes, more: Lines) -> bytes:
    """The line, and those behind it to the one that closes its quote: the one that makes the quotes even."""
    kept, size, is_open = [line], len(line), True
    while is_open:
        following = next(more, None)
        if following is None:
            raise Unreadable("has a quote that is never closed")
        if isinstance(following.content, Unreadable):
            raise following.content
        kept.append(following.content)
        size += len(following.content)
        if size > MAX_RECORD:
            raise Unreadable(f"has more than {MAX_RECORD >> 20} MiB in quotes")
        is_open ^= following.content.count(b'"') % 2 == 1
    return b"".join(kept)


def _typed(values: dict[str, str | None]) -> dict[str, Any]:
    typed: dict[str, Any] = dict(values)
    for name, parse in _PARSERS.items():
        if (text := values.get(name)) is not None:
            try:
                typed[name] = parse(text)
            except ValueError as error:
                raise Unreadable(f"{name}: {error}") from None
    return typed


def _number(text: str) -> float:
    try:
        return float(text.replace("_", "?"))  # Python would read 0_1 as 1
    except ValueError:
        raise ValueError("must be a number between 0 and 1, with a point: 0.5") from None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "verification": jsontext.loads,
    "metadata": jsontext.loads,
    "confidence_score": _number,
}
