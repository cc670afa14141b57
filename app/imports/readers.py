"""Results out of files: JSON lines, JSON and CSV, as our exports write them, plain or compressed, however large.

What makes the rest of a file unreadable raises Unreadable.
"""

import io
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import IO, Any, NamedTuple

from app import compression, jsontext
from app.imports import arrays, lines, tables
from app.imports.lines import MAX_RECORD, Unreadable
from app.spreadsheets import CsvDialect


class Record(NamedTuple):
    """A result of a file: the number of its line or item, its bytes, and its values or why it cannot be read."""

    number: int
    size: int
    values: dict[str, Any] | Unreadable


Read = Iterator[Record]


class ImportFormat(StrEnum):
    """What can be read; the names are the extensions of files."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


def read(name: str, file: IO[bytes], dialect: CsvDialect = CsvDialect.RFC4180) -> Read:
    """The results of an unpacked file, in its order. Unreadable where the rest of it cannot be read.

    An array or an object at its beginning tells JSON from JSON lines, whatever the name; else the name's ending does.
    `dialect`: how it is written if it is CSV.
    """
    try:
        text = lines.in_utf8(file)
        format = _format(name, text)
        if format is ImportFormat.CSV:
            yield from _csv(text, dialect)
        elif dialect is CsvDialect.RFC4180:
            yield from _READERS[format](text)
        else:
            raise Unreadable(f"is no CSV, so it has no dialect: import it without --dialect {dialect}")
    except compression.DAMAGED:
        raise Unreadable(f"the {compression.of(file)} data is damaged or ends too early") from None


def _format(name: str, file: io.BufferedReader) -> ImportFormat:
    start = file.peek(64)[:64]
    if b"\0" in start:
        raise Unreadable("is no text in UTF-8, nor UTF-16 with a byte order mark")
    named = next((one for one in ImportFormat if compression.without_suffix(name).endswith(f".{one}")), None)
    begins_with = {b"[": ImportFormat.JSON, b"{": ImportFormat.JSONL}.get(start.lstrip(b" \t\r\n")[:1])
    return (named if named is ImportFormat.CSV else begins_with or named) or ImportFormat.CSV


def _csv(file: io.BufferedReader, dialect: CsvDialect) -> Read:
    return (Record(*record) for record in tables.read(file, dialect))


def _json(file: io.BufferedReader) -> Read:
    try:
        for number, item in enumerate(arrays.items(file, max_item=MAX_RECORD), 1):
            yield Record(number, len(item), _object(item))
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _jsonl(file: io.BufferedReader) -> Read:
    for number, line in lines.of(file):
        if isinstance(line, Unreadable):
            yield Record(number, 0, line)
        elif line.strip():
            yield Record(number, len(line), _object(line))


def _object(text: bytes) -> dict[str, Any] | Unreadable:
    try:
        value = jsontext.loads(text)
    except ValueError as error:
        return Unreadable(f"is no JSON: {error}")
    return value if isinstance(value, dict) else Unreadable("is no JSON object")


_READERS: dict[ImportFormat, Callable[[io.BufferedReader], Read]] = {
    ImportFormat.JSON: _json,
    ImportFormat.JSONL: _jsonl,
}
