"""Opaque places in a list that is ordered by time and id: behind one nothing moves, whatever is recorded meanwhile."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from app.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def make(created_at: datetime, id: object) -> str:
    text = f"{(created_at - _EPOCH) // _MICROSECOND}:{id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(text: str, field: str) -> tuple[datetime, str]:
    """The time and the id. InvalidInput, with the field to look at, where `make` did not write it."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        microseconds, _, id = decoded.partition(":")
        place = _EPOCH + int(microseconds) * _MICROSECOND, id
    except (ValueError, OverflowError, binascii.Error):
        raise unknown(field) from None
    if "\0" in id or make(*place) != text:
        raise unknown(field)
    return place


def unknown(field: str) -> InvalidInput:
    return InvalidInput("This is no cursor of ours: use one that an earlier page returned.", field=field)
