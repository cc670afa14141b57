from pydantic import Field

from .base_model import BaseModel


class RecordDescriptions(BaseModel):
    record_descriptions: "RecordDescriptionsRecordDescriptions" = Field(
        alias="recordDescriptions"
    )


class RecordDescriptionsRecordDescriptions(BaseModel):
    recorded: int
    already_known: int = Field(alias="alreadyKnown")
    conflicting: int
    conflicting_ids: list[str] = Field(alias="conflictingIds")
    ids: list[str]


RecordDescriptions.model_rebuild()
