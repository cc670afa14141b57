from pydantic import Field

from .base_model import BaseModel
from .fragments import ExportState


class CreateExport(BaseModel):
    create_export: "CreateExportCreateExport" = Field(alias="createExport")


CreateExportCreateExport = ExportState
CreateExport.model_rebuild()
