"""Times as the contract reads and prints them."""

import re
from datetime import UTC, date, datetime

_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d(:?\d\d)?$)")


def parse(text: str) -> datetime:
    """A moment in UTC, out of ISO 8601.

    An offset is converted, a naive time is UTC, a bare date is its midnight, and a `+` that a form decoder
    turned into a space is understood. ValueError, with a sentence for the caller, where it is no time.
    """
    text = text.strip()
    if len(text) > 16:
        text = _LOST_PLUS.sub("+", text)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z") from None


def iso(moment: datetime) -> str:
    """UTC with `Z`; the fraction in milliseconds if they suffice, in microseconds if not, none if it is zero."""
    text = moment.isoformat(timespec="microseconds")
    if not text.endswith("+00:00"):
        text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    # 2025-01-15T10:30:00.123456
    return text[: 26 if moment.microsecond % 1000 else 23 if moment.microsecond else 19] + "Z"


def now() -> datetime:
    return datetime.now(UTC)


def today() -> date:
    return now().date()
