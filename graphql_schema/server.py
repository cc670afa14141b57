"""The schema over HTTP (the GraphQL-over-HTTP specification) and WebSocket (graphql-transport-ws)."""

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from fastapi import Request, Response
from graphql import GraphQLError, OperationType
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.routing import WebSocketRoute
from strawberry.dataloader import DataLoader
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.fastapi import BaseContext, GraphQLRouter
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.http.types import QueryParams
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType as StrawberryOperationType
from strawberry.types.unset import UNSET

from app import jsontext, threads
from app.console import pages
from app.errors import SightlogError, TooLarge
from app.http import accept, gate, middleware
from app.http.accept import JSON, RESPONSE_JSON
from app.models import ExportEvent
from graphql_schema import documents, resolvers
from graphql_schema.context import Context
from graphql_schema.documents import MAX_LENGTH
from graphql_schema.schema import ask, schema

EVENT_STREAM = "text/event-stream"
AT_A_TIME = 2
"""Fields of one request that wait for the database at a time, or the aliases of one could keep all others waiting."""
TOO_LONG = f"A query has at most {MAX_LENGTH} characters: send what is large as variables."


class RequestContext(BaseContext):
    """What Strawberry hands to resolvers; `core` is there once the caller is known."""

    core: Context
    authorization: str | None = None
    connection_params: dict[str, Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.turns = asyncio.Semaphore(AT_A_TIME)
        self.export_events = DataLoader(self._export_events, cache=False)

    async def admit(self, connection: HTTPConnection) -> None:
        self.core = Context.of(connection, await gate.admit(connection, self.authorization))

    async def _export_events(self, ids: list[uuid.UUID]) -> list[list[ExportEvent]]:
        return await ask(self, lambda context: threads.run(resolvers.export_events, context, ids))


async def context_of(connection: HTTPConnection) -> RequestContext:
    context = RequestContext()
    context.authorization = connection.headers.get("authorization")
    if caller := getattr(connection.state, "principal", None):
        context.core = Context.of(connection, caller)
    return context


class WebSocketHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    async def handle_message(self, message: Message) -> None:
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("The message has not the shape of its type.")

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """A connection may outlive its key, so each operation is admitted as a request is."""
        try:
            if len(operation.query) > MAX_LENGTH:
                raise TooLarge(TOO_LONG)
            await self.context.admit(cast(HTTPConnection, self.context.request))
        except SightlogError as error:
            await operation.send_initial_errors([GraphQLError(error.message, extensions={"code": error.code})])
            return
        await super().run_operation(operation)


class RequestAdapter(StarletteRequestAdapter):
    @property
    def content_type(self) -> str | None:
        """In the case that Strawberry compares it in."""
        given = super().content_type
        return given and given.lower()


class Router(GraphQLRouter[RequestContext, None]):
    request_adapter_class = RequestAdapter
    graphql_transport_ws_handler_class = WebSocketHandler

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return accept.wants_page(request._request)  # type: ignore[attr-defined]

    async def render_graphql_ide(self, request: Request) -> Response:  # type: ignore[override]
        return pages.graphiql_page()

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        if self.is_websocket_request(request):
            return await super().run(request, context, root_value)
        accepted = None if accept.wants_page(request) else _negotiate(request)
        try:
            if accepted == "" and not _accepts_stream(request):
                raise HTTPException(406, f"This endpoint answers with {RESPONSE_JSON} or {JSON}.")
            response: Response = await super().run(request, context, root_value)
        except HTTPException as error:
            response = Response(jsontext.dumps({"errors": [{"message": error.reason}]}), error.status_code)
            response.headers["content-type"] = f"{accepted or JSON}; charset=utf-8"
            if error.status_code == 405:
                response.headers["allow"] = "POST"
            return response
        if accepted and not isinstance(response, StreamingResponse):
            response.headers["content-type"] = f"{accepted}; charset=utf-8"
            # For plain JSON the specification keeps 200, since a proxy may have made any other status.
            response.status_code = 200 if accepted == JSON else response.status_code
        return response

    async def get_sub_response(self, request: Request) -> Response:
        """What a resolver could set headers on; ours do not."""
        response = Response()
        del response.headers["content-length"]
        return response

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        if request.method == "POST" and request.content_type != JSON:
            media_type, parameters = parse_content_type(request.content_type or "")
            if media_type != JSON or parameters.get("charset", "utf-8") != "utf-8":
                raise HTTPException(415, f"Send the request as {JSON}, encoded in UTF-8.")
        data = await super().parse_http_body(request)
        assert isinstance(data, GraphQLRequestData)
        if not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "The operationName must be a string or null.")
        if data.query is None:
            raise HTTPException(400, "The request has no query.")
        if len(data.query) > MAX_LENGTH:
            raise TooLarge(TOO_LONG)
        return data

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: RequestContext,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        """Streams subscriptions, and what a client accepts as nothing but a stream."""
        assert isinstance(request_data, GraphQLRequestData)
        if request_data.protocol == "sse":
            operation = documents.operation_type(request_data.query or "", request_data.operation_name)
            if operation is OperationType.MUTATION and request.method == "GET":
                raise _unsafe()
            if not _accepts_stream(request) or (operation is not OperationType.SUBSCRIPTION and _negotiate(request)):
                request_data.protocol = "http"
        return await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: RequestContext,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        query, name = request_data.query or "", request_data.operation_name
        if documents.operation_type(query, name) is OperationType.MUTATION:
            middleware.outlive_client(request)
        try:
            return await self.schema.execute(
                query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=name,
                allowed_operation_types=StrawberryOperationType.from_http(request_adapter.method)
                - {StrawberryOperationType.SUBSCRIPTION},
                operation_extensions=request_data.extensions,
            )
        except MissingQueryError:
            message = "The document is empty."
        except CannotGetOperationTypeError as error:
            message = error.as_http_error_reason()
        except InvalidOperationTypeError:
            operation = documents.operation_type(query, name)
            if operation is OperationType.MUTATION:
                raise _unsafe() from None
            if operation is OperationType.SUBSCRIPTION:
                reason = f"A subscription needs a stream: accept {EVENT_STREAM}, or open a WebSocket."
                raise HTTPException(406, reason) from None
            message = documents.AMBIGUOUS
        return ExecutionResult(None, [GraphQLError(message)])

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = await super().process_result(request, result)
        if result.data is None and all(error.path is None for error in result.errors or ()):
            answer.pop("data", None)  # the request never began to execute
        return answer

    def parse_query_params(self, params: QueryParams) -> dict[str, Any]:
        """Blank ones are as if absent, and a JSON null is as good."""
        given: dict[str, Any] = {name: value for name, value in params.items() if value}
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = self._json(given[name])
        return given

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
        value = self._json(data)
        if not isinstance(value, dict):
            raise HTTPException(400, "The request must be a JSON object.")
        return value

    def _json(self, data: str | bytes) -> object:
        try:
            return self.decode_json(data)
        except json.JSONDecodeError as error:
            raise HTTPException(400, f"The request is no JSON: {error.msg}.") from error

    def encode_json(self, data: object) -> str:
        return jsontext.dumps(data).decode()

    async def on_ws_connect(self, context: RequestContext) -> dict[str, object] | None:
        given: Mapping[str, Any] = context.connection_params or {}
        named = [value for name, value in given.items() if name.lower() == "authorization" and isinstance(value, str)]
        context.authorization = named[0] if named else context.authorization
        try:
            await context.admit(cast(HTTPConnection, context.request))
        except SightlogError as error:
            raise ConnectionRejectionError({"code": error.code, "message": error.message}) from error
        return None


