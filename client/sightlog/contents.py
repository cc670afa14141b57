"""What is in the file of an export: its rows counted, and read. In constant memory, whatever its size."""

from __future__ import annotations

import importlib
import json
import re
import sys
import zlib
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

from sightlog.errors import Damaged, InvalidInput

CHUNK = 1024 * 1024

SHEET = "xl/worksheets/sheet1.xml"
_ROW = b"<row "

JSON_COLUMNS = frozenset({"metadata", "verification"})


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def unpacked(chunks: Iterator[bytes], compression: str) -> Iterator[bytes]:
    """Damaged where it is not packed so, or ends too early."""
    if compression == "none":
        yield from chunks
        return
    try:
        unpacker = _unpacker(compression)
        for chunk in chunks:
            while chunk:
                if unpacker.eof:  # what is packed in several pieces is one after the other
                    unpacker = _unpacker(compression)
                part = unpacker.decompress(chunk, CHUNK)
                yield part
                while not unpacker.eof and len(part) == CHUNK:
                    part = unpacker.decompress(getattr(unpacker, "unconsumed_tail", b""), CHUNK)
                    yield part
                chunk = unpacker.unused_data
    except _bad_data() as error:
        raise Damaged(f"The file is not packed as it should be: {error}.") from None
    if not unpacker.eof:
        raise Damaged("The packed file ends too early.")


def can_unpack(compression: str) -> bool:
    return compression in ("none", "gzip") or _zstd() is not None


class Counter(Protocol):
    """Counts the rows of a file that is handed to it in pieces."""

    @property
    def rows(self) -> int: ...

    def add(self, chunk: bytes) -> None: ...


class CsvCounter:
    """A line ends outside of quotes; the first is the header. A doubled quote ends one part and begins another."""

    def __init__(self) -> None:
        self._lines = 0
        self._quoted = 0

    @property
    def rows(self) -> int:
        return max(0, self._lines - 1)

    def add(self, chunk: bytes) -> None:
        parts = chunk.split(b'"')
        self._lines += sum(part.count(b"\n") for part in parts[self._quoted :: 2])
        self._quoted ^= (len(parts) - 1) & 1


class LineCounter:
    def __init__(self) -> None:
        self.rows = 0

    def add(self, chunk: bytes) -> None:
        self.rows += chunk.count(b"\n")


class ArrayCounter:
    """An array as Sightlog writes it, with one object per line."""

    def __init__(self) -> None:
        self._lines = 0
        self._any = False

    @property
    def rows(self) -> int:
        return self._lines + self._any

    def add(self, chunk: bytes) -> None:
        self._lines += chunk.count(b"\n")
        self._any = self._any or b"{" in chunk


COUNTERS: dict[str, type[Counter]] = {"csv": CsvCounter, "json": ArrayCounter, "jsonl": LineCounter}


def count(path: Path, format: str, compression: str) -> int | None:
    """The rows of a file. None where they cannot be counted here: `.zst` needs `sightlog[zstd]`, Parquet pyarrow.

    Damaged where the file is not what it should be.
    """
    if format == "parquet":
        return _parquet_count(path)
    if format == "xlsx":
        return _rows_in_sheet(path)
    if format not in COUNTERS or not can_unpack(compression):
        return None
    counter = COUNTERS[format]()
    for chunk in unpacked(chunks_of(path), compression):
        counter.add(chunk)
    return counter.rows


def _rows_in_sheet(path: Path) -> int:
    """How many rows an XLSX file has below its header. Damaged where it is none."""
    try:
        with ZipFile(path) as archive, archive.open(SHEET) as sheet:
            rows, rest = 0, b""
            while chunk := sheet.read(CHUNK):
                rows += (rest + chunk).count(_ROW)
                rest = chunk[1 - len(_ROW) :]
    except (BadZipFile, KeyError, zlib.error, EOFError) as error:
        raise Damaged(f"The file is no XLSX as it should be: {error}.") from None
    return max(0, rows - 1)


def rows_of(
    path: Path, format: str, compression: str, dialect: str = "rfc4180", json_columns: Set[str] = JSON_COLUMNS
) -> Iterator[dict[str, Any]]:
    """The rows of a file that Sightlog wrote, by the names of their columns; in CSV a score is a text, in Parquet a
    time is a datetime.

    `json_columns` are those of CSV whose texts are JSON. What the dialect `excel` put before texts is taken off.
    """
    if format == "parquet":
        yield from _parquet_rows(path, json_columns)
        return
    if format not in COUNTERS:
        raise InvalidInput(f"Files of the format {format!r} cannot be read here.", field="format")
    lines = _lines(unpacked(chunks_of(path), compression))
    if format == "csv":
        yield from _csv_rows(lines, json_columns, guarded=dialect == "excel")
        return
    for line in lines:
        text = line.strip(b"[],\r\n") if format == "json" else line
        if text.strip():
            yield json.loads(text)


def _parquet() -> Any:
    with suppress(ImportError):
        return importlib.import_module("pyarrow.parquet")
    return None


def _parquet_count(path: Path) -> int | None:
    """As the end of the file tells; nothing else of it is read."""
    library = _parquet()
    if library is None:
        return None
    try:
        return int(library.read_metadata(path).num_rows)
    except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
        raise Damaged(f"{path} is no Parquet file: {error}") from None


def _parquet_rows(path: Path, json_columns: Set[str]) -> Iterator[dict[str, Any]]:
    library = _parquet()
    if library is None:
        raise InvalidInput("Reading Parquet needs `pip install pyarrow`.", field="format")
    for batch in library.ParquetFile(path).iter_batches(batch_size=1000):
        for row in batch.to_pylist():
            for name in json_columns & row.keys():
                row[name] = None if row[name] is None else json.loads(row[name])
            yield row


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^,]*))(?:,|\Z)')


def _csv_rows(lines: Iterator[bytes], json_columns: Set[str], *, guarded: bool) -> Iterator[dict[str, Any]]:
    """Unlike the module `csv` it tells nothing, which is null, from `""`, which is an empty text."""
    columns: list[str] | None = None
    record: list[bytes] = []
    quoted = 0
    for line in lines:
        record.append(line)
        quoted ^= line.count(b'"') & 1
        if quoted:  # the line ends inside of quotes, and the record with a later one
            continue
        values = _fields(b"\n".join(record).removesuffix(b"\r").decode("utf-8-sig" if columns is None else "utf-8"))
        if guarded:
            values = [value.removeprefix("'") if value else value for value in values]
        record.clear()
        if columns is None:
            columns = [str(value) for value in values]
            continue
        row = dict(zip(columns, values, strict=True))
        for name in json_columns & row.keys():
            row[name] = None if row[name] is None else json.loads(row[name])
        yield row


def _fields(text: str) -> list[Any]:
    values: list[Any] = []
    for found in _FIELD.finditer(text):
        quoted, plain = found.groups()
        values.append(plain or None if quoted is None else quoted.replace('""', '"'))
        if found.end() == len(text) and not text.endswith(","):
            break
    return values


def _unpacker(compression: str) -> Any:
    if compression == "gzip":
        return zlib.decompressobj(wbits=31)
    library = _zstd()
    if library is None:
        raise InvalidInput("Reading .zst needs `pip install sightlog[zstd]`, or Python 3.14.", field="compression")
    return library.ZstdDecompressor()


def _zstd() -> Any:
    with suppress(ImportError):
        return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    return None


def _bad_data() -> tuple[type[Exception], ...]:
    library = _zstd()
    return (zlib.error, EOFError) if library is None else (zlib.error, EOFError, library.ZstdError)
