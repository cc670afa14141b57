"""Results out of files: JSON lines, JSON and CSV, as our exports write them, plain or compressed, however large.

Each reader yields (line or item number, values) in the order of the file, or (number, Unreadable) for a line that
cannot be read while those behind it can. What makes the rest unreadable raises Unreadable.
"""

import io
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import IO, Any, cast

from app import compression, jsontext
from app.history.columns import COLUMNS
from app.imports import arrays

MAX_RECORD = 64 * 2**20

Read = Iterator[tuple[int, "dict[str, Any] | Unreadable"]]
Lines = Iterator[tuple[int, "bytes | Unreadable"]]

_FIELD = re.compile(rb'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|\Z)')
_OPEN_QUOTE = re.compile(rb'"[^"]*(?:""[^"]*)*')
_REQUIRED = ("id", "source_type", "created_at")


class Unreadable(Exception):
    """Why a line, or the rest of a file, could not be read: a sentence for the one who imports it."""


class ImportFormat(StrEnum):
    """What can be read; the names are the extensions of files."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


def format_of(name: str, file: IO[bytes]) -> ImportFormat:
    """By the name's ending, else by the first character. Unreadable where the file is damaged before it."""
    for format in ImportFormat:
        if compression.without_suffix(name).endswith(f".{format}"):
            return format
    try:
        start = cast("io.BufferedReader", file).peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    except compression.DAMAGED:
        raise _damaged(file) from None
    return {b"[": ImportFormat.JSON, b"{": ImportFormat.JSONL}.get(start, ImportFormat.CSV)


def read(file: IO[bytes], format: ImportFormat) -> Read:
    """The results of an unpacked file. Unreadable where the rest of it cannot be read, truncated gzip included."""
    try:
        yield from _READERS[format](file)
    except compression.DAMAGED:
        raise _damaged(file) from None


def _damaged(file: IO[bytes]) -> Unreadable:
    return Unreadable(f"the {compression.of(file)} data is damaged or ends too early")


def _jsonl(file: IO[bytes]) -> Read:
    for number, line in _lines(file):
        if isinstance(line, Unreadable):
            yield number, line
        elif line.strip():
            yield number, _object(line)


def _json(file: IO[bytes]) -> Read:
    try:
        for number, item in enumerate(arrays.items(file, max_item=MAX_RECORD), 1):
            yield number, _object(item)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _object(text: bytes) -> "dict[str, Any] | Unreadable":
    try:
        value = jsontext.loads(text)
    except ValueError as error:
        return Unreadable(f"is no JSON: {error}")
    return value if isinstance(value, dict) else Unreadable("is no JSON object")


def _lines(file: IO[bytes]) -> Lines:
    """Each line with its number; what is too long is passed over to its end."""
    number = 0
    while line := file.readline(MAX_RECORD):
        number += 1
        if len(line) < MAX_RECORD:
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_RECORD)
        yield number, Unreadable(f"is longer than {MAX_RECORD >> 20} MiB")


def _csv(file: IO[bytes]) -> Read:
    records = _csv_records(file)
    _, header = next(records, (0, None))
    if header is None:
        raise Unreadable("is empty: a CSV begins with a line of column names")
    if isinstance(header, Unreadable):
        raise header
    names = _column_names(header)
    for number, values in records:
        try:
            if isinstance(values, Unreadable):
                raise values
            if values == [None]:
                continue
            if len(values) != len(names):
                raise Unreadable(f"has {len(values)} values for {len(names)} columns")
            yield number, _typed(dict(zip(names, values, strict=True)))
        except Unreadable as error:
            yield number, error


def _column_names(header: list[str | None]) -> list[str]:
    names = [name or "" for name in header]
    for name in names:
        if name not in COLUMNS:
            raise Unreadable(f"has an unknown column '{name}'; the columns are {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise Unreadable(f"has the column '{name}' twice")
    for name in _REQUIRED:
        if name not in names:
            raise Unreadable(f"has no column '{name}', and a result cannot be recorded without it")
    return names


def _csv_records(file: IO[bytes]) -> Iterator[tuple[int, "list[str | None] | Unreadable"]]:
    """(number of the first line, values) of each record of RFC 4180; `""` is an empty text, nothing at all is null."""
    lines = _lines(file)
    for number, line in lines:
        try:
            if isinstance(line, Unreadable):
                raise line
            yield number, [None if value is None else value.decode() for value in _csv_values(line, lines)]
        except UnicodeDecodeError:
            yield number, Unreadable("is not UTF-8")
        except Unreadable as error:
            yield number, error


def _csv_values(line: bytes, more: Lines) -> list[bytes | None]:
    values: list[bytes | None] = []
    place = 0
    while True:
        match = _FIELD.match(line, place)
        if match is None:
            if not _OPEN_QUOTE.fullmatch(line, place):
                raise Unreadable("has a stray quote: a value with quotes is quoted whole, and its quotes are doubled")
            line, place = _to_closing_quote(line[place:], more), 0
            continue
        quoted, plain, end = match.groups()
        values.append(quoted.replace(b'""', b'"') if quoted is not None else plain or None)
        if end != b",":
            return values
        place = match.end()


def _to_closing_quote(line: bytes, more: Lines) -> bytes:
    """The line, and those behind it to the one that closes its quote: the one that makes the quotes even."""
    lines, size, is_open = [line], len(line), True
    while is_open:
        _, line_or_error = next(more, (0, Unreadable("has a quote that is never closed")))
        if isinstance(line_or_error, Unreadable):
            raise line_or_error
        lines.append(line_or_error)
        size += len(line_or_error)
        if size > MAX_RECORD:
            raise Unreadable(f"has more than {MAX_RECORD >> 20} MiB in quotes")
        is_open ^= line_or_error.count(b'"') % 2 == 1
    return b"".join(lines)


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
        raise ValueError("must be a number between 0 and 1") from None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "verification": jsontext.loads,
    "metadata": jsontext.loads,
    "confidence_score": _number,
}

_READERS: dict[ImportFormat, Callable[[IO[bytes]], Read]] = {
    ImportFormat.CSV: _csv,
    ImportFormat.JSON: _json,
    ImportFormat.JSONL: _jsonl,
}
