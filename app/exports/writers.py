"""The bytes of an export's file, in chunks, packed if that was asked for. Takes constant memory, whatever its size."""

from collections.abc import Generator, Iterator
from contextlib import closing

from app.compression import PACKINGS, Compression, Compressor
from app.exports.formats import FORMATS, Part
from app.exports.rows import Rows

CHUNK = 256 * 1024
"""Bytes that are handed on at a time, about; of a packed file, those before they are packed."""


def write(rows: Rows, format: str, compression: str = Compression.NONE) -> Generator[Part, None, None]:
    """The file in chunks, each with the number of rows that it ends."""
    chunks = _gathered(FORMATS[format].write(rows))
    packing = PACKINGS.get(compression)
    return _packed(chunks, packing.compressor()) if packing else chunks


def _gathered(parts: Iterator[Part]) -> Generator[Part, None, None]:
    buffer, count = bytearray(), 0
    for part, rows in parts:
        buffer += part
        count += rows
        if len(buffer) >= CHUNK:
            yield bytes(buffer), count
            buffer.clear()
            count = 0
    yield bytes(buffer), count


def _packed(chunks: Generator[Part, None, None], compressor: Compressor) -> Generator[Part, None, None]:
    with closing(chunks):
        for chunk, rows in chunks:
            yield compressor.compress(chunk), rows
    yield compressor.flush(), 0
