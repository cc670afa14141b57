"""JSON that is sent: within bounds, and what is large read in a thread."""

import re
from typing import Any

from app import jsontext, threads
from app.errors import TooLarge
from app.http.bodies import LARGE

MAX_VALUES = 500_000
"""Numbers, texts, arrays, objects and so on in one request: fifty for each result of the largest batch."""

pool = threads.Pool(2, "large")
"""One interpreter runs them in turns anyway."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)


def is_large(text: bytes) -> bool:
    """Whether to read it would hold up other requests."""
    return len(text) > LARGE


async def loads(text: bytes) -> Any:
    """Any JSON value. ValueError where it is none, TooLarge where it has too many values."""
    return await pool.run(_loads, text) if is_large(text) else jsontext.loads(text)


def _loads(text: bytes) -> Any:
    if _has_more_than(text, MAX_VALUES):
        raise TooLarge(f"A request holds at most {MAX_VALUES} JSON values: split it into several.")
    return jsontext.loads(text)


def _has_more_than(text: bytes, most: int) -> bool:
    """Whether there are more values, told by the commas and the opening brackets outside of strings."""
    if sum(map(text.count, (b",", b"[", b"{"))) <= most:
        return False
    left = most
    for token in _TOKEN.finditer(text):
        left -= token[0][:1] != b'"'
        if left < 0:
            return True
    return False
