from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ExportEventType
from .fragments import (  # noqa: F401
    ExportState,
    ExportStateColumns,
    ExportStateLedger,
    ExportStateProgress,
    ExportStateReceipt,
)


class Export(BaseModel):
    export: Optional["ExportExport"]


class ExportExport(ExportState):
    events: list["ExportExportEvents"]


class ExportExportEvents(BaseModel):
    type_: ExportEventType = Field(alias="type")
    at: datetime
    attempt: int
    key_prefix: Optional[str] = Field(alias="keyPrefix")
    message: Optional[str]


Export.model_rebuild()
ExportExport.model_rebuild()
