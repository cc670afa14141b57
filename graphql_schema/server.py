"""The schema over HTTP (the GraphQL-over-HTTP specification) and WebSocket (graphql-transport-ws)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from fastapi import FastAPI, Request, Response
from graphql import GraphQLError, GraphQLSyntaxError, OperationType
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError
from strawberry.fastapi import GraphQLRouter
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.http.streaming import SSETransport
from strawberry.http.types import QueryParams
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType as StrawberryOperationType
from strawberry.types.unset import UNSET

from app import jsontext
from app.auth import Principal
from app.console import pages
from app.errors import SightlogError
from app.http import accept, direct, middleware, origins
from app.http.accept import JSON, RESPONSE_JSON
from app.settings import Settings
from graphql_schema import bodies, documents, refusals, steps
from graphql_schema.requests import RequestContext, Shared
from graphql_schema.schema import schema
from graphql_schema.trusted import PersistedQueryNotFound
from graphql_schema.variables import Large
from graphql_schema.websocket import INIT_WITHIN, WebSocketAdapter, WebSocketHandler, shortened

EVENT_STREAM = "text/event-stream"
_SHAPE = (
    ("query", str, "a string"),
    ("documentId", str, "a string"),
    ("operationName", str, "a string"),
    ("variables", dict, "an object"),
    ("extensions", dict, "an object"),
)
"""The parameters of a request."""


class BadShape(Exception):
    """JSON that is no request of GraphQL."""

    def __init__(self, message: str) -> None:
        self.message = message


class RequestAdapter(StarletteRequestAdapter):
    @property
    def caller(self) -> Principal:
        found: Principal = self._request.state.principal
        return found

    @property
    def content_type(self) -> str | None:
        """In the case that Strawberry compares it in."""
        given = super().content_type
        return given and given.lower()


class ServerSentEvents(SSETransport):
    """With bare line feeds, at which some clients cut the stream."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")


