"""`sightlog stats`: numbers over all results that match."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from sightlog.commands import options, output

BAR = 30
"""Signs of the longest bar."""


@options.filtered
def stats(
    filter: dict[str, Any],
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=10_000, metavar="N", help="Days and sources that are listed.")
    ] = 10,
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", show_default=False, help="Whose days, such as Europe/Berlin; left out: UTC."),
    ] = None,
    fill_days: Annotated[bool, typer.Option("--fill-days", help="Days without results too.")] = False,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Count results by day, score, source and review. Takes the same words and options as `search`.

    The newest days and the largest sources are listed; --json has all.
    """
    with options.client(profile) as client:
        found = client.statistics(time_zone=time_zone, fill_days=fill_days, **filter)
    if json:
        output.print_json(found)
        return
    average = "" if found.average_confidence is None else f", on average {found.average_confidence:.3f}"
    output.details(
        [
            ("results", output.number(found.total_count)),
            ("with a score", output.number(found.scored_count) + average),
        ]
    )
    days = sorted(found.daily_counts, key=lambda one: one.date, reverse=True)
    sources = sorted(found.source_distribution, key=lambda one: -one.count)
    types = sorted(found.type_distribution, key=lambda one: -one.count)
    _bars("score", [(one.range_, one.count) for one in found.confidence_distribution], found.total_count)
    _bars(f"day ({found.time_zone})", [(str(one.date), one.count) for one in days], rows)
    _bars("source", [(one.source_type, one.count) for one in sources], rows)
    _bars("type", [(one.type_, one.count) for one in types], rows)
    _bars("review", [(one.state.value.lower(), one.count) for one in found.review_counts], rows)


def _bars(title: str, counts: Iterable[tuple[str, int]], rows: int) -> None:
    """A line for each, the first so many of them; in a pipe the title comes first in each line."""
    counts = list(counts)
    longest = max((count for _, count in counts), default=0)
    if not longest:
        return
    if not output.is_read_by_a_person():
        with output.Table(title, "count", "") as plain:
            for name, count in counts[:rows]:
                plain.row(title, name, str(count))
        return
    print()
    with output.Table(title, "results", "", right=("results",)) as table:
        for name, count in counts[:rows]:
            table.row(name, output.number(count), "█" * (-(-count * BAR // longest)))
    if len(counts) > rows:
        print(f"… and {len(counts) - rows} more: --rows shows them.")
