from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import ExportState


class Exports(BaseModel):
    exports: "ExportsExports"


class ExportsExports(BaseModel):
    nodes: list["ExportsExportsNodes"]
    page_info: "ExportsExportsPageInfo" = Field(alias="pageInfo")


ExportsExportsNodes = ExportState


class ExportsExportsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


Exports.model_rebuild()
ExportsExports.model_rebuild()
