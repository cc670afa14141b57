"""How many, how sure, on which days, from which sources, of which types."""

from dataclasses import dataclass, field
from datetime import date

from app.caches import ByteCache
from app.engine.queries import Asking
from app.history import rollup, scores
from app.history.filters import DescriptionFilter
from app.history.rollup import Totals


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


@dataclass(frozen=True, slots=True)
class TypeCount:
    type: str
    count: int


@dataclass(frozen=True, eq=False)
class Statistics:
    """Over all matches of a filter. Bins, days, sources and types ascend, and only those that hold something are there:
    of days the newest, of sources and types the largest (`rollup.MAX_DAYS`, `rollup.MAX_NAMES`); `truncated` tells
    whether there are more. They hold for one `revision` of the history.
    """

    revision: int = 0
    total_count: int = 0
    scored_count: int = 0
    average_confidence: float | None = None
    confidence_distribution: list[ConfidenceBin] = field(default_factory=list)
    daily_counts: list[DailyCount] = field(default_factory=list)
    source_distribution: list[SourceCount] = field(default_factory=list)
    type_distribution: list[TypeCount] = field(default_factory=list)
    truncated: bool = False


class Cache:
    """Statistics that were found, each with the revision of the history it holds for: whoever sees that revision again
    need not count again. Threads may share it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._found: ByteCache[tuple[int, DescriptionFilter], Statistics] = ByteCache(max_bytes)

    def get(self, account_id: int, wanted: DescriptionFilter) -> Statistics | None:
        """What held for some revision; not necessarily for the one that is."""
        return self._found.get((account_id, wanted))

    def ask(self, account_id: int, wanted: DescriptionFilter) -> Asking[Statistics]:
        """What holds now."""
        known = self.get(account_id, wanted)
        if known is not None and known.revision == (yield from rollup.ask_revision(account_id)):
            return known
        found = _statistics((yield from rollup.ask_totals(account_id, wanted)))
        self._found.put((account_id, wanted), found, _size(wanted, found))
        return found


def _statistics(found: Totals) -> Statistics:
    scored = [(bin_, count) for bin_, count in found.bins.items() if bin_ != scores.NO_SCORE]
    scored_count = sum(count for _, count in scored)
    return Statistics(
        revision=found.revision,
        total_count=sum(found.bins.values()),
        scored_count=scored_count,
        average_confidence=scores.average(found.units, scored_count),
        confidence_distribution=[ConfidenceBin(scores.label(bin_), count) for bin_, count in scored],
        daily_counts=[DailyCount(day, count) for day, count in found.days.items()],
        source_distribution=[SourceCount(name, count) for name, count in found.sources.items()],
        type_distribution=[TypeCount(name, count) for name, count in found.types.items()],
        truncated=found.truncated,
    )


def _size(wanted: DescriptionFilter, found: Statistics) -> int:
    """Bytes as measured, with what REST writes of them: 7 kB, 330 for a day, 690 for a short name of a source type."""
    lists = {one.name: value for one, value in wanted.given if one.type is tuple}
    names = [f"{one.path} {one.json}" for one in lists.pop("metadata", ())]
    names += [name for value in lists.values() for name in value]
    names += [source.source_type for source in found.source_distribution]
    names += [one.type for one in found.type_distribution]
    return 8_000 + 350 * len(found.daily_counts) + sum(650 + 5 * len(name) for name in names)
