"""Days of a time zone: how far they are from those of UTC, by Python's own database for either engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from app.errors import InvalidInput

UTC_NAME = "UTC"
_OF_THE_MACHINE = "localtime"
_SECOND = timedelta(seconds=1)
_LAST_SECOND = timedelta(days=1) - _SECOND


@dataclass(frozen=True)
class Change:
    """From that moment on, local time is so many seconds ahead of UTC."""

    at: datetime
    seconds: int


def named(name: str | None) -> str:
    """The name of a zone, UTC where none is given. InvalidInput where there is none of that name."""
    if name is None or name == UTC_NAME:
        return UTC_NAME
    if name not in _names():
        raise InvalidInput(
            "There is no time zone of that name: give one of the IANA database, such as Europe/Berlin.",
            field="time_zone",
        )
    return name


def day_of(moment: datetime, name: str) -> date:
    """The day of the zone; at the ends of the calendar, where that has none, the day of UTC."""
    return (moment.astimezone(UTC) + timedelta(seconds=_ahead(ZoneInfo(name), moment))).date()


def changes(name: str, days: Sequence[date]) -> list[Change]:
    """How far the zone is from UTC on those UTC days, which ascend: the first change begins with them. What it is
    between two of them does not matter.
    """
    zone, found = ZoneInfo(name), list[Change]()
    for day in days:
        start = datetime.combine(day, time(), UTC)
        end = start + _LAST_SECOND
        before, after = _ahead(zone, start), _ahead(zone, end)
        if not found or found[-1].seconds != before:
            found.append(Change(start, before))
        if before != after:  # no zone changes twice in a day
            found.append(Change(_first(zone, after, start, end), after))
    return found


def _first(zone: ZoneInfo, seconds: int, start: datetime, end: datetime) -> datetime:
    """The first whole second between the two at which the zone is so far ahead, as it is at the end."""
    while end - start > _SECOND:
        middle = start + (end - start) // (2 * _SECOND) * _SECOND
        start, end = (start, middle) if _ahead(zone, middle) == seconds else (middle, end)
    return end


def _ahead(zone: ZoneInfo, moment: datetime) -> int:
    try:
        offset = moment.astimezone(zone).utcoffset()
    except OverflowError:
        return 0
    return round(offset.total_seconds()) if offset else 0


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {_OF_THE_MACHINE})
