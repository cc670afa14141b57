from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import Scope


class Viewer(BaseModel):
    viewer: "ViewerViewer"


class ViewerViewer(BaseModel):
    account_name: str = Field(alias="accountName")
    scope: Scope
    key_prefix: str = Field(alias="keyPrefix")
    key_name: Optional[str] = Field(alias="keyName")


Viewer.model_rebuild()
