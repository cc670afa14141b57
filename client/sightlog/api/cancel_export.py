from pydantic import Field

from .base_model import BaseModel
from .fragments import ExportState


class CancelExport(BaseModel):
    cancel_export: "CancelExportCancelExport" = Field(alias="cancelExport")


CancelExportCancelExport = ExportState
CancelExport.model_rebuild()
