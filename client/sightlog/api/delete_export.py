from pydantic import Field

from .base_model import BaseModel


class DeleteExport(BaseModel):
    delete_export: str = Field(alias="deleteExport")
