"""Results out of files: JSON lines, JSON and CSV, as our exports write them, plain or gzipped, however large.

Each reader yields (line or item number, values) in the order of the file, or (number, Unreadable) for a line that
cannot be read while those behind it can. What makes the rest unreadable raises Unreadable.
"""

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import ijson

from app import jsontext
from app.descriptions import COLUMNS
from app.models import ExportFormat

MAX_RECORD = 64 * 2**20

Read = Iterator[tuple[int, "dict[str, Any] | Unreadable"]]

_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|\Z)')
_REQUIRED = ("id", "source_type", "created_at")


class Unreadable(Exception):
    """Why a line, or the rest of a file, could not be read: a sentence for the one who imports it."""


def open_bytes(file: IO[bytes]) -> IO[bytes]:
    """The file's bytes, unpacked if they are gzipped."""
    buffered = io.BufferedReader(cast("io.RawIOBase", file))
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=buffered))
    return buffered


def format_of(name: str, file: IO[bytes]) -> ExportFormat:
    """By the name's ending, else by the first character."""
    for format in ExportFormat:
        if name.removesuffix(".gz").endswith(f".{format}"):
            return format
    start = cast("io.BufferedReader", file).peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"[": ExportFormat.JSON, b"{": ExportFormat.JSONL}.get(start, ExportFormat.CSV)


def read(file: IO[bytes], format: ExportFormat) -> Read:
    """The results of an opened file. Unreadable where the rest of it cannot be read, truncated gzip included."""
    try:
        yield from _READERS[format](file)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Unreadable("the gzip data is damaged or ends too early") from None


def _jsonl(file: IO[bytes]) -> Read:
    for number, line in enumerate(file, 1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not text.strip():
            continue
        try:
            yield number, _object(jsontext.loads(text))
        except ValueError as error:
            yield number, Unreadable(f"is no JSON: {error}")
        except Unreadable as error:
            yield number, error


def _json(file: IO[bytes]) -> Read:
    number = 0
    try:
        for item in ijson.items(file, "item", use_float=True):
            number += 1
            try:
                yield number, _object(item)
            except Unreadable as error:
                yield number, error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise Unreadable(f"is no JSON array of objects from item {number + 1} on: {error}") from None


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
    number = 0
    while line := file.readline():
        first = number = number + 1
        lines = [line.removeprefix(b"\xef\xbb\xbf") if first == 1 else line]
        size = quotes = 0
        while (quotes := quotes + lines[-1].count(b'"')) % 2:
            size += len(lines[-1])
            if size > MAX_RECORD or not (line := file.readline()):
                raise Unreadable(f"has a quote in line {first} that is never closed")
            lines.append(line)
            number += 1
        try:
            yield first, _csv_values(b"".join(lines).decode())
        except UnicodeDecodeError:
            yield first, Unreadable("is not UTF-8")
        except Unreadable as error:
            yield first, error


def _csv_values(record: str) -> list[str | None]:
    values: list[str | None] = []
    place = 0
    while True:
        match = _FIELD.match(record, place)
        if match is None:
            raise Unreadable("has a stray quote: a value with quotes is quoted whole, and its quotes are doubled")
        quoted, plain, end = match.groups()
        values.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        if end != ",":
            return values
        place = match.end()


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
        return float(text)
    except ValueError:
        raise ValueError("must be a number between 0 and 1") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("is no JSON object")
    return value


_PARSERS: dict[str, Callable[[str], Any]] = {
    "verification": jsontext.loads,
    "metadata": jsontext.loads,
    "confidence_score": _number,
}

_READERS: dict[ExportFormat, Callable[[IO[bytes]], Read]] = {
    ExportFormat.JSONL: _jsonl,
    ExportFormat.JSON: _json,
    ExportFormat.CSV: _csv,
}
