"""Whether both sides say the same of what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sightlog.api.input_types import DescriptionFilter
from sightlog.api.operations import Operations
from sightlog.mirror.source import Listed

DECIMALS = 4
"""Of our averages; others may round to fewer, and a zero at the end is not seen."""


@dataclass(frozen=True)
class Difference:
    """`what` is `total`, `day`, `source`, `bin` or `average`, `of` which of them; what each side says."""

    what: str
    of: str
    source: float
    target: float

    def __str__(self) -> str:
        name = f"{self.what} {self.of}".strip()
        return f"{name}: {self.source:g} there, {self.target:g} here"


@dataclass(frozen=True)
class Held:
    """What one side holds: numbers by day, source and confidence bin. None: not told."""

    total: int
    average: float | None
    days: Mapping[str, int] | None
    sources: Mapping[str, int] | None
    bins: Mapping[str, int] | None
    truncated: bool = False
    """Only the newest days and the largest sources are listed."""


def held_there(listed: Listed) -> Held:
    told = listed.statistics

    def counts(name: str) -> Mapping[str, int] | None:
        return listed.counts(name) if name in told else None

    average = told.get("average_confidence")
    return Held(
        listed.total,
        None if average is None else float(average),
        counts("daily_counts"),
        counts("source_distribution"),
        counts("confidence_distribution"),
    )


def held_here(operations: Operations, end: datetime | None) -> Held:
    wanted = DescriptionFilter(end_date=end) if end else DescriptionFilter()
    told = operations.statistics(wanted).statistics
    return Held(
        told.total_count,
        told.average_confidence,
        {one.date.isoformat(): one.count for one in told.daily_counts},
        {one.source_type: one.count for one in told.source_distribution},
        {one.range_: one.count for one in told.confidence_distribution},
        told.truncated,
    )


def differences(there: Held, here: Held) -> list[Difference]:
    """Where the two do not agree; what the other side does not tell is not compared."""
    found = [Difference("total", "", there.total, here.total)] if there.total != here.total else []
    for what, theirs, ours in (
        ("day", there.days, here.days),
        ("source", there.sources, here.sources),
        ("bin", there.bins, here.bins),
    ):
        if theirs is None or ours is None:
            continue
        names = theirs.keys() & ours.keys() if here.truncated else theirs.keys() | ours.keys()
        pairs = ((name, theirs.get(name, 0), ours.get(name, 0)) for name in sorted(names))
        found += [Difference(what, name, first, second) for name, first, second in pairs if first != second]
    # Without a scored result some say 0, some null.
    average = here.average or 0.0
    if there.average is not None and abs(there.average - average) > _rounding(there.average):
        found.append(Difference("average", "", there.average, average))
    return found


def _rounding(average: float) -> float:
    decimals = min(max(len(repr(average).partition(".")[2]), 2), DECIMALS)
    return (10.0**-decimals + 10.0**-DECIMALS) / 2 + 1e-9


def days(differences: list[Difference]) -> dict[date, tuple[float, float]]:
    """Days of which the two hold another number, and what each says."""
    return {date.fromisoformat(one.of): (one.source, one.target) for one in differences if one.what == "day"}
