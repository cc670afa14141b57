from datetime import datetime
from typing import Any, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    Compression,
    CsvDialect,
    DescriptionOrderField,
    DescriptionStatus,
    ExportFormat,
    ReviewState,
    SearchMode,
    SortDirection,
)


class CreateExportInput(BaseModel):
    """What to export, and how."""

    format: ExportFormat
    compression: Optional[Compression] = Compression.NONE
    filter_: Optional["DescriptionFilter"] = Field(alias="filter", default=None)
    fields: Optional[list[str]] = None
    "Columns in this order, by their names in the file (`created_at`); empty: all."
    columns: Optional[list["ExportColumnInput"]] = None
    "Instead of `fields`: under other names, and keys of the metadata; 100 at most."
    dialect: Optional[CsvDialect] = CsvDialect.RFC4180
    "Of CSV. `EXCEL` is for spreadsheets: `sightlog import --dialect excel` reads it."
    include_metadata: Optional[bool] = Field(alias="includeMetadata", default=True)
    limit: Optional[int] = None
    "The newest ones, up to 100000; a key with the scope `admin` may ask for more, and gets all without a limit."
    images: Optional[bool] = False
    "Of a training set: fetches each image from its `imageUrl` into it. Needs the scope `write`. What cannot be fetched is in the ledger."
    texts: Optional[bool] = False
    "Besides, a `.txt` with the description beside each image."
    view: Optional[str] = None
    "In place of a filter: what a page told of itself. Refused with `DRIFTED` where the history has changed since."
    allow_drift: Optional[bool] = Field(alias="allowDrift", default=False)
    "With a view: export what matches now, whatever has changed."


class DescriptionFilter(BaseModel):
    """Which results are meant. Bounds are inclusive; null or an empty list is as if absent."""

    start_date: Optional[datetime] = Field(alias="startDate", default=None)
    end_date: Optional[datetime] = Field(alias="endDate", default=None)
    min_confidence: Optional[float] = Field(alias="minConfidence", default=None)
    "0 to 1. Once a bound is given, results without a score do not match."
    max_confidence: Optional[float] = Field(alias="maxConfidence", default=None)
    include_unscored: Optional[bool] = Field(alias="includeUnscored", default=False)
    "With a confidence bound: results without a score match too."
    search: Optional[list[str]] = None
    "Terms that occur in the description, ignoring case; `%` and `_` mean themselves."
    search_mode: Optional[SearchMode] = Field(
        alias="searchMode", default=SearchMode.ANY
    )
    exclude_search: Optional[list[str]] = Field(alias="excludeSearch", default=None)
    "Terms none of which occurs in the description; a result without one matches."
    source_types: Optional[list[str]] = Field(alias="sourceTypes", default=None)
    types: Optional[list[str]] = None
    image_ids: Optional[list[str]] = Field(alias="imageIds", default=None)
    source_ids: Optional[list[str]] = Field(alias="sourceIds", default=None)
    metadata: Optional[list["MetadataCondition"]] = None
    "What the metadata has at paths, at most 10; all of them must hold."
    review_states: Optional[list[ReviewState]] = Field(
        alias="reviewStates", default=None
    )
    "By the newest verdict of who reviewed them."
    include_failed: Optional[bool] = Field(alias="includeFailed", default=False)


class DescriptionInput(BaseModel):
    """A result to record. Without an id it gets one (a UUIDv7), without a time it is of now."""

    id: Optional[str] = None
    type_: Optional[str] = Field(alias="type", default="description")
    status: Optional[DescriptionStatus] = DescriptionStatus.COMPLETED
    source_type: str = Field(alias="sourceType")
    source_id: Optional[str] = Field(alias="sourceId", default=None)
    created_at: Optional[datetime] = Field(alias="createdAt", default=None)
    image_url: Optional[str] = Field(alias="imageUrl", default=None)
    image_id: Optional[str] = Field(alias="imageId", default=None)
    description: Optional[str] = None
    confidence_score: Optional[float] = Field(alias="confidenceScore", default=None)
    verification: Optional[Any] = None
    metadata: Optional[Any] = None
    error_message: Optional[str] = Field(alias="errorMessage", default=None)


class DescriptionOrder(BaseModel):
    """Ties are broken by the time and then the id, in the same direction. Results without a score come last by
    `CONFIDENCE`, whatever the direction."""

    field: DescriptionOrderField = DescriptionOrderField.CREATED_AT
    direction: SortDirection = SortDirection.DESC


class ExportColumnInput(BaseModel):
    """A column of a file. `{name: "metadata.model", as: "model"}`"""

    name: str
    "A column by its own name (`description`), or a path in the metadata behind `metadata.`: its texts as they are, other values as JSON, null where it is not there."
    as_: Optional[str] = Field(alias="as", default=None)
    "What the file calls it: 1 to 255 characters, no two the same; left out: its own name."


class MetadataCondition(BaseModel):
    """What the metadata has at a path. `{path: "model", equals: "m1"}`"""

    path: str
    "Keys of objects within each other, with dots between: `a.b`. In a key, a dot is `\\.` and a backslash `\\\\`."
    equals: Any
    "A text, a number or a boolean. The text `1` is not the number 1; 1.0 is."


CreateExportInput.model_rebuild()
DescriptionFilter.model_rebuild()