def router(origins: Sequence[str] = ()) -> Router:
    """`origins`: those whose pages may open a WebSocket, beside our own."""
    context_getter: Callable[..., Any] = context_of
    made = Router(
        schema,
        "/graphql",
        context_getter=context_getter,
        subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
        include_in_schema=False,
        allowed_origins=origins,
    )

    async def serve(request: Request) -> Response:
        """Instead of Strawberry's own routes, whose dependencies take FastAPI as long as a query takes GraphQL."""
        context = await context_of(request)
        context.request = request
        return cast(Response, await made.run(request=request, context=context, root_value=None))

    made.routes[:] = [route for route in made.routes if isinstance(route, WebSocketRoute)]
    made.add_api_route("/graphql", _not_allowed, methods=["OPTIONS", "PUT", "PATCH", "DELETE"])
    made.add_route("/graphql", serve, methods=["GET", "POST"], include_in_schema=False)
    return made


def refusal(request: Request, error: SightlogError) -> Response:
    """A request that is refused as a whole, before anything of it is executed."""
    told = {"message": error.message, "extensions": {"code": error.code, "requestId": request.state.request_id}}
    media_type = f"{_negotiate(request) or JSON}; charset=utf-8"
    return Response(jsontext.dumps({"errors": [told]}), error.status, dict(error.headers), media_type)


def _unsafe() -> HTTPException:
    return HTTPException(405, "A mutation changes something, and a GET must not: send it by POST.")


def _not_allowed() -> Response:
    body = jsontext.dumps({"errors": [{"message": "GraphQL is served by GET and POST."}]})
    return Response(body, 405, {"Allow": "GET, POST"}, media_type=JSON)


def _negotiate(request: HTTPConnection) -> str:
    """The media type to answer with; "" where none of ours is accepted."""
    given = request.headers
    return accept.best(given, (JSON, RESPONSE_JSON)) if accept.is_given(given) else RESPONSE_JSON


def _accepts_stream(request: Request) -> bool:
    return accept.is_named(request.headers, EVENT_STREAM)


def _is_message(message: object) -> bool:
    """Whether it has the shape that the protocol gives to its type."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    payload = message.get("payload") if message["type"] == "subscribe" else {"query": ""}
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
