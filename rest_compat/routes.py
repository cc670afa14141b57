"""The documented paths."""

import json
import uuid
from collections.abc import Callable, Coroutine
from itertools import chain
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, FastAPI, Header, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from app import jsontext
from app.errors import InvalidInput
from app.history.pagination import Pagination
from app.http import direct, downloads, gate, paths
from app.http.gate import Caller
from graphql_schema import resolvers
from graphql_schema.context import Context
from rest_compat import params, schemas
from rest_compat.errors import responses
from rest_compat.params import ExportBody, ListParameters


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return jsontext.loads(await self.body(), unique_keys=False)
        except json.JSONDecodeError:
            raise
        except ValueError as error:
            raise json.JSONDecodeError(f"it {error}", "", 0) from None


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            _check_query(request)
            strict = _StrictRequest(request.scope, request.receive)
            if self.body_field:
                await strict.body()  # what is raised while FastAPI reads it would be told as no JSON
            return await handle(strict)

        return strictly


async def _context(request: Request, caller: Caller) -> Context:
    return Context.of(request, caller)


def _check_query(request: Request) -> None:
    """Decoding a query replaces what is no UTF-8, and then something else would be searched for."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise InvalidInput("The query is no UTF-8: percent-encode the bytes of UTF-8 text.") from None


ContextOf = Annotated[Context, Depends(_context)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=255, description="The same key and body give the same export; keys are yours to make."
    ),
]

router = APIRouter(
    prefix=paths.DATA,
    tags=["Data Export"],
    route_class=_Route,
    responses=responses(401, 422, 429, 500, 503),
)


@router.get(
    "/descriptions",
    response_model=schemas.DescriptionList,
    responses=responses(413),
    summary="Processing history",
    operation_id="listDescriptions",
    openapi_extra={"parameters": params.LISTED, "security": [{gate.bearer.scheme_name: []}]},
)
async def descriptions(request: Request) -> Response:
    """The account's results, newest first, with statistics over all that match."""
    context, asked = Context.of(request, request.state.principal), params.listed(request.query_params)
    wanted, part = asked.filter(), Pagination(limit=asked.limit, offset=asked.offset)
    page = await resolvers.descriptions(context, wanted, part, schemas.ITEMS, with_statistics=True)
    unknown = params.unknown(request.query_params, ListParameters.model_fields)
    return _answer(schemas.list_answer(page, wanted, asked), unknown)


@router.post(
    "/export",
    status_code=202,
    response_model=schemas.ExportAnswer,
    responses=responses(413),
    summary="Start an export",
    operation_id="createExport",
)
async def create_export(
    request: Request, context: ContextOf, body: ExportBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Writes the matching results into a file. Returns at once, with the id to ask for."""
    state = await context.run(resolvers.create_export, context, body.request(idempotency_key))
    answer = schemas.export_answer(state)
    # What was just asked for is documented as processing; a repeated request may find it further.
    answer |= {"status": "processing"} if answer["status"] == "pending" else {}
    return _answer(answer, params.unknown(chain(request.query_params, body.model_extra or ())), 202)


@router.get(
    "/export/{export_id}",
    response_model=schemas.ExportAnswer,
    responses=responses(404),
    summary="Status of an export",
    operation_id="getExport",
)
async def export(request: Request, context: ContextOf, export_id: uuid.UUID) -> Response:
    """How far it is, and once it is completed where to download it."""
    state = await context.run(resolvers.unexpired_export, context, export_id)
    return _answer(schemas.export_answer(state), params.unknown(request.query_params))


@router.get(
    "/export/{export_id}/download",
    response_class=Response,
    responses=responses(404, 409) | schemas.DOWNLOADS,
    summary="The file of an export, or its receipt",
    operation_id="downloadExport",
)
@router.head("/export/{export_id}/download", include_in_schema=False)
async def download(
    request: Request,
    context: ContextOf,
    export_id: uuid.UUID,
    receipt: Annotated[str | None, Query(description="`?receipt`: the signed receipt instead of the file.")] = None,
) -> Response:
    """An address that stays the same for as long as there is the file: it gives it, or redirects to where it is.

    `HEAD`, `Range`, `If-Range` and `If-None-Match` are understood; the `ETag` is the SHA-256 of the file.
    """
    if receipt is not None:
        return downloads.receipt_of((await context.run(resolvers.export, context, export_id)).row)
    state = await context.run(resolvers.unexpired_export, context, export_id)
    return await downloads.of_export(request, context.runtime, state.row)


def mount(app: FastAPI) -> None:
    app.include_router(router)
    direct.add(app, f"{router.prefix}/descriptions", _descriptions, ["GET"])  # the reference needs that of the router


async def _descriptions(request: Request) -> Response:
    _check_query(request)
    return await descriptions(request)


def _answer(content: dict[str, Any], headers: dict[str, str], status: int = 200) -> Response:
    return Response(jsontext.dumps(content), status, headers, media_type="application/json")
