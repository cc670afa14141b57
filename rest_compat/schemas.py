"""The documented answers: their shape in OpenAPI, and how the core's values become them."""

from datetime import datetime
from typing import Any, Literal
from weakref import WeakKeyDictionary

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app import jsontext, times
from app.history import columns, filters
from app.history.filters import DescriptionFilter
from app.history.pages import Page
from app.history.projection import Object, Projection
from app.history.statistics import Statistics
from app.models import ExportStatus
from graphql_schema.resolvers import ExportState
from rest_compat.params import ExportBody, ListParameters


class Item(BaseModel):
    id: str
    type: str
    source_type: str
    source_id: str | None
    created_at: datetime
    image_url: str | None
    description: str | None
    confidence_score: float | None = Field(ge=0, le=1)
    verification: Any
    image_id: str | None
    metadata: dict[str, Any]


columns.check(f"{__name__}.Item", columns.nulls(Item), [column for column in columns.TABLE if column.documented])

ITEMS = Projection((("items", Object(tuple((column.name, column) for column in columns.TABLE if column.documented))),))


class DayCount(BaseModel):
    date: str = Field(examples=["2025-01-15"])
    count: int


class ListStatistics(BaseModel):
    total_count: int
    average_confidence: float = Field(description="Over scored results; 0.0 when none is scored.")
    confidence_distribution: dict[str, int]
    daily_counts: list[DayCount]
    source_distribution: dict[str, int]


class FiltersApplied(BaseModel):
    date_range_applied: bool
    confidence_range_applied: bool
    search_applied: bool
    source_types_filtered: bool
    filter_summary: str | None


class DescriptionList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "id": "desc_001",
                        "type": "description",
                        "source_type": "single",
                        "source_id": "op_abc123",
                        "created_at": "2025-01-15T10:30:00Z",
                        "image_url": "https://example.com/image.jpg",
                        "description": "A mountain landscape with snow-capped peaks...",
                        "confidence_score": None,
                        "verification": None,
                        "image_id": "img_xyz789",
                        "metadata": {},
                    }
                ],
                "total_count": 1250,
                "limit": 100,
                "offset": 0,
                "has_more": True,
                "statistics": {
                    "total_count": 1250,
                    "average_confidence": 0.89,
                    "confidence_distribution": {"0.8-0.9": 450, "0.9-1.0": 800},
                    "daily_counts": [{"date": "2025-01-15", "count": 42}],
                    "source_distribution": {"batch": 750, "single": 500},
                },
                "filters_applied": {
                    "date_range_applied": True,
                    "confidence_range_applied": True,
                    "search_applied": True,
                    "source_types_filtered": False,
                    "filter_summary": "Date: 2025-01-01 to 2025-01-31, Min confidence: 0.8",
                },
            }
        }
    )

    items: list[Item]
    total_count: int
    limit: int
    offset: int
    has_more: bool
    statistics: ListStatistics
    filters_applied: FiltersApplied


class ExportAnswer(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "export_id": "550e8400-e29b-41d4-a716-446655440000",
                "status": "processing",
                "download_url": None,
                "record_count": None,
                "format": "csv",
                "created_at": "2025-01-15T10:30:00Z",
                "estimated_completion_time": "2025-01-15T10:31:00Z",
                "error_message": None,
            }
        }
    )

    export_id: str = Field(json_schema_extra={"format": "uuid"})
    status: Literal["pending", "processing", "completed", "failed"]
    download_url: str | None = Field(description="Works for one hour, without a key; signed anew at every read.")
    record_count: int | None
    format: Literal["csv", "json", "jsonl"]
    created_at: datetime
    estimated_completion_time: datetime | None
    error_message: str | None


_ANY_FILE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

DOWNLOADS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, in the content type of its format"} | _ANY_FILE,
    206: {"description": "The part that `Range` asks for"} | _ANY_FILE,
    302: {"description": "The file is at `Location`, which needs no key and works for one hour"},
    304: {"description": "The file is the one that `If-None-Match` names"},
    416: {"description": "The file has nothing of what `Range` asks for"},
}
"""What the handle of a file answers."""


def complete(document: dict[str, Any]) -> None:
    """Puts the examples into an OpenAPI document as they are: FastAPI leaves nulls out of them. And takes out that any
    key may be in a body: generated types would let a misspelt one pass.
    """
    schemas = document["components"]["schemas"]
    for model in (ExportBody, DescriptionList, ExportAnswer):
        schemas[model.__name__] |= model.model_config["json_schema_extra"]
    del schemas[ExportBody.__name__]["additionalProperties"]


def list_answer(page: Page, wanted: DescriptionFilter, asked: ListParameters) -> dict[str, Any]:
    assert page.statistics is not None
    total = page.statistics.total_count
    return {
        "items": page.lists["items"],
        "total_count": total,
        "limit": asked.limit,
        "offset": asked.offset,
        "has_more": page.count > 0 and asked.offset + page.count < total,
        "statistics": _statistics(page.statistics),
        "filters_applied": vars(filters.applied(wanted)),
    }


def export_answer(state: ExportState) -> dict[str, Any]:
    row = state.row
    completed = row.status == ExportStatus.COMPLETED
    estimated = state.estimated_completion_time
    return {
        "export_id": str(row.id),
        # A state that the document does not have shows as the one that its clients understand.
        "status": "failed" if row.status == ExportStatus.CANCELLED else str(row.status),
        "download_url": state.download_url,
        "record_count": row.rows_written if completed else None,
        "format": str(row.format),
        "created_at": times.iso(row.created_at),
        "estimated_completion_time": times.iso(estimated) if estimated else None,
        "error_message": row.error_message,
    }


_written: WeakKeyDictionary[Statistics, orjson.Fragment] = WeakKeyDictionary()
"""What was remembered is written once."""


def _statistics(found: Statistics) -> orjson.Fragment:
    written = _written.get(found)
    if written is None:
        content = {
            "total_count": found.total_count,
            "average_confidence": found.average_confidence or 0.0,
            "confidence_distribution": {bin_.range: bin_.count for bin_ in found.confidence_distribution},
            "daily_counts": [{"date": day.date.isoformat(), "count": day.count} for day in found.daily_counts],
            "source_distribution": {source.source_type: source.count for source in found.source_distribution},
        }
        written = _written[found] = orjson.Fragment(jsontext.dumps(content))
    return written
