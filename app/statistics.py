"""How many, how sure, on which days, from which sources."""

from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from app import rollup, scores
from app.filters import DescriptionFilter


@dataclass(frozen=True)
class ConfidenceBin:
    range: str
    count: int


@dataclass(frozen=True)
class DailyCount:
    date: date
    count: int


@dataclass(frozen=True)
class SourceCount:
    source_type: str
    count: int


@dataclass(frozen=True)
class Statistics:
    """Over all matches of a filter. Bins, days and sources ascend, and only those that hold something are there."""

    total_count: int = 0
    scored_count: int = 0
    average_confidence: float | None = None
    confidence_distribution: list[ConfidenceBin] = field(default_factory=list)
    daily_counts: list[DailyCount] = field(default_factory=list)
    source_distribution: list[SourceCount] = field(default_factory=list)


def statistics(session: Session, account_id: int, wanted: DescriptionFilter) -> Statistics:
    found = rollup.totals(session, account_id, wanted)
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
