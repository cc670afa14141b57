"""Windows of time that hold few enough results, and together all of a time, without a gap.

Both ends of a window belong to it, as in the documented requests, so two neighbours share a second; their ids tell
that its results are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Protocol

from sightlog.mirror import moments

LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Window:
    """Whole seconds in UTC; None: from the first result, or whatever comes after."""

    begin: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        begin, end = (moments.text(moment) if moment else "" for moment in (self.begin, self.end))
        return f"{begin} … {end}".strip()


class Counted(Protocol):
    """How many results a window has, and on which days."""

    @property
    def total(self) -> int: ...

    @property
    def days(self) -> list[tuple[date, int]]: ...


@dataclass(frozen=True)
class Found:
    window: Window
    total: int
    low: datetime
    high: datetime
    """Between these two the window can be divided."""

    def halves(self) -> tuple[Found, Found] | None:
        """None for a second, which cannot be divided. Their totals are guesses."""
        middle = _middle(self.low, self.high)
        if middle is None:
            return None
        left = replace(self, window=Window(self.window.begin, middle), high=middle, total=self.total // 2)
        right = replace(self, window=Window(middle, self.window.end), low=middle, total=self.total // 2)
        return left, right


def of(window: Window, most: int, count: Callable[[Window], Counted]) -> Iterator[Found]:
    """The window in pieces of at most so many results each; a piece of a single second may have more."""
    while True:
        counted = count(window)
        low, high = _edges(window, counted)
        if counted.total <= most or _middle(low, high) is None:
            yield Found(window, counted.total, low, high)
            return
        found = _first(window, low, _guess(counted, low, high, most), most, count)
        yield found
        window = Window(found.window.end, window.end)


def _first(window: Window, low: datetime, end: datetime, most: int, count: Callable[[Window], Counted]) -> Found:
    while True:
        piece = Window(window.begin, end)
        total = count(piece).total
        middle = _middle(low, end)
        if total <= most or middle is None:
            return Found(piece, total, low, end)
        end = middle


def _edges(window: Window, counted: Counted) -> tuple[datetime, datetime]:
    days = counted.days
    low = window.begin or (moments.midnight(days[0][0]) if days else LONG_AGO)
    if window.end:
        return min(low, window.end), window.end
    last = moments.midnight(days[-1][0]) if days else low
    return low, max(last, low) + moments.DAY


def _guess(counted: Counted, low: datetime, high: datetime, most: int) -> datetime:
    """The end of the days that fit, or else the middle; not the end itself, up to which there are too many."""
    together, end = 0, low
    for day, number in counted.days:
        together += number
        if together > most:
            break
        end = moments.midnight(day) + moments.DAY
    return end if low < end < high else (_middle(low, high) or high)


def _middle(low: datetime, high: datetime) -> datetime | None:
    if high - low <= moments.SECOND:
        return None
    return low + timedelta(seconds=int((high - low).total_seconds()) // 2)
