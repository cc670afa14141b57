from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import EstimateBasis, ExportLimit


class PlanExport(BaseModel):
    plan_export: "PlanExportPlanExport" = Field(alias="planExport")


class PlanExportPlanExport(BaseModel):
    rows: int
    revision: int
    bytes_: Optional["PlanExportPlanExportBytes"] = Field(alias="bytes")
    seconds: "PlanExportPlanExportSeconds"
    broken_limit: Optional["PlanExportPlanExportBrokenLimit"] = Field(
        alias="brokenLimit"
    )


class PlanExportPlanExportBytes(BaseModel):
    value: float
    basis: EstimateBasis
    exports: int
    rows: int


class PlanExportPlanExportSeconds(BaseModel):
    value: float
    basis: EstimateBasis
    exports: int
    rows: int


class PlanExportPlanExportBrokenLimit(BaseModel):
    name: ExportLimit
    value: int
    message: str
    windows: list["PlanExportPlanExportBrokenLimitWindows"]


class PlanExportPlanExportBrokenLimitWindows(BaseModel):
    start: datetime
    end: Optional[datetime]
    end_date: Optional[datetime] = Field(alias="endDate")
    rows: int


PlanExport.model_rebuild()
PlanExportPlanExport.model_rebuild()
PlanExportPlanExportBrokenLimit.model_rebuild()
