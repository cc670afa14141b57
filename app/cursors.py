"""Opaque places in a list: behind one nothing moves, whatever is recorded meanwhile.

A place tells the time and the id of what lies there. Unless a list is in its usual order, newest first, a letter that
marks its order comes before, and the score.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from app.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Place:
    """`score` is None also where the order does not look at it."""

    created_at: datetime
    id: str
    mark: str = ""
    score: float | None = None


def make(created_at: datetime, id: object, mark: str = "", score: float | None = None) -> str:
    text = f"{(created_at - _EPOCH) // _MICROSECOND}:{id}"
    if mark:
        text = f"{mark}{'' if score is None else struct.pack('>d', score).hex()}:{text}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(text: str, field: str, mark: str | None = "") -> Place:
    """The place. InvalidInput, with the field to look at, where `make` did not write it, or for a list in another order
    than that of the mark; None: whatever the order.
    """
    try:
        place = _read(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode())
    except (ValueError, OverflowError, binascii.Error, struct.error):
        raise unknown(field) from None
    if "\0" in place.id or make(place.created_at, place.id, place.mark, place.score) != text:
        raise unknown(field)
    if mark is not None and place.mark != mark:
        raise InvalidInput(
            "This cursor is of another order: use it with the order of the page that returned it.", field=field
        )
    return place


def unknown(field: str) -> InvalidInput:
    return InvalidInput("This is no cursor of ours: use one that an earlier page returned.", field=field)


def _read(text: str) -> Place:
    mark, score = "", None
    if text[:1].isalpha():
        head, _, text = text.partition(":")
        mark = head[0]
        if head[1:]:
            [score] = struct.unpack(">d", bytes.fromhex(head[1:]))
            if not isfinite(score):
                raise ValueError
    microseconds, _, id = text.partition(":")
    return Place(_EPOCH + int(microseconds) * _MICROSECOND, id, mark, score)
