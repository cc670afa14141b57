"""The bytes of an export's file, in chunks. Takes constant memory, whatever its size."""

from collections.abc import Generator

from app.exports.formats import FORMATS, Part
from app.exports.rows import Rows

CHUNK = 256 * 1024
"""Bytes that are handed on at a time, about."""


def write(rows: Rows, format: str) -> Generator[Part, None, None]:
    """The file in chunks, each with the number of rows that it ends."""
    buffer, count = bytearray(), 0
    for part, ended in FORMATS[format].write(rows):
        buffer += part
        count += ended
        if len(buffer) >= CHUNK:
            yield bytes(buffer), count
            buffer.clear()
            count = 0
    yield bytes(buffer), count
