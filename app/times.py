"""Times as the contract reads and prints them."""

import re
from datetime import UTC, date, datetime

EXPECTED = "must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z"
"""What is said, behind the name of a value, of one that is no time."""

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?)([Zz]|[-+ ]\d\d(?::?[0-5]\d)?)?)?",
    re.ASCII,
)
"""A date, alone or before a time, which may have an offset."""


def parse(value: object) -> datetime:
    """A moment in UTC, out of the text of an ISO 8601 date or time with its separators, as RFC 3339 has it.

    An offset is converted, a time without one is UTC, a bare date is its midnight, and a `+` that a form decoder turned
    into a space is understood. ValueError, with EXPECTED, for anything else, digits without separators among it.
    """
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(EXPECTED)
    day, clock, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or 'Z').upper().replace(' ', '+')}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # a day, or an offset, that there is not
        raise ValueError(EXPECTED) from None


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
