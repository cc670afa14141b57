"""The items of a JSON array, as their bytes, however many there are."""

import re
from collections.abc import Iterator
from typing import IO

CHUNK = 2**20

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[\]{},]', re.DOTALL)
_BLANK = b" \t\r\n"


def items(file: IO[bytes], *, max_item: int) -> Iterator[bytes]:
    """Cuts the array at the commas between its items; whether an item is JSON is for the caller to see.

    ValueError, with a sentence, where the file is no array, an item is longer than `max_item`, or the end is missing.
    """
    buffer = file.read(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if not buffer.startswith(b"["):
        raise ValueError("is no JSON array of objects")
    start, place, depth, count = 1, 0, 0, 0
    while True:
        for token in _TOKEN.finditer(buffer, place):
            kind = token[0][:1]
            if kind == b'"' and not token[1]:
                break  # the string goes on in the next chunk
            place = token.end()
            depth += (kind in b"[{") - (kind in b"]}")
            if depth == 0:
                last = buffer[start : place - 1]
                if count or last.strip(_BLANK):
                    yield last
                _expect_end(buffer[place:] if kind == b"]" else kind, file)
                return
            if depth == 1 and kind == b",":
                yield buffer[start : place - 1]
                start, count = place, count + 1
        held = len(buffer) - start
        if held > max_item:
            raise ValueError(f"has more than {max_item >> 20} MiB in item {count + 1}")
        # As much again as is held: a long item is not looked through too often.
        chunk = file.read(min(max(held, CHUNK), max_item + 1 - held))
        if not chunk and depth == 1 and buffer[start:].strip(_BLANK):
            yield buffer[start:]
            raise ValueError(f"breaks off behind item {count + 1}")
        if not chunk:
            raise ValueError(f"breaks off in item {count + 1}")
        buffer, place, start = buffer[start:] + chunk, place - start, 0


def _expect_end(rest: bytes, file: IO[bytes]) -> None:
    while not rest.strip(_BLANK):
        rest = file.read(CHUNK)
        if not rest:
            return
    raise ValueError("goes on behind the end of its array")
