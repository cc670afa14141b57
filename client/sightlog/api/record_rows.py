from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import RecordOutcome


class RecordRows(BaseModel):
    record_descriptions: "RecordRowsRecordDescriptions" = Field(
        alias="recordDescriptions"
    )


class RecordRowsRecordDescriptions(BaseModel):
    recorded: int
    already_known: int = Field(alias="alreadyKnown")
    conflicting: int
    refused: int
    rows: list["RecordRowsRecordDescriptionsRows"]


class RecordRowsRecordDescriptionsRows(BaseModel):
    index: int
    id: Optional[str]
    outcome: RecordOutcome
    error: Optional["RecordRowsRecordDescriptionsRowsError"]


class RecordRowsRecordDescriptionsRowsError(BaseModel):
    code: str
    field: Optional[str]
    message: str


RecordRows.model_rebuild()
RecordRowsRecordDescriptions.model_rebuild()
RecordRowsRecordDescriptionsRows.model_rebuild()
