"""The parameters and the body of the documented requests, checked one by one; a refusal names its place."""

import re
from datetime import datetime
from typing import Annotated, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.datastructures import QueryParams

from app import times
from app.errors import InvalidInput
from app.exports import requests
from app.exports.requests import ExportRequest
from app.history import filters
from app.history.columns import COLUMNS
from app.history.filters import DescriptionFilter
from app.history.pages import MAX_PAGE
from app.models import ExportFormat


def _moment(value: object) -> object:
    try:
        return times.parse(value)
    except ValueError as error:
        kind = "datetime_parsing" if isinstance(value, str) else "datetime_type"
        raise PydanticCustomError(kind, "Input {reason}", {"reason": str(error)}) from None


def _split(value: object) -> object:
    """Of a query a list is what was given under one name, each of it comma-separated."""
    return [part for text in value for part in filters.split(text)] if isinstance(value, list) else value


def _terms(values: list[str]) -> list[str]:
    try:
        return list(DescriptionFilter(search=tuple(values)).search)
    except InvalidInput as error:
        raise PydanticCustomError("search_terms", "{reason}", {"reason": error.message}) from None


def _names(values: list[str]) -> list[str]:
    try:
        return list(DescriptionFilter(source_types=tuple(values)).source_types)
    except InvalidInput as error:
        raise PydanticCustomError("source_types", "{reason}", {"reason": error.message}) from None


def _field(value: str) -> str:
    if value not in COLUMNS:
        raise PydanticCustomError("field_name", "Input should be one of {names}", {"names": ", ".join(COLUMNS)})
    return value


def _digits(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]+", value):
        raise PydanticCustomError("int_parsing", "Input should be a whole number")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, str) and ("_" in value or value != value.strip()):  # Python would read 0_1 as 1
        raise PydanticCustomError("float_parsing", "Input should be a number")
    return value


Whole = Annotated[int, BeforeValidator(_digits)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2025-01-01T00:00:00Z"]}),
]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, examples=[0.8]), BeforeValidator(_decimal)]
StrictScore = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True, examples=[0.8])]
Terms = Annotated[list[str], AfterValidator(_terms)]
Names = Annotated[list[str], AfterValidator(_names)]
CommaSeparated = WithJsonSchema({"type": "string"})


class ListParameters(BaseModel):
    """The query of `GET /descriptions`. Unknown parameters are ignored."""

    start_date: Moment | None = Field(None, description="Filter by start date (ISO 8601, inclusive).")
    end_date: Moment | None = Field(None, description="Filter by end date (ISO 8601, inclusive).")
    min_confidence: Score | None = Field(
        None, description="Minimum confidence score (0-1, inclusive); results without a score do not match."
    )
    max_confidence: Score | None = Field(
        None, description="Maximum confidence score (0-1, inclusive); results without a score do not match."
    )
    search: Annotated[Terms | None, BeforeValidator(_split), CommaSeparated] = Field(
        None,
        description="Search terms, comma-separated: one of them must occur in the description, ignoring case.",
        examples=["landscape,mountain"],
    )
    source_types: Annotated[Names | None, BeforeValidator(_split), CommaSeparated] = Field(
        None, description="Source types, comma-separated.", examples=["single,batch"]
    )
    offset: Whole = Field(0, ge=0, description="Results to skip.")
    limit: Whole = Field(100, ge=1, le=MAX_PAGE, description="Most results to return.")

    def filter(self) -> DescriptionFilter:
        return DescriptionFilter(
            start_date=self.start_date,
            end_date=self.end_date,
            min_confidence=self.min_confidence,
            max_confidence=self.max_confidence,
            search=tuple(self.search or ()),
            source_types=tuple(self.source_types or ()),
        )


class ExportBody(BaseModel):
    """The body of `POST /export`. Unknown keys are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "data_type": "descriptions",
                "format": "csv",
                "start_date": "2025-01-01T00:00:00Z",
                "end_date": "2025-01-31T23:59:59Z",
                "min_confidence": 0.8,
                "max_confidence": 1.0,
                "search_terms": ["safety", "equipment"],
                "source_types": ["single", "batch"],
                "include_metadata": True,
                "include_failed": False,
                "fields": ["id", "description", "confidence_score"],
                "limit": 10000,
            }
        }
    )

    data_type: Literal["descriptions"]
    format: Literal["csv", "json", "jsonl"]
    start_date: Moment | None = None
    end_date: Moment | None = None
    min_confidence: StrictScore | None = None
    max_confidence: StrictScore | None = None
    search_terms: Terms | None = None
    source_types: Names | None = None
    include_metadata: Annotated[bool, Field(strict=True)] = True
    include_failed: Annotated[bool, Field(strict=True)] = False
    fields: list[Annotated[str, AfterValidator(_field)]] | None = Field(
        None, description="Columns, in this order; empty: all. " + ", ".join(COLUMNS)
    )
    limit: Annotated[int, Field(ge=1, le=requests.MAX_ROWS, strict=True)] | None = Field(
        None, description="The newest ones; left out: all matches, at most 100000."
    )

    def request(self, idempotency_key: str | None) -> ExportRequest:
        wanted = DescriptionFilter(
            start_date=self.start_date,
            end_date=self.end_date,
            min_confidence=self.min_confidence,
            max_confidence=self.max_confidence,
            search=tuple(self.search_terms or ()),
            source_types=tuple(self.source_types or ()),
            include_failed=self.include_failed,
        )
        return ExportRequest(
            format=ExportFormat(self.format),
            filter=wanted,
            fields=self.fields or (),
            include_metadata=self.include_metadata,
            limit=self.limit,
            idempotency_key=idempotency_key,
        )


LISTED = [
    {"name": name, "in": "query", "required": False, "schema": schema}
    | ({"description": schema["description"]} if "description" in schema else {})
    for name, schema in ListParameters.model_json_schema()["properties"].items()
]
"""The query of `GET /descriptions` in OpenAPI."""


def listed(query: QueryParams) -> ListParameters:
    """As FastAPI would read it, which takes longer than all the rest of the request. RequestValidationError."""
    given = {name: query.getlist(name) if name in _LISTS else query[name] for name in query}
    try:
        return ListParameters.model_validate(given)
    except ValidationError as error:
        places = error.errors(include_url=False)
        raise RequestValidationError([place | {"loc": ("query", *place["loc"])} for place in places]) from None


_LISTS = frozenset({"search", "source_types"})
