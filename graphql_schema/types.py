"""What can be asked for. The objects behind most types are those of the core; the types name their attributes."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Self

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from app.history import columns, filters, views
from app.history.filters import DescriptionFilter
from app.history.pages import MAX_NEWER, Page
from app.history.pagination import Pagination
from app.history.projection import MAX_REVIEWS
from app.history.recording import Recorded
from app.history.views import View
from graphql_schema import asking, resolvers, selections
from graphql_schema.context import Context
from graphql_schema.enums import DescriptionStatus, RecordOutcome, ReviewState
from graphql_schema.nodes import Node
from graphql_schema.review_types import Review
from graphql_schema.scalars import BigInt
from graphql_schema.selections import Shape


@strawberry.type
class Description(Node):
    """One thing that a model said about an image."""

    id: strawberry.ID
    type: str = strawberry.field(description="What kind of result it is: `description`, `extraction`, `rule`, …")
    status: DescriptionStatus
    source_type: str = strawberry.field(description="How it was asked for: `single`, `batch`, …")
    source_id: str | None
    created_at: datetime
    image_url: str | None
    image_id: str | None
    description: str | None = strawberry.field(description="The text; null for a failed one.")
    confidence_score: float | None = strawberry.field(description="0 to 1, or null where the model gives none.")
    verification: JSON | None = strawberry.field(
        description="As it was recorded; else the newest review: `verdict`, `text`, `note`, `by`, `at`."
    )
    metadata: JSON
    error_message: str | None
    review_state: ReviewState = strawberry.field(description="The newest verdict.")
    reviews: list[Review] = strawberry.field(description=f"Newest first, the last {MAX_REVIEWS}.")


columns.check(
    f"{__name__}.Description",
    {name: null for name, null in columns.nulls(Description).items() if name not in ("review_state", "reviews")},
    columns.TABLE,
)


@strawberry.type
class ConfidenceBin:
    """Results in one tenth of the range of scores."""

    range: str = strawberry.field(
        description="`0.8-0.9`: the lower edge is in, the upper one in the next bin; 1.0 is in the last."
    )
    count: int


@strawberry.type
class DailyCount:
    """Results of one day of the time zone."""

    date: date
    count: int


@strawberry.type
class SourceCount:
    """Results of one source type."""

    source_type: str
    count: int


@strawberry.type
class TypeCount:
    """Results of one type."""

    type: str
    count: int


@strawberry.type
class ReviewCount:
    """Results in one state of review."""

    state: ReviewState
    count: int


@strawberry.type
class StatisticsBasis:
    """What numbers rest on: averages and bins on those that have a score, all others on all."""

    total: int
    scored: int


@strawberry.type
class Statistics:
    """Numbers over all matches of a filter, whatever part of them a page shows."""

    total_count: int
    scored_count: int = strawberry.field(description="Those that have a confidence score.")
    average_confidence: float | None = strawberry.field(
        description="Over the scored ones, 4 decimals; null if none is."
    )
    truncated: bool = strawberry.field(
        description="Whether there are more days, source types or types than are listed; all of them are counted."
    )

    @strawberry.field
    def confidence_distribution(self, info: Info) -> list[ConfidenceBin]:
        """Ascending; only bins that hold something."""
        return selections.written(info, self.confidence_distribution)  # type: ignore

    @strawberry.field
    def daily_counts(self, info: Info) -> list[DailyCount]:
        """Ascending; only days that hold something unless `fillDays` says otherwise, the newest 10,000."""
        return selections.written(info, self.daily_counts)  # type: ignore

    @strawberry.field
    def source_distribution(self, info: Info) -> list[SourceCount]:
        """By name; only those that hold something, the 1,000 largest."""
        return selections.written(info, self.source_distribution)  # type: ignore

    @strawberry.field
    def type_distribution(self, info: Info) -> list[TypeCount]:
        """By name; only those that hold something, the 1,000 largest."""
        return selections.written(info, self.type_distribution)  # type: ignore

    review_counts: list[ReviewCount] = strawberry.field(description="All four states.")
    revision: BigInt = strawberry.field(description="Of the history that was counted; it grows with every change.")
    time_zone: str = strawberry.field(description="Whose days are counted, by its IANA name.")

    @strawberry.field
    def basis(self) -> StatisticsBasis:
        return StatisticsBasis(total=self.total_count, scored=self.scored_count)


@strawberry.type
class FiltersApplied:
    """How the filter was understood."""

    date_range_applied: bool
    confidence_range_applied: bool
    search_applied: bool
    source_types_filtered: bool = strawberry.field(
        description="Whether the source types narrow: false if both `single` and `batch` are named."
    )
    filter_summary: str | None


@strawberry.type
class PageInfo:
    """Where a page lies in its list (Relay)."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class DescriptionEdge:
    cursor: str
    node: Description


