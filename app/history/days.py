"""Matches by the days of a time zone, and days on which there were none.

The kept totals know days of UTC alone, so for another zone the rows are counted: as long as the filter takes to look at
them, bounded by the statement's time like every search.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, bindparam, case, cast, func, literal_column, select

from app.engine import dialects
from app.engine.dialects import Timestamp
from app.engine.queries import Asking, Query
from app.errors import InvalidInput
from app.history import filters, zones
from app.history.filters import DescriptionFilter
from app.history.rollup import MAX_DAYS
from app.history.zones import Change
from app.models import Description

MAX_CHANGES = 250
"""Times that a zone changes on the days that are counted, twice a year as a rule."""

_ROWS = Description.__table__  # type: ignore[attr-defined]
_DAY = timedelta(days=1)


def ask_counts(account_id: int, wanted: DescriptionFilter, zone: str, days: Sequence[date]) -> Asking[dict[date, int]]:
    """Matches on each of the zone's days that have any, ascending, the newest MAX_DAYS and perhaps one more. `days` are
    the UTC days that have matches, ascending; of MAX_DAYS of them there may be older ones, which are not counted.

    InvalidInput where the zone changes too often over them.
    """
    if not days:
        return {}
    found = zones.changes(zone, days)
    if len(found) > MAX_CHANGES:
        raise InvalidInput(
            f"Over these years the time zone changes more than {MAX_CHANGES} times: give a start date and an end date.",
            field="time_zone",
        )
    is_cut = len(days) >= MAX_DAYS
    if is_cut:
        first = datetime.combine(days[0], time(), UTC)
        wanted = replace(wanted, start_date=max(first, wanted.start_date or first))
    counts = {date.fromisoformat(day): int(count) for day, count in (yield _query(account_id, wanted, found))}
    if is_cut and wanted.start_date == datetime.combine(days[0], time(), UTC):
        counts.pop(min(counts))  # a part of it may be before that
    return dict(sorted(counts.items()))


def filled(counts: Sequence[tuple[date, int]], wanted: DescriptionFilter, zone: str) -> list[tuple[date, int]]:
    """With a 0 for every other day from the first to the last: of the filter, or where it has no bound of the matches.

    InvalidInput for more than MAX_DAYS.
    """
    start, end = (bound and zones.day_of(bound, zone) for bound in (wanted.start_date, wanted.end_date))
    if not counts and not (start and end):
        return []
    first, last = start or counts[0][0], end or counts[-1][0]
    number = (last - first) // _DAY + 1
    if number > MAX_DAYS:
        raise InvalidInput(
            f"From {first} to {last} there are {number:,} days, and at most {MAX_DAYS:,} can be filled: give a start "
            "date and an end date.",
            field="fill_days",
        )
    known = dict(counts)
    every = (first + place * _DAY for place in range(number))
    return [(day, known.get(day, 0)) for day in every]


def _query(account_id: int, wanted: DescriptionFilter, found: Sequence[Change]) -> Query:
    values: dict[str, Any] = filters.values(account_id, wanted)
    for place, change in enumerate(found):
        values |= {f"change_{place}": change.at, f"seconds_{place}": change.seconds}

    def build() -> Select[Any]:
        day = dialects.local_day(_ROWS.c.created_at, _seconds(len(found))).label("day")
        of_rows = select(day).where(*filters.conditions(account_id, wanted)).subquery("of_rows").c.day
        counted = select(cast(of_rows, Text), func.count()).group_by(of_rows).order_by(of_rows.desc())
        return select(counted.limit(literal_column(str(MAX_DAYS + 1))).subquery("days"))

    return Query(("days", filters.shape(wanted), len(found)), build, values)


def _seconds(number: int) -> ColumnElement[int]:
    """How far ahead of UTC each row is; most are of the newest changes."""
    seconds = [bindparam(f"seconds_{place}", type_=Integer()) for place in range(number)]
    since = [_ROWS.c.created_at >= bindparam(f"change_{place}", type_=Timestamp()) for place in range(number)]
    if number == 1:
        return seconds[0]
    return case(*[(since[place], seconds[place]) for place in reversed(range(1, number))], else_=seconds[0])
