"""How many, how sure, on which days, from which sources."""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from cachetools import LRUCache

from app.engine.queries import Asking
from app.history import rollup, scores
from app.history.filters import DescriptionFilter
from app.history.rollup import Totals

_MOST_DAYS = 50_000
"""What is remembered at most, in daily counts, and ten for the rest of each: 400 bytes or so, 20 MB in all."""


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    range: str
    count: int


@dataclass(frozen=True, slots=True)
class DailyCount:
    date: date
    count: int


@dataclass(frozen=True, slots=True)
class SourceCount:
    source_type: str
    count: int


@dataclass(frozen=True, eq=False)
class Statistics:
    """Over all matches of a filter. Bins, days and sources ascend, and only those that hold something are there."""

    total_count: int = 0
    scored_count: int = 0
    average_confidence: float | None = None
    confidence_distribution: list[ConfidenceBin] = field(default_factory=list)
    daily_counts: list[DailyCount] = field(default_factory=list)
    source_distribution: list[SourceCount] = field(default_factory=list)


class Remembered:
    """Statistics that were found, each with the revision of the history it holds for: whoever sees that revision again
    need not count again. Bounded by what they hold in days; threads may share it.
    """

    def __init__(self) -> None:
        self._found: LRUCache[tuple[int, DescriptionFilter], tuple[int, Statistics]] = LRUCache(
            _MOST_DAYS, getsizeof=lambda found: 10 + len(found[1].daily_counts)
        )
        self._lock = threading.Lock()

    def get(self, account_id: int, wanted: DescriptionFilter) -> tuple[int, Statistics] | None:
        """A revision and what held for it; not necessarily the one that is."""
        with self._lock:
            return self._found.get((account_id, wanted))

    def current(self, account_id: int, wanted: DescriptionFilter) -> Asking[tuple[int, Statistics]]:
        """What holds now, and its revision."""
        known = self.get(account_id, wanted)
        if known is not None and known[0] == (yield from rollup.revision(account_id)):
            return known
        found = yield from rollup.totals(account_id, wanted)
        known = found.revision, _statistics(found)
        with self._lock, suppress(ValueError):  # of more days than all may have
            self._found[account_id, wanted] = known
        return known


def _statistics(found: Totals) -> Statistics:
    scored = [(bin_, count) for bin_, count in found.bins.items() if bin_ != scores.NO_SCORE]
    scored_count = sum(count for _, count in scored)
    return Statistics(
        total_count=sum(found.days.values()),
        scored_count=scored_count,
        average_confidence=scores.average(found.units, scored_count),
        confidence_distribution=[ConfidenceBin(scores.label(bin_), count) for bin_, count in scored],
        daily_counts=[DailyCount(day, count) for day, count in found.days.items()],
        source_distribution=[SourceCount(name, count) for name, count in found.sources.items()],
    )
