from datetime import datetime
from typing import Optional

from .base_model import BaseModel
from .enums import Verdict
from .fragments import Result


class Description(BaseModel):
    description: Optional["DescriptionDescription"]


class DescriptionDescription(Result):
    reviews: list["DescriptionDescriptionReviews"]


class DescriptionDescriptionReviews(BaseModel):
    verdict: Verdict
    text: Optional[str]
    note: Optional[str]
    by: str
    at: datetime


Description.model_rebuild()
DescriptionDescription.model_rebuild()
