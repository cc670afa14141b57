"""What can be asked for. The objects behind most types are those of the core; the types name their attributes."""

import uuid
from datetime import date, datetime
from typing import cast

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from app.exports import lifecycle
from app.exports.lifecycle import Receipt
from app.history import columns
from app.history.pages import Page
from graphql_schema import selections
from graphql_schema.enums import Compression, DescriptionStatus, ExportEventType, ExportFormat, ExportStatus
from graphql_schema.resolvers import ExportPage, ExportState
from graphql_schema.scalars import BigInt


@strawberry.type
class Description:
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
    verification: JSON | None
    metadata: JSON
    error_message: str | None


columns.check(f"{__name__}.Description", columns.nulls(Description), columns.TABLE)


@strawberry.type
class ConfidenceBin:
    """Results in one tenth of the range of scores."""

    range: str = strawberry.field(
        description="`0.8-0.9`: the lower edge is in, the upper one in the next bin; 1.0 is in the last."
    )
    count: int


@strawberry.type
class DailyCount:
    """Results of one UTC day."""

    date: date
    count: int


@strawberry.type
class SourceCount:
    """Results of one source type."""

    source_type: str
    count: int


@strawberry.type
class Statistics:
    """Numbers over all matches of a filter, whatever part of them a page shows."""

    total_count: int
    scored_count: int = strawberry.field(description="Those that have a confidence score.")
    average_confidence: float | None = strawberry.field(
        description="Over the scored ones, 4 decimals; null if none is."
    )
    truncated: bool = strawberry.field(
        description="Whether there are more days or source types than are listed; all of them are counted."
    )

    @strawberry.field
    def confidence_distribution(self, info: Info) -> list[ConfidenceBin]:
        """Ascending; only bins that hold something."""
        return selections.written(info, self.confidence_distribution)  # type: ignore

    @strawberry.field
    def daily_counts(self, info: Info) -> list[DailyCount]:
        """Ascending; only days that hold something, the newest 10,000."""
        return selections.written(info, self.daily_counts)  # type: ignore

    @strawberry.field
    def source_distribution(self, info: Info) -> list[SourceCount]:
        """By name; only those that hold something, the 1,000 largest."""
        return selections.written(info, self.source_distribution)  # type: ignore


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
    """A page of results, newest first, and what holds for all matches."""

    page: strawberry.Private[Page]
    filters_applied: FiltersApplied

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


@strawberry.type
class ExportProgress:
    """How far an export is."""

    rows_written: int
    rows_total: int | None = strawberry.field(description="Null until they were counted.")


@strawberry.type
class ExportReceipt:
    """What is in the file of a completed export."""

    rows: int
    bytes: BigInt
    sha256: str = strawberry.field(description="Of the file's bytes, hexadecimal.")
    snapshot_at: datetime = strawberry.field(description="The moment whose results the file holds.")


@strawberry.type
class ExportEvent:
    """Something that happened to an export."""

    type: ExportEventType
    at: datetime
    attempt: int = strawberry.field(description="The attempt that it belongs to, from 1; 0 before the first.")
    key_prefix: str | None = strawberry.field(description="The beginning of the API key that did it; null: a worker.")
    message: str | None = strawberry.field(description="Why it was handed back, or failed.")


@strawberry.type
class Export:
    """Results being written into a file, or written."""

    id: strawberry.ID
    status: ExportStatus
    format: ExportFormat
    compression: Compression = strawberry.field(description="The receipt and the download are of the packed file.")
    fields: list[str] = strawberry.field(description="The columns of the file, in their order.")
    progress: ExportProgress
    record_count: int | None = strawberry.field(description="Rows of the file; null until it is completed.")
    download_url: str | None = strawberry.field(
        description="Signed anew at every read; works for one hour, without a key."
    )
    created_at: datetime
    completed_at: datetime | None = strawberry.field(description="When it ended, in whatever way.")
    expired_at: datetime | None = strawberry.field(
        description="When its file was removed; it can no longer be downloaded."
    )
    estimated_completion_time: datetime | None
    error_message: str | None
    receipt: ExportReceipt | None

    @strawberry.field
    async def events(self, info: Info) -> list[ExportEvent]:
        """What happened to it, oldest first; the last 100. They go with the export."""
        found = await info.context.export_events.load(uuid.UUID(self.id))
        return cast("list[ExportEvent]", found)

    @classmethod
    def of(cls, state: ExportState) -> "Export":
        row = state.row
        completed = row.status == ExportStatus.COMPLETED
        return cls(
            id=strawberry.ID(str(row.id)),
            status=ExportStatus(row.status),
            format=ExportFormat(row.format),
            compression=Compression(row.compression),
            fields=row.columns,
            progress=ExportProgress(rows_written=row.rows_written, rows_total=row.rows_total),
            record_count=row.rows_written if completed else None,
            download_url=state.download_url,
            created_at=row.created_at,
            completed_at=row.completed_at,
            expired_at=row.expired_at,
            estimated_completion_time=state.estimated_completion_time,
            error_message=row.error_message,
            receipt=_receipt(receipt) if (receipt := lifecycle.receipt(row)) else None,
        )


@strawberry.type
class ExportEdge:
    cursor: str
    node: Export


@strawberry.type
class ExportConnection:
    """A page of exports, newest first."""

    nodes: list[Export]
    edges: list[ExportEdge]
    page_info: PageInfo
    total_count: int

    @classmethod
    def of(cls, page: ExportPage) -> "ExportConnection":
        edges = [ExportEdge(cursor=lifecycle.cursor(state.row), node=Export.of(state)) for state in page.items]
        return cls(
            nodes=[edge.node for edge in edges],
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            total_count=page.total_count or 0,
        )


@strawberry.type
class RecordDescriptionsResult:
    """What recording did."""

    ids: list[strawberry.ID] = strawberry.field(description="Of all results, in the order given.")
    recorded: int = strawberry.field(description="New ones.")
    already_known: int = strawberry.field(description="Those that stay as they were.")
    conflicting: int = strawberry.field(description="Those of the known ones that were given with other content.")
    conflicting_ids: list[strawberry.ID]
    replaced: int


def _receipt(receipt: Receipt) -> ExportReceipt:
    return ExportReceipt(
        rows=receipt.rows, bytes=BigInt(receipt.bytes), sha256=receipt.sha256, snapshot_at=receipt.snapshot_at
    )