@strawberry.type
class DescriptionConnection:
    """A page of results in their order, and what holds for all matches."""

    wanted: strawberry.Private[DescriptionFilter]
    part: strawberry.Private[Pagination]
    page: strawberry.Private[Page]
    filters_applied: FiltersApplied

    @classmethod
    async def found(
        cls, info: Info, wanted: Callable[[], DescriptionFilter], part: Callable[[], Pagination]
    ) -> "DescriptionConnection":
        """What is selected of it; what is given may turn out to be no filter or pagination."""

        async def resolve(context: Context) -> DescriptionConnection:
            asked, meant, shown, names = wanted(), part(), selections.page(info), selections.names(info)
            page = await resolvers.descriptions(
                context,
                asked,
                meant,
                shown,
                with_statistics=bool(names & {"totalCount", "statistics", "view"}),
                with_reviews="statistics" in names and selections.has(info, "statistics", "reviewCounts"),
            )
            applied = filters.applied(asked)
            return cls(wanted=asked, part=meant, page=page, filters_applied=applied)  # type: ignore[arg-type]

        return await asking.ask(info.context, resolve)

    @strawberry.field
    def nodes(self, info: Info) -> list[Description]:
        return self.page.lists[info.path.key]  # type: ignore

    @strawberry.field
    def edges(self, info: Info) -> list[DescriptionEdge]:
        return self.page.lists[info.path.key]  # type: ignore

    @strawberry.field
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=self.page.start_cursor,
            end_cursor=self.page.end_cursor,
        )

    @strawberry.field
    def total_count(self) -> int:
        """All matches."""
        assert self.page.statistics is not None
        return self.page.statistics.total_count

    @strawberry.field
    def statistics(self) -> Statistics:
        """Over all matches, not over the page."""
        return self.page.statistics  # type: ignore[return-value]

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="What this page is of, as an opaque, signed token: the filter and the order, how many match, and "
        "the revision of the history. `createExport` exports just that, or says that it has changed. Null where the "
        f"filter is too long for {views.MAX_LENGTH} characters."
    )
    def view(self, info: Info) -> str | None:
        assert self.page.statistics is not None
        context = info.context.core
        found = self.page.statistics
        view = View(context.account_id, self.wanted, self.part.order, found.total_count, found.revision)
        return views.make(view, context.runtime.secrets[0])

    @strawberry.field(  # type: ignore[untyped-decorator]
        description=f"Matches that are newer than the result of a cursor, counted up to {MAX_NEWER}."
    )
    async def newer_than(self, info: Info, cursor: str) -> int:
        resolve = partial(resolvers.newer_than, wanted=self.wanted, cursor=cursor)
        return await asking.ask(info.context, resolve)


@strawberry.type
class RecordError:
    """Why a result was refused."""

    code: str = strawberry.field(description="As `extensions.code` of an error.")
    field: str | None = strawberry.field(description="As `extensions.field` of an error: `input.17.confidenceScore`.")
    message: str


@strawberry.type
class RecordedRow:
    """What became of one result that was given."""

    index: int = strawberry.field(description="Its place in the input, from 0.")
    id: strawberry.ID | None = strawberry.field(
        description="Null for a refused one that had none; of one that is too long its beginning."
    )
    outcome: RecordOutcome
    error: RecordError | None = strawberry.field(description="For a refused one.")


@strawberry.type
class RecordDescriptionsResult:
    """What recording did."""

    written: strawberry.Private[Mapping[str, orjson.Fragment]]
    ids: list[strawberry.ID] = strawberry.field(
        description="Of all that were neither refused nor left out as erased, in the order given."
    )
    recorded: int = strawberry.field(description="New ones.")
    already_known: int = strawberry.field(description="Those that stay as they were.")
    conflicting: int = strawberry.field(description="Those of the known ones that were given with other content.")
    conflicting_ids: list[strawberry.ID]
    replaced: int
    erased: int = strawberry.field(description="Those that were left out, as they were erased before.")
    erased_ids: list[strawberry.ID]
    refused: int = strawberry.field(description="Those that were left out; more than 0 with `SKIP` alone.")

    @classmethod
    def of(cls, done: Recorded, shown: Mapping[str, Shape]) -> Self:
        return cls(
            written={key: shape.written(done.rows()) for key, shape in shown.items()},
            ids=list(map(strawberry.ID, done.ids)),
            recorded=done.recorded,
            already_known=done.already_known,
            conflicting=done.conflicting,
            conflicting_ids=list(map(strawberry.ID, done.conflicting_ids)),
            replaced=done.replaced,
            erased=done.erased,
            erased_ids=list(map(strawberry.ID, done.erased_ids)),
            refused=done.refused,
        )

    @strawberry.field
    def rows(self, info: Info) -> list[RecordedRow]:
        """What became of each, in the order given."""
        return self.written[info.path.key]  # type: ignore
