"""How a filter is divided: into whole groups of the kept totals (see `rollup`), and filters on the rows beside them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from app.history import filters, scores
from app.history.filters import DescriptionFilter
from app.history.verdicts import ReviewState

GROUPED = ("source_type", "type", "status")
"""The columns of a result that a group has as they are."""

_KNOWN = {*GROUPED, "created_at", "confidence_score"}
"""Those by which groups are told apart: a moment by its day, a score by its bin. Where a filter asks of another column,
rows are counted.
"""

_MICROSECOND = timedelta(microseconds=1)


def without_reviewed(wanted: DescriptionFilter) -> tuple[DescriptionFilter, list[DescriptionFilter]]:
    """A filter that knows no states, and one on what must be taken out of its matches: results that were reviewed are
    few, and those that were not may be millions. The filter as it is where rows must be counted anyway.
    """
    base = replace(wanted, review_states=())
    if ReviewState.UNREVIEWED not in wanted.review_states or not filters.narrowed_columns(base) <= _KNOWN:
        return wanted, []
    others = tuple(state for state in ReviewState if state not in wanted.review_states)
    return base, [replace(wanted, review_states=others)]


def divide(wanted: DescriptionFilter) -> tuple[DescriptionFilter | None, list[int] | None, list[DescriptionFilter]]:
    """A filter on whole groups and the bins it is for, or None and all bins, and filters for the rows beside them:
    together they match what `wanted` matches, and nothing twice.
    """
    if not filters.narrowed_columns(wanted) <= _KNOWN:
        return None, None, [wanted]
    try:
        days, pieces = _whole_days(wanted)
    except OverflowError:  # at the end of time
        return None, None, [wanted]
    if days is None:
        return None, None, pieces
    bins = None
    if wanted.min_confidence is not None or wanted.max_confidence is not None:
        bins, cut = _whole_bins(days)
        pieces += cut
    return days, bins, pieces


def _whole_days(wanted: DescriptionFilter) -> tuple[DescriptionFilter | None, list[DescriptionFilter]]:
    """The filter on the whole days that it covers, and on the parts of days before and after them."""
    start, end = wanted.start_date, wanted.end_date and wanted.end_date + _MICROSECOND
    first = start and (_midnight(start) if start == _midnight(start) else _midnight(start) + timedelta(days=1))
    last = end and _midnight(end)
    if first and last and first >= last:
        return None, [wanted]
    pieces = []
    if first and first != start:
        pieces.append(replace(wanted, end_date=first - _MICROSECOND))
    if last and last != end:
        pieces.append(replace(wanted, start_date=last))
    return replace(wanted, start_date=first, end_date=last and last - _MICROSECOND), pieces


def _whole_bins(wanted: DescriptionFilter) -> tuple[list[int], list[DescriptionFilter]]:
    """The bins that the filter covers whole, and filters on the parts of others."""
    low = 0.0 if wanted.min_confidence is None else wanted.min_confidence
    high = 1.0 if wanted.max_confidence is None else wanted.max_confidence
    whole = [bin_ for bin_ in scores.BINS if low <= scores.lowest(bin_) and scores.highest(bin_) <= high]
    pieces = [
        replace(
            wanted,
            min_confidence=max(low, scores.lowest(bin_)),
            max_confidence=min(high, scores.highest(bin_)),
            include_unscored=False,
        )
        for bin_ in sorted({scores.bin_of(low), scores.bin_of(high)} - set(whole))
    ]
    return whole + [scores.NO_SCORE] * wanted.include_unscored, pieces


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)
