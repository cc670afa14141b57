from datetime import datetime
from typing import Any, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    Compression,
    CsvDialect,
    DescriptionStatus,
    ExportFormat,
    ExportStatus,
    ReviewState,
)


class ExportState(BaseModel):
    id: str
    status: ExportStatus
    format: ExportFormat
    compression: Compression
    dialect: Optional[CsvDialect]
    fields: list[str]
    columns: list["ExportStateColumns"]
    progress: "ExportStateProgress"
    record_count: Optional[int] = Field(alias="recordCount")
    download_url: Optional[str] = Field(alias="downloadUrl")
    created_at: datetime = Field(alias="createdAt")
    completed_at: Optional[datetime] = Field(alias="completedAt")
    expired_at: Optional[datetime] = Field(alias="expiredAt")
    estimated_completion_time: Optional[datetime] = Field(
        alias="estimatedCompletionTime"
    )
    error_message: Optional[str] = Field(alias="errorMessage")
    receipt: Optional["ExportStateReceipt"]
    ledger: Optional["ExportStateLedger"]


class ExportStateColumns(BaseModel):
    name: str
    as_: str = Field(alias="as")


class ExportStateProgress(BaseModel):
    rows_written: int = Field(alias="rowsWritten")
    rows_total: Optional[int] = Field(alias="rowsTotal")


class ExportStateReceipt(BaseModel):
    rows: int
    bytes_: int = Field(alias="bytes")
    sha_256: str = Field(alias="sha256")
    snapshot_at: datetime = Field(alias="snapshotAt")
    notes: list["ExportStateReceiptNotes"]


class ExportStateReceiptNotes(BaseModel):
    name: str
    count: int


class ExportStateLedger(BaseModel):
    rows: int
    download_url: Optional[str] = Field(alias="downloadUrl")


class Result(BaseModel):
    id: str
    type_: str = Field(alias="type")
    status: DescriptionStatus
    source_type: str = Field(alias="sourceType")
    source_id: Optional[str] = Field(alias="sourceId")
    created_at: datetime = Field(alias="createdAt")
    image_url: Optional[str] = Field(alias="imageUrl")
    image_id: Optional[str] = Field(alias="imageId")
    description: Optional[str]
    confidence_score: Optional[float] = Field(alias="confidenceScore")
    verification: Optional[Any]
    metadata: Any
    error_message: Optional[str] = Field(alias="errorMessage")
    review_state: ReviewState = Field(alias="reviewState")


ExportState.model_rebuild()
Result.model_rebuild()
