from datetime import date
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ReviewState


class Statistics(BaseModel):
    statistics: "StatisticsStatistics"


class StatisticsStatistics(BaseModel):
    total_count: int = Field(alias="totalCount")
    scored_count: int = Field(alias="scoredCount")
    average_confidence: Optional[float] = Field(alias="averageConfidence")
    truncated: bool
    revision: int
    time_zone: str = Field(alias="timeZone")
    review_counts: list["StatisticsStatisticsReviewCounts"] = Field(
        alias="reviewCounts"
    )
    confidence_distribution: list["StatisticsStatisticsConfidenceDistribution"] = Field(
        alias="confidenceDistribution"
    )
    daily_counts: list["StatisticsStatisticsDailyCounts"] = Field(alias="dailyCounts")
    source_distribution: list["StatisticsStatisticsSourceDistribution"] = Field(
        alias="sourceDistribution"
    )
    type_distribution: list["StatisticsStatisticsTypeDistribution"] = Field(
        alias="typeDistribution"
    )


class StatisticsStatisticsReviewCounts(BaseModel):
    state: ReviewState
    count: int


class StatisticsStatisticsConfidenceDistribution(BaseModel):
    range_: str = Field(alias="range")
    count: int


class StatisticsStatisticsDailyCounts(BaseModel):
    date: date
    count: int


class StatisticsStatisticsSourceDistribution(BaseModel):
    source_type: str = Field(alias="sourceType")
    count: int


class StatisticsStatisticsTypeDistribution(BaseModel):
    type_: str = Field(alias="type")
    count: int


Statistics.model_rebuild()
StatisticsStatistics.model_rebuild()
