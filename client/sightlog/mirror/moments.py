"""Times as the documented requests take and give them: UTC, whole seconds, `Z`."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(told: str) -> datetime:
    """What `text` wrote; ValueError for anything else."""
    return datetime.strptime(told, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def whole(moment: datetime) -> datetime:
    """The second in which it lies."""
    return moment.replace(microsecond=0)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
