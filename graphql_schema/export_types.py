"""What can be asked of exports."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import strawberry
from strawberry.types import Info

from app.exports import chosen, lifecycle
from app.exports.ledger import LEFT_OUT
from app.exports.lifecycle import Receipt
from graphql_schema import nodes
from graphql_schema.enums import Compression, CsvDialect, ExportEventType, ExportFormat, ExportStatus
from graphql_schema.nodes import Node
from graphql_schema.resolvers import ExportPage, ExportState
from graphql_schema.scalars import BigInt
from graphql_schema.types import PageInfo


@strawberry.type
class ExportProgress:
    """How far an export is."""

    rows_written: int
    rows_total: int | None = strawberry.field(description="Null until they were counted.")


@strawberry.type
class ExportNote:
    """How often something happened while a file was written."""

    name: str
    count: int


@strawberry.type
class ExportReceipt:
    """What is in the file of a completed export."""

    rows: int
    bytes: BigInt
    sha256: str = strawberry.field(description="Of the file's bytes, hexadecimal.")
    snapshot_at: datetime = strawberry.field(description="The moment whose results the file holds.")
    notes: list[ExportNote] = strawberry.field(description="What else is to be known of it; empty: nothing.")
    revision: BigInt | None = strawberry.field(description="Of the history at that moment; null for older files.")


@strawberry.type
class ExportView:
    """What was seen of the history before the export was asked for."""

    total: int = strawberry.field(description="Results that matched.")
    revision: BigInt
    total_at_request: int = strawberry.field(description="Those that matched when the export was asked for.")
    revision_at_request: BigInt
    drifted: bool = strawberry.field(
        description="Whether the history has changed since: up to the snapshot of the file, once there is one."
    )


@strawberry.type
class ExportLedger:
    """What could not be exported: JSON lines, each a result and the `reason`. `sightlog import` reads them."""

    rows: int
    download_url: str | None = strawberry.field(
        description="Signed anew at every read; works for one hour, without a key. Null once the file was removed."
    )


@strawberry.type
class ExportEvent:
    """Something that happened to an export."""

    type: ExportEventType
    at: datetime
    attempt: int = strawberry.field(description="The attempt that it belongs to, from 1; 0 before the first.")
    key_prefix: str | None = strawberry.field(
        description="The beginning of the API key that did it; null: a worker, or an operator who erased results."
    )
    message: str | None = strawberry.field(description="Why it was handed back or failed, or what became of it.")


@strawberry.type
class ExportColumn:
    """A column of a file."""

    name: str = strawberry.field(description="The column of a result, or a path in its metadata: `metadata.model`.")
    as_: str = strawberry.field(name="as", description="What the file calls it.")


@strawberry.type
class Export(Node):
    """Results being written into a file, or written."""

    id: strawberry.ID
    status: ExportStatus
    format: ExportFormat
    compression: Compression = strawberry.field(description="The receipt and the download are of the packed file.")
    dialect: CsvDialect | None = strawberry.field(description="Of CSV; null: the format has none.")
    fields: list[str] = strawberry.field(description="The names of the columns in the file, in their order.")
    columns: list[ExportColumn] = strawberry.field(description="The same, with what is in each.")
    progress: ExportProgress
    record_count: int | None = strawberry.field(description="Rows of the file; null until it is completed.")
    download_url: str | None = strawberry.field(
        description="Signed anew at every read; works for one hour, without a key."
    )
    download_handle: str = strawberry.field(
        description="An address that stays the same; with a key or a session it leads to the file, for as long as "
        "that is kept. With `?receipt` it gives the receipt, signed."
    )
    created_at: datetime
    completed_at: datetime | None = strawberry.field(description="When it ended, in whatever way.")
    expired_at: datetime | None = strawberry.field(
        description="When its file was removed; it can no longer be downloaded."
    )
    estimated_completion_time: datetime | None
    error_message: str | None
    receipt: ExportReceipt | None
    ledger: ExportLedger | None = strawberry.field(description="Null where nothing was left out.")
    view: ExportView | None = strawberry.field(description="Null where it was asked for by a filter.")

    @strawberry.field
    async def events(self, info: Info) -> list[ExportEvent]:
        """What happened to it, oldest first; the last 100. They go with the export."""
        found = await info.context.export_events.load(uuid.UUID(self.id))
        return cast("list[ExportEvent]", found)

    @classmethod
    def of(cls, state: ExportState) -> "Export":
        row = state.row
        columns = chosen.read(row.columns)
        completed = row.status == ExportStatus.COMPLETED
        left = (row.notes or {}).get(LEFT_OUT, 0)
        return cls(
            node_id=nodes.make("Export", row.id),
            id=strawberry.ID(str(row.id)),
            status=ExportStatus(row.status),
            format=ExportFormat(row.format),
            compression=Compression(row.compression),
            dialect=CsvDialect((row.options or {}).get("dialect", CsvDialect.RFC4180))
            if row.format == ExportFormat.CSV
            else None,
            fields=[one.alias for one in columns],
            columns=[ExportColumn(name=one.name, as_=one.alias) for one in columns],
            progress=ExportProgress(rows_written=row.rows_written, rows_total=row.rows_total),
            record_count=row.rows_written if completed else None,
            download_url=state.download_url,
            download_handle=state.download_handle,
            created_at=row.created_at,
            completed_at=row.completed_at,
            expired_at=row.expired_at,
            estimated_completion_time=state.estimated_completion_time,
            error_message=row.error_message,
            receipt=_receipt(receipt) if (receipt := lifecycle.receipt(row)) else None,
            ledger=ExportLedger(rows=left, download_url=state.ledger_url) if left else None,
            view=_view(row.view, row.snapshot_revision) if row.view else None,
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


def _receipt(receipt: Receipt) -> ExportReceipt:
    return ExportReceipt(
        rows=receipt.rows,
        bytes=BigInt(receipt.bytes),
        sha256=receipt.sha256,
        snapshot_at=receipt.snapshot_at,
        notes=[ExportNote(name=name, count=count) for name, count in receipt.notes.items()],
        revision=None if receipt.revision is None else BigInt(receipt.revision),
    )


def _view(found: Mapping[str, int], snapshot_revision: int | None) -> ExportView:
    now = found["revision_at_request"] if snapshot_revision is None else snapshot_revision
    return ExportView(
        total=found["total"],
        revision=BigInt(found["revision"]),
        total_at_request=found["total_at_request"],
        revision_at_request=BigInt(found["revision_at_request"]),
        drifted=now != found["revision"],
    )
