"""Durations as people write them: `30d`, `12h`, `90m`, `45s`."""

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def parse(value: object) -> timedelta:
    """ValueError, with a sentence for the caller, where it is no duration."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6})([dhms])", str(value).strip())
    if match is None:
        raise ValueError("must be a number and a unit, for example 30d, 12h, 90m or 45s")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def text(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
