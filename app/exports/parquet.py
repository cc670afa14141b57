"""Parquet, written in row groups while the rows come: in memory is one group, never a file.

A file tells what is in it: the type of each column, whether it may be null, which texts are JSON, and that the newest
result comes first. Why it is written as it is: docs/decisions/0029-parquet.md.
"""

import base64
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app import heap, jsontext
from app.exports.rows import Rows
from app.history.columns import TABLE, Column

if TYPE_CHECKING:
    import pyarrow

GROUP_ROWS = 64 * 1024
"""Rows of a row group, at most."""
GROUP_BYTES = 12 * 2**20
"""Bytes of a row group in memory, before it is packed: it ends with the batch that reaches them."""

_BATCH_ROWS = 1024
"""Rows that are Python's objects at a time, at most."""
_BATCH_CHARACTERS = 2**18
"""Characters of theirs: a batch ends with the row that reaches them."""

_LEVEL = 3
"""Of zstd."""

_ORDER = ("created_at", "id")
"""What the rows of every file are sorted by, the greatest first."""

_KNOWN = {column.name: column for column in TABLE}


def write(rows: Rows, group_rows: int = GROUP_ROWS, group_bytes: int = GROUP_BYTES) -> Iterator[tuple[bytes, int]]:
    """A file in pieces, each with how many rows end in it. The same rows give the same bytes."""
    # Arrow's own allocators keep tens of megabytes for themselves; what the C library keeps is bounded by app.heap.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow  # here, since only workers need it, and it takes long to import
    from pyarrow import parquet

    columns = _columns(rows)
    schema = _schema(columns, json=pyarrow.json_(pyarrow.string()))
    file = _Pieces()
    try:
        with parquet.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=[name for name, column in columns if column.name != "id"],
            write_page_index=True,
            write_page_checksum=True,
            sorting_columns=[parquet.SortingColumn(place, descending=True) for place in _sorted_by(columns)],
            store_schema=False,
        ) as writer:
            for group in _groups(rows, schema, group_rows, group_bytes):
                writer.write_table(group)
                count = len(group)
                del group  # or it would stay while the next one is gathered
                yield file.take(), count
            writer.add_key_value_metadata(_told(columns))
        yield file.take(), 0
    finally:
        heap.trim()


_Columns = Sequence[tuple[str, Column]]
"""The columns of a file by their names there."""


def _columns(rows: Rows) -> _Columns:
    """What is no column of a result, as a key of the metadata, is a text that may be null."""
    return [(one.alias, _KNOWN.get(one.name) or Column(one.name)) for one in rows.selection.chosen]


def _schema(columns: _Columns, *, json: "pyarrow.DataType") -> "pyarrow.Schema":
    import pyarrow

    types = {
        str: pyarrow.string(),
        float: pyarrow.float64(),
        datetime: pyarrow.timestamp("us", tz="UTC"),
        object: json,
    }
    return pyarrow.schema([pyarrow.field(name, types[column.type], column.nullable) for name, column in columns])


def _sorted_by(columns: _Columns) -> Iterator[int]:
    """The places of the columns that tell the order of the rows, as far as they are in the file."""
    places = {column.name: place for place, (_, column) in enumerate(columns)}
    for name in _ORDER:
        if name not in places:
            return
        yield places[name]


def _told(columns: _Columns) -> dict[str, bytes]:
    """What the file says of itself. To readers that follow Arrow's schema, JSON is text: what they make of Arrow's own
    type of it cannot be searched (Polars).
    """
    import pyarrow

    contents = {
        "contents": "results",
        "sorted_by": [f"{name} DESC" for name in _ORDER],
        "json": [name for name, column in columns if column.type is object],
    }
    texts = _schema(columns, json=pyarrow.string())
    return {
        "sightlog": jsontext.canonical(contents).encode(),
        "ARROW:schema": base64.b64encode(texts.serialize().to_pybytes()),
    }


def _groups(rows: Rows, schema: "pyarrow.Schema", group_rows: int, group_bytes: int) -> Iterator["pyarrow.Table"]:
    import pyarrow

    batches: list[pyarrow.RecordBatch] = []

    def table() -> pyarrow.Table:
        gathered = pyarrow.Table.from_batches(batches)
        batches.clear()
        return gathered

    rows_left, bytes_left = group_rows, group_bytes
    for values in _batches(rows.values(), min(_BATCH_ROWS, group_rows)):
        columns = [pyarrow.array(column, type) for column, type in zip(values, schema.types, strict=True)]
        batch = pyarrow.RecordBatch.from_arrays(columns, schema=schema)
        if len(batch) > rows_left:
            yield table()
            rows_left, bytes_left = group_rows, group_bytes
        batches.append(batch)
        rows_left -= len(batch)
        bytes_left -= batch.nbytes
        if bytes_left <= 0:
            yield table()
            rows_left, bytes_left = group_rows, group_bytes
    if batches:
        yield table()


def _batches(rows: Iterator[Sequence[Any]], most: int) -> Iterator[list[tuple[Any, ...]]]:
    """The values of some rows at a time, by columns."""
    batch: list[Sequence[Any]] = []
    length = 0
    for row in rows:
        batch.append(row)
        length += sum([len(value) for value in row if isinstance(value, str)])
        if len(batch) == most or length >= _BATCH_CHARACTERS:
            yield list(zip(*batch, strict=True))
            batch, length = [], 0
    if batch:
        yield list(zip(*batch, strict=True))


class _Pieces:
    """A file for Arrow, whose bytes are handed on."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
