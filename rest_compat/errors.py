"""Errors in the two documented shapes: an envelope before a handler runs, `detail` from within one."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from app import jsontext
from app.errors import InvalidInput, NotFound, SightlogError, Unauthenticated


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
        413: (Forbids, "The body is larger than this server takes"),
        422: (Refusal, "A parameter is wrong, or parameters are wrong together"),
        429: (Envelope, "Too many requests; see Retry-After"),
        500: (Envelope, "Something went wrong on our side"),
        503: (Envelope, "A server that is needed does not answer; try again"),
    }
    return {status: {"model": known[status][0], "description": known[status][1]} for status in statuses}


def render(request: Request, error: SightlogError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
    content: dict[str, Any]
    if isinstance(error, NotFound):
        content = {"detail": error.message}
    elif isinstance(error, InvalidInput):
        content = {"detail": {"code": error.code, "message": error.message, "field": error.field}}
    elif 400 <= error.status < 500 and error.status not in (401, 429):
        content = {"detail": {"code": error.code, "message": error.message}}
    else:
        content = envelope(request, error.code, error.message)
    return _json(content, error.status, headers)


def envelope(request: Request, code: str, message: str) -> dict[str, Any]:
    error = {"code": code, "message": message, "details": {}}
    return {"error": error, "request_id": request.state.request_id}


def render_unexpected(request: Request) -> Response:
    return _json(envelope(request, "INTERNAL_ERROR", "Something went wrong on our side."), 500)


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


def _json(content: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(jsontext.dumps(content), status, headers, media_type="application/json")