class Router(GraphQLRouter[RequestContext, None]):
    request_adapter_class = RequestAdapter
    websocket_adapter_class = WebSocketAdapter
    graphql_transport_ws_handler_class = WebSocketHandler
    stream_transport_classes_by_protocol = MappingProxyType({GRAPHQL_SSE_PROTOCOL: ServerSentEvents})

    def __init__(self, shared: Shared, **options: Any) -> None:
        super().__init__(schema, "/graphql", **options)
        self.shared = shared

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
            response = _refused(error.status_code, {"message": error.reason}, accepted)
            if error.status_code == 405:
                response.headers["allow"] = "POST"
            return response
        except BadShape as error:
            return _refused(422 if accepted == RESPONSE_JSON else 400, {"message": error.message}, accepted)
        except PersistedQueryNotFound as error:  # those who know it read it out of an answer with the status 200
            response = refusal(request, error)
            response.status_code = 200 if accepted == JSON else error.status
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

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        assert isinstance(request, RequestAdapter)
        if request.method == "POST" and request.content_type != JSON:
            media_type, parameters = parse_content_type(request.content_type or "")
            if media_type != JSON or parameters.get("charset", "utf-8").strip('"') not in ("utf-8", "utf8"):
                raise HTTPException(415, f"Send the request as {JSON}, encoded in UTF-8.")
        given = self.parse_query_params(request.query_params) if request.method == "GET" else await self._body(request)
        for name, type_, words in _SHAPE:
            if not isinstance(given.get(name), type_ | None):
                raise BadShape(f"The {name} must be {words} or null.")
        query = self.shared.trusted.query(given, request.caller)
        if query is None:
            raise BadShape("The request has no query.")
        transport = self._get_stream_transport_from_headers(request.headers)
        return GraphQLRequestData(
            query=documents.within_length(query),
            variables=given.get("variables"),
            operation_name=given.get("operationName") or None,
            extensions=given.get("extensions"),
            protocol=transport.protocol if transport else "http",
        )

    async def _body(self, request: RequestAdapter) -> dict[str, Any]:
        body = await request.get_body()
        try:
            given = await bodies.loads(body)
        except ValueError as error:
            raise HTTPException(400, _no_json(error)) from error
        if not isinstance(given, dict):
            raise BadShape("The request must be a JSON object.")
        if bodies.is_large(body) and isinstance(given.get("variables"), dict):
            given["variables"] = Large(given["variables"])
        return given

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
        query, name = request_data.query or "", request_data.operation_name
        if error := await documents.look_ahead(schema._schema, query):
            steps.refused()
            sub_response.status_code = 400
            return ExecutionResult(None, [error])
        if request_data.protocol == "sse":
            operation = documents.operation_type(schema._schema, query, name)
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
        result = await self._execute(request, request_adapter, context, request_data)
        sub_response.status_code = _status(result)
        return result

    async def _execute(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        context: RequestContext,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        query, name = request_data.query or "", request_data.operation_name
        if documents.operation_type(schema._schema, query, name) is OperationType.MUTATION:
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
        except CannotGetOperationTypeError as error:
            message = error.as_http_error_reason()
        except InvalidOperationTypeError:
            operation = documents.operation_type(schema._schema, query, name)
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
                try:
                    given[name] = jsontext.loads(given[name])
                except ValueError as error:
                    raise HTTPException(400, _no_json(error)) from error
        return given

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        return Response(jsontext.dumps(response_data), sub_response.status_code)

    def encode_json(self, data: object) -> str:
        return jsontext.dumps(data).decode()

    async def on_ws_connect(self, context: RequestContext) -> dict[str, object] | None:
        given: Mapping[str, Any] = context.connection_params or {}
        named = [value for name, value in given.items() if name.lower() == "authorization" and isinstance(value, str)]
        context.authorization = named[0] if named else context.authorization
        try:
            await context.admit(cast(HTTPConnection, context.request))
            caller = context.core.principal
            context.held.enter_context(self.shared.connections.one(caller.key_prefix))
        except SightlogError as error:
            await cast(WebSocket, context.request).close(4403, shortened(error.message))
            raise ConnectionRejectionError({"code": error.code, "message": error.message}) from error
        cast(WebSocket, context.request).state.principal = caller
        return None


def mount(app: FastAPI, settings: Settings) -> None:
    shared = Shared.of(settings)

    async def context_of(connection: HTTPConnection) -> RequestContext:
        return await RequestContext.of(connection, shared)

    made = Router(
        shared,
        context_getter=context_of,
        subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
        connection_init_wait_timeout=INIT_WITHIN,
        include_in_schema=False,
        allowed_origins=_origins(settings),
    )

    async def serve(request: Request) -> Response:
        """Instead of Strawberry's own routes, whose dependencies take FastAPI as long as a query takes GraphQL."""
        context = await context_of(request)
        context.request = request
        return cast(Response, await made.run(request=request, context=context, root_value=None))

    made.routes[:] = [route for route in made.routes if isinstance(route, WebSocketRoute)]
    made.add_api_route("/graphql", _not_allowed, methods=["OPTIONS", "PUT", "PATCH", "DELETE"])
    direct.add(app, "/graphql", serve, ["GET", "POST"])
    app.include_router(made)


def _origins(settings: Settings) -> list[str]:
    """Whose pages may open a WebSocket. Those of our own also where a proxy asks us by another name."""
    own = origins.of(settings.public_url)
    return [*settings.cors_origins, *([own] if own else [])]


def refusal(request: Request, error: SightlogError) -> Response:
    """A request that is refused as a whole, before anything of it is executed."""
    told = refusals.graphql_error(error).formatted
    told["extensions"]["requestId"] = request.state.request_id
    media_type = f"{_negotiate(request) or JSON}; charset=utf-8"
    return Response(jsontext.dumps({"errors": [told]}), error.status, dict(error.headers), media_type)


def _refused(status: int, error: Mapping[str, Any], accepted: str | None) -> Response:
    response = Response(jsontext.dumps({"errors": [error]}), status)
    response.headers["content-type"] = f"{accepted or JSON}; charset=utf-8"
    return response


def _status(result: ExecutionResult) -> int:
    """For answers of GraphQL's own media type."""
    errors = result.errors or []
    if result.data is not None or any(error.path is not None for error in errors):
        return 200  # it was executed
    if isinstance(errors[0], GraphQLSyntaxError):
        return 400
    return refusals.status(errors[0]) or 422


def _no_json(error: ValueError) -> str:
    return f"The request is no JSON: {getattr(error, 'msg', error)}."


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
