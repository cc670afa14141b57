"""Confidence scores in bins and in sums: each rule once for Python and once for SQL."""

from bisect import bisect_right
from fractions import Fraction
from math import floor, nextafter

from sqlalchemy import ColumnElement, Integer, case

from app.engine import dialects

EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BINS = range(len(EDGES) + 1)
NO_SCORE = -1
"""The bin of results without a score."""

UNIT = 1_000_000_000
"""Scores are summed as integers of a billionth each, so that a sum never drifts."""


def bin_of(score: float | None) -> int:
    """0 to 9, or NO_SCORE. The lower edge belongs to the bin, the upper one to the next; 1.0 is in the last."""
    return NO_SCORE if score is None else bisect_right(EDGES, score)


def lowest(bin_: int) -> float:
    return (0.0, *EDGES)[bin_]


def highest(bin_: int) -> float:
    """The largest score in the bin."""
    return 1.0 if bin_ == BINS[-1] else nextafter(EDGES[bin_], 0)


def label(bin_: int) -> str:
    return f"{bin_ / 10}-{(bin_ + 1) / 10}"


def units(score: float | None) -> int:
    """The score in billionths. A half is added and the rest cut off, which every engine computes alike."""
    return 0 if score is None else floor(score * UNIT + 0.5)


def average(sum_: int, count: int) -> float | None:
    """The mean of `count` scores whose sum is `sum_` billionths: 4 decimals, halves up; None when there is none."""
    return int(Fraction(sum_ * 10_000, count * UNIT) + Fraction(1, 2)) / 10_000 if count else None


def bin_column(score: ColumnElement[float | None]) -> ColumnElement[int]:
    edges = [(score < edge, bin_) for bin_, edge in enumerate(EDGES)]
    return case((score.is_(None), NO_SCORE), *edges, else_=BINS[-1]).cast(Integer)


def units_column(score: ColumnElement[float | None]) -> ColumnElement[int]:
    return case((score.is_(None), 0), else_=dialects.whole(score * float(UNIT) + 0.5))
