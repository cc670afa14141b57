"""`sightlog search`: the results that match, one a line."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from sightlog.commands import options, output


class Order(str, Enum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LEAST_CERTAIN = "least-certain"
    MOST_CERTAIN = "most-certain"


_ORDERS: dict[Order, dict[str, Any]] = {
    Order.NEWEST: {},
    Order.OLDEST: {"ascending": True},
    Order.LEAST_CERTAIN: {"order_by": "confidence", "ascending": True},
    Order.MOST_CERTAIN: {"order_by": "confidence"},
}


@options.filtered
def search(
    filter: dict[str, Any],
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="How many at most; 0: all.")] = 20,
    order: Annotated[
        Order, typer.Option(metavar="ORDER", help="First the newest, oldest, least-certain or most-certain.")
    ] = Order.NEWEST,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Find results, by words of their descriptions and by all else that is known of them.

    In a pipe, values are between tabs: time, score, id, description. What --json prints, `record` takes.
    """
    with options.client(profile) as client, output.Table("time (UTC)", "score", "id", "description") as table:
        found = client.descriptions(**filter, **_ORDERS[order], limit=limit + 1 if limit else None)
        for count, result in enumerate(found):
            if limit and count == limit:
                if output.is_read_by_a_person():
                    table.say_below(f"The first {limit}; there are more: --limit says how many to show.")
                break
            if json:
                output.print_json(result)
                continue
            text = result.description or (f"failed: {result.error_message}" if result.error_message else "")
            table.row(output.moment(result.created_at), output.score(result.confidence_score), result.id, text)
