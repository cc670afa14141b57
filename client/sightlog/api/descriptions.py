from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Result


class Descriptions(BaseModel):
    descriptions: "DescriptionsDescriptions"


class DescriptionsDescriptions(BaseModel):
    nodes: list["DescriptionsDescriptionsNodes"]
    page_info: "DescriptionsDescriptionsPageInfo" = Field(alias="pageInfo")


DescriptionsDescriptionsNodes = Result


class DescriptionsDescriptionsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


Descriptions.model_rebuild()
DescriptionsDescriptions.model_rebuild()
