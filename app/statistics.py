"""How many, how sure, on which days, from which sources."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from sqlalchemy import ColumnElement, Integer, case, func, select
from sqlmodel import Session, col

from app import dialects, filters
from app.filters import DescriptionFilter
from app.models import Description

BIN_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BIN_LABELS = tuple(f"{lower / 10}-{(lower + 1) / 10}" for lower in range(10))
SCORE_UNIT = 1_000_000_000
"""Scores are summed as integers of a billionth each, so that a sum never drifts."""


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


def count(session: Session, account_id: int, wanted: DescriptionFilter) -> int:
    matching = filters.conditions(account_id, wanted)
    return session.connection().scalar(select(func.count()).select_from(Description).where(*matching)) or 0


def statistics(session: Session, account_id: int, wanted: DescriptionFilter) -> Statistics:
    """One scan: the matches grouped by day, source type and bin, and the groups folded together."""
    day, source, bin_ = dialects.day(col(Description.created_at)), col(Description.source_type), _bin()
    groups = session.connection().execute(
        select(day, source, bin_, func.count(), func.sum(_units()))
        .where(*filters.conditions(account_id, wanted))
        .group_by(day, source, bin_)
    )
    days: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    bins: Counter[int] = Counter()
    units = 0
    for day_, source_type, number, matches, sum_ in groups:
        days[day_] += matches
        sources[source_type] += matches
        if number is not None:
            bins[number] += matches
            units += int(sum_)
    scored = bins.total()
    return Statistics(
        total_count=days.total(),
        scored_count=scored,
        average_confidence=average(units, scored),
        confidence_distribution=[ConfidenceBin(BIN_LABELS[number], bins[number]) for number in sorted(bins)],
        daily_counts=[DailyCount(date.fromisoformat(day_), days[day_]) for day_ in sorted(days)],
        source_distribution=[SourceCount(name, sources[name]) for name in sorted(sources)],
    )


def average(units: int, scored: int) -> float | None:
    """The mean of `scored` scores whose sum is `units` billionths: 4 decimals, halves up; None when there is none."""
    if not scored:
        return None
    return int(Fraction(units * 10_000, scored * SCORE_UNIT) + Fraction(1, 2)) / 10_000


def bin_of(score: float) -> int:
    """0 to 9. The lower edge belongs to the bin, the upper one to the next; 1.0 is in the last."""
    return bisect_right(BIN_EDGES, score)


def _bin() -> ColumnElement[int | None]:
    score = col(Description.confidence_score)
    edges = [(score < edge, number) for number, edge in enumerate(BIN_EDGES)]
    return case((score.is_(None), None), *edges, else_=len(BIN_EDGES)).cast(Integer)


def _units() -> ColumnElement[int]:
    # Rounded by adding a half and cutting off, which every engine computes alike on IEEE doubles.
    return dialects.whole(col(Description.confidence_score) * float(SCORE_UNIT) + 0.5)
