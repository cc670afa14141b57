"""The formats of exports: one entry for each, and the function that writes it. A new one is made here alone."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.compression import PACKINGS
from app.exports import parquet, sheets, training
from app.exports.rows import Rows, TooLarge, csv_line
from app.spreadsheets import CsvDialect, guarded

Part = tuple[bytes, int]
"""A piece of a file, and how many rows end in it."""


class ExportFormat(StrEnum):
    """CSV (RFC 4180, CRLF), one JSON array, one JSON object per line, Parquet (with types), a sheet of typed cells for
    people (XLSX), or a training set as a Zip (ImageFolder). The last three are packed as they are.
    """

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    IMAGEFOLDER = "imagefolder"


@dataclass(frozen=True)
class Format:
    """What is known of a format. `write` gives the parts of a file, however small; see `Rows` for what it is given.

    `is_packed`: its files are small as they are, and no `Compression` applies to them. `max_rows`: no file holds more.
    """

    extension: str
    content_type: str
    write: Callable[[Rows], Iterator[Part]]
    is_packed: bool = False
    max_rows: int | None = None


def _csv(rows: Rows) -> Iterator[Part]:
    for_spreadsheets = rows.options.get("dialect") == CsvDialect.EXCEL
    if for_spreadsheets:
        yield codecs.BOM_UTF8, 0
    yield csv_line([guarded(name) if for_spreadsheets else name for name in rows.columns]), 0
    for line in rows.csv(guarded=for_spreadsheets):
        yield line, 1


def _json(rows: Rows) -> Iterator[Part]:
    separator = b"["
    for line in rows.objects():
        yield separator + line[:-1], 1
        separator = b",\n"
    yield b"]" if separator != b"[" else b"[]", 0


def _jsonl(rows: Rows) -> Iterator[Part]:
    for line in rows.objects():
        yield line, 1


FORMATS: dict[str, Format] = {
    ExportFormat.CSV: Format("csv", "text/csv; charset=utf-8", _csv),
    ExportFormat.JSON: Format("json", "application/json", _json),
    ExportFormat.JSONL: Format("jsonl", "application/x-ndjson", _jsonl),
    ExportFormat.PARQUET: Format("parquet", "application/vnd.apache.parquet", parquet.write, is_packed=True),
    ExportFormat.XLSX: Format("xlsx", sheets.CONTENT_TYPE, sheets.write, is_packed=True, max_rows=sheets.MAX_ROWS),
    ExportFormat.IMAGEFOLDER: Format("zip", "application/zip", training.write, is_packed=True),
}


def check(format: str, rows: int) -> None:
    """TooLarge where no file of the format holds so many rows."""
    most = FORMATS[format].max_rows
    if most is not None and rows > most:
        raise TooLarge(
            f"{rows:,} results match, and a file of {format} holds {most:,} rows at most: narrow the filter, give a "
            "limit, or choose another format."
        )


def extension(format: str, compression: str) -> str:
    """That of a file, such as `csv` or `csv.gz`."""
    packing = PACKINGS.get(compression)
    return FORMATS[format].extension + (packing.suffix if packing else "")


def content_type(format: str) -> str:
    """That of a file: of what is in it, packed or not. That it is packed its name tells, never a `Content-Encoding`,
    which would have it unpacked on the way.
    """
    return FORMATS[format].content_type
