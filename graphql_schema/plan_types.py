"""What is told of an export before it is asked for. The objects behind the types are those of `app.exports.plans`."""

from datetime import datetime

import strawberry

from graphql_schema.enums import EstimateBasis, ExportLimit
from graphql_schema.scalars import BigInt


@strawberry.type
class Estimate:
    """A number that is not known before, and what it rests on."""

    value: float
    basis: EstimateBasis
    exports: int = strawberry.field(description="Completed exports that it is estimated from; 0: none.")
    rows: int = strawberry.field(description="Rows of those, or of the sample.")


@strawberry.type
class TimeWindow:
    """From `start` on and before `end`. As a filter: `startDate: start, endDate: endDate`."""

    start: datetime
    end: datetime | None = strawberry.field(description="Not in it; null at the end of the calendar.")
    end_date: datetime | None = strawberry.field(description="The last moment in it, for a filter's inclusive bound.")
    rows: int = strawberry.field(description="Results that match in it.")


@strawberry.type
class BrokenLimit:
    """A limit that the export would break: it would fail."""

    name: ExportLimit
    value: int
    message: str = strawberry.field(description="What can be done.")
    windows: list[TimeWindow] = strawberry.field(
        description="How to split it: oldest first, without a gap, each within the limit, 1,000 at most. Empty where "
        "time does not divide it so; the message says why."
    )


@strawberry.type
class ExportPlan:
    """What an export would be, as the history is now."""

    rows: int = strawberry.field(description="Exactly; of all matches where it would break a limit.")
    revision: BigInt = strawberry.field(description="Of the history that was counted.")
    bytes: Estimate | None = strawberry.field(
        description="Of the file; null where no export of this format was completed yet."
    )
    seconds: Estimate = strawberry.field(description="From the request to the file, others before it included.")
    broken_limit: BrokenLimit | None
