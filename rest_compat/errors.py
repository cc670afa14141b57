"""Errors in the two documented shapes: an envelope before a handler runs, `detail` from within one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from app import jsontext
from app.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    SightlogError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class EnvelopedError(BaseModel):
    code: str = Field(examples=["INVALID_API_KEY"])
    message: str = Field(examples=["The API key is not valid."])
    details: dict[str, Any] = Field(examples=[{}])


class Envelope(BaseModel):
    error: EnvelopedError
    request_id: str = Field(examples=["550e8400-e29b-41d4-a716-446655440000"])


class Detail(BaseModel):
    detail: str = Field(examples=["Export not found"])


class CodedDetail(BaseModel):
    code: str = Field(examples=["AUTHZ_ERROR"])
    message: str = Field(examples=["This needs an API key with the scope 'write'; this one has 'read'."])


class Forbids(BaseModel):
    detail: CodedDetail


class Place(BaseModel):
    loc: list[str | int] = Field(examples=[["query", "limit"]])
    msg: str = Field(examples=["Input should be less than or equal to 1000"])
    type: str = Field(examples=["less_than_equal"])


class RuleDetail(BaseModel):
    code: str = Field(examples=["VALIDATION_ERROR"])
    message: str = Field(examples=["The start date lies after the end date."])
    field: str | None = Field(None, examples=["start_date"])


class Refusal(BaseModel):
    detail: list[Place] | RuleDetail


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these statuses."""
    known: dict[int, tuple[type[BaseModel], str]] = {
        401: (Envelope, "The API key is missing, wrong, expired or deactivated"),
        403: (Forbids, "The API key's scope does not suffice"),
        404: (Detail, "Not found"),
        409: (Forbids, "Its state does not allow it"),
        413: (Forbids, "The body, or the answer, is larger than this server allows"),
        422: (Refusal, "A parameter is wrong, or parameters are wrong together"),
        429: (Envelope, "Too many requests; see Retry-After"),
        500: (Envelope, "Something went wrong on our side"),
        503: (Envelope, "A server that is needed does not answer; try again"),
    }
    return {
        status: {"model": known[status][0], "description": known[status][1]}
        | ({"content": {"application/json": {"example": _example(error)}}} if (error := _EXAMPLES.get(status)) else {})
        for status in statuses
    }


_EXAMPLES = {
    401: Unauthenticated("The API key is not valid."),
    403: Forbidden("This needs an API key with the scope 'write'; this one has 'read'."),
    404: NotFound("Export not found"),
    409: Conflict("The export is processing: it can be downloaded once it is completed."),
    413: TooLarge("A body of more than 1048576 bytes needs an API key with the scope 'write'."),
    429: RateLimited("Too many requests: 500 a minute are allowed. Please wait."),
    500: SightlogError("Something went wrong on our side."),
    503: Unavailable("The database does not answer at the moment. Please try again."),
}


def _example(error: SightlogError) -> dict[str, Any]:
    return _content("550e8400-e29b-41d4-a716-446655440000", error)


def render(request: Request, error: SightlogError) -> Response:
    return _json(_content(request.state.request_id, error), error.status, error.headers)


def _content(request_id: str, error: SightlogError) -> dict[str, Any]:
    if isinstance(error, NotFound):
        return {"detail": error.message}
    if isinstance(error, InvalidInput):
        return {"detail": {"code": error.code, "message": error.message, "field": error.field}}
    if 400 <= error.status < 500 and error.status not in (401, 429):
        return {"detail": {"code": error.code, "message": error.message}}
    told = {"code": error.code, "message": error.message, "details": {}}
    return {"error": told, "request_id": request_id}


def render_places(places: Sequence[Any]) -> Response:
    detail = [{"loc": list(place["loc"]), "msg": _message(place), "type": place["type"]} for place in places]
    return _json({"detail": detail}, 422)


def _message(place: Any) -> str:
    if place["type"] == "json_invalid":
        return f"The body is no JSON: {place['ctx']['error']}"
    if place["type"] == "model_attributes_type":
        return "The body should be a JSON object, sent as application/json"
    message: str = place["msg"]
    return message


def _json(content: dict[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(jsontext.dumps(content), status, headers, media_type="application/json")
