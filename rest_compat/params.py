"""The parameters and the body of the documented requests, checked one by one; a refusal names its place."""

import re
from collections.abc import Callable, Container, Iterable
from datetime import datetime
from itertools import islice
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError
from starlette.datastructures import QueryParams

from app import times
from app.errors import InvalidInput
from app.exports import requests
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history import fields, filters
from app.history.columns import COLUMNS
from app.history.filters import DescriptionFilter
from app.history.pagination import MAX_PAGE

MAX_FIELD_NAMES = 100
"""Names of columns in one body; there are fewer columns, but naming one twice is no mistake."""

MAX_NAMED = 20
MAX_NAME = 64
"""Unknown parameters that are named, and characters of each."""


def _moment(value: object) -> object:
    try:
        return times.parse(value)
    except ValueError as error:
        kind = "datetime_parsing" if isinstance(value, str) else "datetime_type"
        raise PydanticCustomError(kind, "Input {reason}", {"reason": str(error)}) from None


def _split(value: object) -> object:
    """Of a query a list is what was given under one name, each of it comma-separated."""
    return [part for text in value for part in filters.split(text)] if isinstance(value, list) else value


def _meant(name: str, kind: str) -> Callable[[object, ValidatorFunctionWrapHandler], list[str]]:
    """Checks a list of texts as the filter's field of that name does, and how many there are before looking at them."""

    def check(values: object, handler: ValidatorFunctionWrapHandler) -> list[str]:
        try:
            if isinstance(values, list):
                fields.check_number(name, values)
            return list(getattr(filters.of({name: handler(values)}), name))
        except InvalidInput as error:
            raise PydanticCustomError(kind, "{reason}", {"reason": error.message}) from None

    return check


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
Terms = Annotated[list[str], Field(fail_fast=True), WrapValidator(_meant("search", "search_terms"))]
Names = Annotated[list[str], Field(fail_fast=True), WrapValidator(_meant("source_types", "source_types"))]
FieldNames = Annotated[list[Annotated[str, AfterValidator(_field)]], Field(max_length=MAX_FIELD_NAMES, fail_fast=True)]
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
        return filters.of({name: getattr(self, name) for name in _LIST_FILTERS})


class ExportBody(BaseModel):
    """The body of `POST /export`. Unknown keys are ignored."""

    model_config = ConfigDict(
        extra="allow",  # to be named, see `unknown`
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
        },
    )

    data_type: Literal["descriptions"]
    format: Literal["csv", "json", "jsonl"]
    start_date: Moment | None = None
    end_date: Moment | None = None
    min_confidence: StrictScore | None = None
    max_confidence: StrictScore | None = None
    search: Terms | None = Field(None, alias="search_terms")
    source_types: Names | None = None
    include_metadata: Annotated[bool, Field(strict=True)] = True
    include_failed: Annotated[bool, Field(strict=True)] = False
    fields: FieldNames | None = Field(None, description="Columns, in this order; empty: all. " + ", ".join(COLUMNS))
    limit: Annotated[int, Field(ge=1, le=requests.MAX_ROWS, strict=True)] | None = Field(
        None, description="The newest ones; left out: all matches, at most 100000."
    )

    def request(self, idempotency_key: str | None) -> ExportRequest:
        return ExportRequest(
            format=ExportFormat(self.format),
            filter=filters.of({name: getattr(self, name) for name in _EXPORT_FILTERS}),
            fields=self.fields or (),
            include_metadata=self.include_metadata,
            limit=self.limit,
            idempotency_key=idempotency_key,
        )


def _filters_of(model: type[BaseModel], *beside: str) -> list[str]:
    """The fields of the model that are those of a filter: all but the ones beside."""
    names = [name for name in model.model_fields if name not in beside]
    if unknown := set(names) - filters.FIELDS.keys():
        raise TypeError(f"{model.__name__} has {', '.join(sorted(unknown))}, which DescriptionFilter does not declare.")
    return names


_LIST_FILTERS = _filters_of(ListParameters, "offset", "limit")
_EXPORT_FILTERS = _filters_of(ExportBody, "data_type", "format", "include_metadata", "fields", "limit")

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


def unknown(names: Iterable[str], known: Container[str] = ()) -> dict[str, str]:
    """The header that names parameters which nobody knows, so that one who misspelt one sees it; none, no header.

    Percent-encoded but for letters, digits, `_.-~[]`, and joined by commas; `...` stands for more than are named.
    """
    found = list(islice((name for name in names if name not in known), MAX_NAMED + 1))
    told = [quote(name[:MAX_NAME], safe="[]", errors="replace") for name in found[:MAX_NAMED]]
    told += ["..."] * (len(found) > MAX_NAMED)
    return {"X-Unknown-Parameters": ",".join(told)} if told else {}


_LISTS = frozenset({"search", "source_types"})
