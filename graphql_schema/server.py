"""The schema over HTTP (the GraphQL-over-HTTP specification) and WebSocket (graphql-transport-ws)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.fastapi import BaseContext, GraphQLRouter
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from app import gate, jsontext
from app.console import pages
from app.errors import SightlogError
from graphql_schema.context import Context
from graphql_schema.schema import schema
from tasks.queue import Queue

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"


class RequestContext(BaseContext):
    """What Strawberry hands to resolvers; `core` is there once the caller is known."""

    core: Context
    connection_params: dict[str, Any] | None = None

    def admit(self, connection: HTTPConnection, authorization: str | None) -> None:
        queue: Queue = connection.app.state.queue
        self.core = Context(gate.runtime_of(connection), queue, gate.admit(connection, authorization))


async def context_of(connection: HTTPConnection) -> RequestContext:
    context = RequestContext()
    is_page = connection.scope["type"] == "http" and pages.wants_page(Request(connection.scope))
    if connection.scope["type"] == "http" and not is_page:
        await run_in_threadpool(context.admit, connection, connection.headers.get("authorization"))
    return context


class Router(GraphQLRouter[RequestContext, None]):
    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return pages.wants_page(request._request)  # type: ignore[attr-defined]

    async def render_graphql_ide(self, request: Request) -> Response:  # type: ignore[override]
        return pages.graphiql_page()

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        if self.is_websocket_request(request):
            return await super().run(request, context, root_value)
        accepted = None if pages.wants_page(request) else _negotiate(request.headers.get("accept"))
        try:
            if accepted == "":
                raise HTTPException(406, f"This endpoint answers with {RESPONSE_JSON} or {JSON}.")
            response: Response = await super().run(request, context, root_value)
        except HTTPException as error:
            body = jsontext.dumps({"errors": [{"message": error.reason}]})
            headers = {"Allow": "POST"} if error.status_code == 405 else None
            return Response(body, error.status_code, headers, media_type=accepted or JSON)
        if accepted and not isinstance(response, StreamingResponse):
            response.headers["content-type"] = accepted + ("; charset=utf-8" if accepted == RESPONSE_JSON else "")
            # For plain JSON the specification keeps 200, since a proxy may have made any other status.
            response.status_code = 200 if accepted == JSON else response.status_code
        return response

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        if request.method == "POST" and (request.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise HTTPException(415, f"Send the request as {JSON}.")
        data = await super().parse_http_body(request)
        if isinstance(data, GraphQLRequestData) and not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "The operationName must be a string or null.")
        return data

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: RequestContext,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        try:
            return await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=OperationType.from_http(request_adapter.method),
                operation_extensions=request_data.extensions,
            )
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            status = 405 if request_adapter.method == "GET" else 400
            raise HTTPException(status, error.as_http_error_reason(request_adapter.method)) from error
        except MissingQueryError as error:
            raise HTTPException(400, "The request has no query.") from error

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = await super().process_result(request, result)
        if result.data is None and all(error.path is None for error in result.errors or ()):
            answer.pop("data", None)  # the request never began to execute
        return answer

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        return Response(jsontext.dumps(response_data), 200 if "data" in response_data else 400)

    def decode_json(self, data: str | bytes) -> object:
        try:
            return jsontext.loads(data)
        except json.JSONDecodeError:
            raise
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error

    def parse_json(self, data: str | bytes) -> Any:
        try:
            value = self.decode_json(data)
        except json.JSONDecodeError as error:
            raise HTTPException(400, f"The request is no JSON: {error.msg}.") from error
        if not isinstance(value, dict):
            raise HTTPException(400, "The request must be a JSON object.")
        return value

    def encode_json(self, data: object) -> str:
        return jsontext.dumps(data).decode()

    async def on_ws_connect(self, context: RequestContext) -> dict[str, object] | None:
        websocket: WebSocket = context.request  # type: ignore[assignment]
        given: Mapping[str, Any] = context.connection_params or {}
        named = [value for name, value in given.items() if name.lower() == "authorization" and isinstance(value, str)]
        authorization = named[0] if named else websocket.headers.get("authorization")
        try:
            await run_in_threadpool(context.admit, websocket, authorization)
        except SightlogError as error:
            raise ConnectionRejectionError({"code": error.code, "message": error.message}) from error
        return None


def router() -> Router:
    context_getter: Callable[..., Any] = context_of
    return Router(
        schema,
        "/graphql",
        context_getter=context_getter,
        subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
        include_in_schema=False,
    )


def _negotiate(accept: str | None) -> str | None:
    """The media type to answer with: "" where none is accepted, None for an event stream (Strawberry's business)."""
    best, quality = "", 0.0
    for item in (accept or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((_number(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
        offered = {RESPONSE_JSON: RESPONSE_JSON, JSON: JSON, "application/*": JSON, "*/*": JSON}.get(name)
        if name == "text/event-stream":
            return None
        if offered and weight > quality:
            best, quality = offered, weight
    return best


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
