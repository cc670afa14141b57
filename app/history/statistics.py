"""How many, how sure, on which days, from which sources, of which types."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from app.caches import ByteCache
from app.engine.queries import Asking
from app.history import days, rollup, scores, zones
from app.history.filters import DescriptionFilter
from app.history.rollup import Totals
from app.history.verdicts import ReviewState


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


@dataclass(frozen=True, slots=True)
class ReviewCount:
    state: ReviewState
    count: int


@dataclass(frozen=True, eq=False)
class Statistics:
    """Over all matches of a filter. Bins, days, sources and types ascend, and only those that hold something are there:
    of days the newest, of sources and types the largest (`rollup.MAX_DAYS`, `rollup.MAX_NAMES`); `truncated` tells
    whether there are more. They hold for one `revision` of the history. `review_counts` has every state; None: it was
    not asked for. Days are those of `time_zone`.
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
    review_counts: list[ReviewCount] | None = None
    time_zone: str = zones.UTC_NAME


class Cache:
    """Statistics that were found, each with the revision of the history it holds for: whoever sees that revision again
    need not count again. Threads may share it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._found: ByteCache[tuple[int, Hashable], Statistics] = ByteCache(max_bytes)

    def get(self, account_id: int, wanted: DescriptionFilter, *, with_reviews: bool = False) -> Statistics | None:
        """What held for some revision; not necessarily for the one that is."""
        found = self._found.get((account_id, wanted.key))
        return None if found is None or (with_reviews and found.review_counts is None) else found

    def ask(self, account_id: int, wanted: DescriptionFilter, *, with_reviews: bool = False) -> Asking[Statistics]:
        """What holds now."""
        known = self.get(account_id, wanted, with_reviews=with_reviews)
        if known is not None and known.revision == (yield from rollup.ask_revision(account_id)):
            return known
        found = _statistics((yield from rollup.ask_totals(account_id, wanted, with_verdicts=with_reviews)))
        self._found.put((account_id, wanted.key), found, _size(wanted, found))
        return found

    def ask_in_zone(
        self, account_id: int, wanted: DescriptionFilter, zone: str, *, with_reviews: bool = False
    ) -> Asking[Statistics]:
        """The same, with the days of another zone than UTC; all that is asked must be of one moment. InvalidInput as
        `days.ask_counts` has it.
        """
        found = yield from self.ask(account_id, wanted, with_reviews=with_reviews)
        key = account_id, (wanted.key, zone)
        known = self._found.get(key)
        if known is None or known.revision != found.revision:
            of_utc = [day.date for day in found.daily_counts]
            counts = list((yield from days.ask_counts(account_id, wanted, zone, of_utc)).items())
            truncated = found.truncated or len(counts) > rollup.MAX_DAYS
            daily_counts = [DailyCount(*one) for one in counts[-rollup.MAX_DAYS :]]
            known = replace(found, daily_counts=daily_counts, truncated=truncated)
            self._found.put(key, known, _size(wanted, known))
        return replace(found, daily_counts=known.daily_counts, truncated=known.truncated, time_zone=zone)


def filled(found: Statistics, wanted: DescriptionFilter) -> Statistics:
    """With every day from the first to the last, see `days.filled`."""
    counts = days.filled([(day.date, day.count) for day in found.daily_counts], wanted, found.time_zone)
    return replace(found, daily_counts=[DailyCount(*one) for one in counts])


def _statistics(found: Totals) -> Statistics:
    scored = [(bin_, count) for bin_, count in found.bins.items() if bin_ != scores.NO_SCORE]
    scored_count, total_count = sum(count for _, count in scored), sum(found.bins.values())
    return Statistics(
        revision=found.revision,
        total_count=total_count,
        scored_count=scored_count,
        average_confidence=scores.average(found.units, scored_count),
        confidence_distribution=[ConfidenceBin(scores.label(bin_), count) for bin_, count in scored],
        daily_counts=[DailyCount(day, count) for day, count in found.days.items()],
        source_distribution=[SourceCount(name, count) for name, count in found.sources.items()],
        type_distribution=[TypeCount(name, count) for name, count in found.types.items()],
        truncated=found.truncated,
        review_counts=None if found.verdicts is None else _review_counts(found.verdicts, total_count),
    )


def _review_counts(verdicts: Mapping[str, int], total_count: int) -> list[ReviewCount]:
    counts = {ReviewState.UNREVIEWED: total_count - sum(verdicts.values())}
    return [ReviewCount(state, counts.get(state, verdicts.get(state, 0))) for state in ReviewState]


def _size(wanted: DescriptionFilter, found: Statistics) -> int:
    """Bytes as measured, with what REST writes of them: 7 kB, 330 for a day, 690 for a short name of a source type."""
    lists = {one.name: value for one, value in wanted.given if one.type is tuple}
    names = [f"{one.path} {one.json}" for one in lists.pop("metadata", ())]
    names += [name for value in lists.values() for name in value]
    names += [source.source_type for source in found.source_distribution]
    names += [one.type for one in found.type_distribution]
    return 8_000 + 350 * len(found.daily_counts) + sum(650 + 5 * len(name) for name in names)
