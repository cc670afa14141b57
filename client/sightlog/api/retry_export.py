from pydantic import Field

from .base_model import BaseModel
from .fragments import ExportState


class RetryExport(BaseModel):
    retry_export: "RetryExportRetryExport" = Field(alias="retryExport")


RetryExportRetryExport = ExportState
RetryExport.model_rebuild()
