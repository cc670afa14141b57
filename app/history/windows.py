"""Matches in windows of time that have no more than so many each. They are found by counts: of days, and within a day
that has too many of its hours, minutes, seconds, and parts of seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, literal_column, select

from app.engine import dialects
from app.engine.queries import Asking, Query
from app.errors import InvalidInput
from app.history import filters
from app.history.filters import DescriptionFilter
from app.history.statistics import Statistics
from app.models import Description

MAX_WINDOWS = 1000

_ROWS = Description.__table__  # type: ignore[attr-defined]
_MICROSECOND = timedelta(microseconds=1)
_FINER = (
    (13, timedelta(hours=1)),
    (16, timedelta(minutes=1)),
    (19, timedelta(seconds=1)),
    (22, timedelta(milliseconds=10)),
    (24, timedelta(microseconds=100)),
    (26, _MICROSECOND),
)
"""For each step the letters of a moment's text by which matches are counted, and its length. One has at most 100 of the
next.
"""


@dataclass(frozen=True)
class Window:
    """From `start` on and before `end`; None: no end, as the calendar has none after it."""

    start: datetime
    end: datetime | None
    rows: int

    @property
    def end_date(self) -> datetime | None:
        """The last moment that is in it, as a filter takes it."""
        return self.end and self.end - _MICROSECOND


@dataclass(frozen=True)
class _Slot:
    start: datetime
    length: timedelta
    rows: int

    @property
    def last(self) -> datetime:
        return self.start + (self.length - _MICROSECOND)


def ask(account_id: int, wanted: DescriptionFilter, known: Statistics, most: int) -> Asking[Sequence[Window]]:
    """Windows that follow one another without a gap and have all matches of the filter, `most` each at most. `known`
    are its statistics; all that is asked must be of the same moment.

    InvalidInput, with what can be done in place of it, where there are none, or more than MAX_WINDOWS.
    """
    if sum(day.count for day in known.daily_counts) < known.total_count:
        raise InvalidInput("they are of too many days to be split; narrow the filter by dates first.")
    if known.total_count > most * MAX_WINDOWS:
        raise _too_many()
    if not known.total_count:
        return []
    slots = [_Slot(_midnight(day.date), timedelta(days=1), day.count) for day in known.daily_counts]
    fine: list[_Slot] = []
    for slot in slots:
        fine += yield from _ask_finer(account_id, wanted, slot, most, 0)
    found = list(_gathered(fine, most))
    if len(found) > MAX_WINDOWS:
        raise _too_many()
    starts = [wanted.start_date or found[0][0], *(start for start, _ in found[1:])]
    ends = [*starts[1:], _after(wanted.end_date or slots[-1].last)]
    return [Window(start, end, rows) for start, end, (_, rows) in zip(starts, ends, found, strict=True)]


def _ask_finer(account_id: int, wanted: DescriptionFilter, slot: _Slot, most: int, step: int) -> Asking[list[_Slot]]:
    """The slot, or what it consists of where it has too many."""
    if slot.rows <= most:
        return [slot]
    if step == len(_FINER):
        raise InvalidInput(f"{slot.rows:,} are of one and the same moment, so that no time divides them.")
    letters, length = _FINER[step]
    found: list[_Slot] = []
    for text, rows in (yield _counts(account_id, wanted, slot, letters)):
        finer = _Slot(datetime.fromisoformat(text).replace(tzinfo=UTC), length, int(rows))
        found += yield from _ask_finer(account_id, wanted, finer, most, step + 1)
    return found


def _counts(account_id: int, wanted: DescriptionFilter, slot: _Slot, letters: int) -> Query:
    start, end = max(wanted.start_date or slot.start, slot.start), min(wanted.end_date or slot.last, slot.last)
    within = replace(wanted, start_date=start, end_date=end)

    def build() -> Select[Any]:
        text = dialects.iso_microseconds(_ROWS.c.created_at)
        begins = func.substr(text, literal_column("1"), literal_column(str(letters)))
        part = select(begins.label("part")).where(*filters.conditions(account_id, within)).subquery("parts").c.part
        return select(part, func.count()).group_by(part).order_by(part)

    return Query(("windows", filters.shape(within), letters), build, filters.values(account_id, within))


def _gathered(slots: Sequence[_Slot], most: int) -> Iterator[tuple[datetime, int]]:
    """As many slots together as there may be, by when they start."""
    start, rows = slots[0].start, 0
    for slot in slots:
        if rows + slot.rows > most:
            yield start, rows
            start, rows = slot.start, 0
        rows += slot.rows
    yield start, rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _after(moment: datetime) -> datetime | None:
    try:
        return moment + _MICROSECOND
    except OverflowError:
        return None


def _too_many() -> InvalidInput:
    return InvalidInput(f"that would be more than {MAX_WINDOWS:,} of them; narrow the filter first.")
