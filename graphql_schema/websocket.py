"""The schema over WebSocket (graphql-transport-ws), within bounds: little is read of who has not shown a key."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import Any, cast

from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from app.errors import InvalidInput, RateLimited, SightlogError, TooLarge
from graphql_schema import bodies, documents, refusals, steps
from graphql_schema.requests import RequestContext
from graphql_schema.turns import Turns
from graphql_schema.variables import Large

INIT_WITHIN = timedelta(seconds=5)
"""From the opening of a connection to its `connection_init`."""

MAX_OPERATIONS = 100
"""Under way at a time on one connection."""

MAX_SMALL = 8 * 1024
"""Characters of a message before a key was shown, and of a ping, whose payload means nothing."""

_MAX_REASON = 123
"""Bytes of the reason for closing a connection; the protocol has no room for more."""

_TOO_BIG = 1009


def shortened(reason: str) -> str:
    """As much of it as a closing message holds."""
    return reason.encode()[:_MAX_REASON].decode(errors="ignore")


class WebSocketAdapter(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            try:
                message = await self._read(await self.ws.receive_text())
            except WebSocketDisconnect:
                return
            except SightlogError as error:
                await self.close(_TOO_BIG, error.message)
                return
            except KeyError as error:
                raise NonTextMessageReceived from error
            except ValueError as error:
                raise NonJsonMessageReceived from error
            yield message

    async def _read(self, text: str) -> object:
        caller = getattr(self.ws.state, "principal", None)
        if caller is None and len(text) > MAX_SMALL:
            raise TooLarge(f"Until a key was shown, a message has at most {MAX_SMALL} characters.")
        body = text.encode("utf-8", "surrogatepass")
        starts: Turns = self.view.shared.starts  # type: ignore[attr-defined]
        async with starts.one(caller.key_prefix) if caller and bodies.is_large(body) else nullcontext():
            message = await bodies.loads(body)
        if len(text) > MAX_SMALL and isinstance(message, dict):
            if message.get("type") in ("ping", "pong"):
                raise TooLarge(f"A ping has at most {MAX_SMALL} characters.")
            payload = message.get("payload")
            if bodies.is_large(body) and isinstance(payload, dict) and isinstance(payload.get("variables"), dict):
                payload["variables"] = Large(payload["variables"])
        return message

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await super().send_json(message)
        except RuntimeError as error:  # it was closed meanwhile
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await super().close(code, shortened(reason))


class WebSocketHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    async def handle_message(self, message: Message) -> None:
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("The message has not the shape of its type.")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if not self.connection_acknowledged or message["id"] in self.operations:
            await super().handle_subscribe(message)  # which closes the connection
            return
        try:
            payload = self._executable(message["payload"])
        except SightlogError as error:
            await self.send_message({"id": message["id"], "type": "error", "payload": [_formatted(error)]})
            return
        await super().handle_subscribe({**message, "payload": payload})

    def _executable(self, payload: Any) -> Any:
        if len(self.operations) >= MAX_OPERATIONS:
            raise RateLimited(f"At most {MAX_OPERATIONS} operations run on one connection: wait for one to end.")
        query = self.context.shared.trusted.query(payload, self.context.core.principal)
        if query is None:
            raise InvalidInput("The request has no query.")
        return {
            **payload,
            "query": documents.within_length(query),
            "operationName": payload.get("operationName") or None,
        }

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """A connection may outlive its key, so each operation is admitted as a request is."""
        try:
            async with self.context.shared.starts.one(self.context.core.principal.key_prefix):
                await self.context.admit(cast(HTTPConnection, self.context.request))
        except SightlogError as error:
            await operation.send_initial_errors([refusals.graphql_error(error)])
            return
        unreadable = await documents.look_ahead(cast(Schema, self.schema)._schema, operation.query)
        if unreadable:
            steps.refused()
            await operation.send_initial_errors([unreadable])
            return
        await super().run_operation(operation)

    async def send_message(self, message: Message) -> None:
        with suppress(WebSocketDisconnected):  # the loop that receives hears of it, and ends the operations
            await super().send_message(message)

    async def shutdown(self) -> None:
        try:
            await super().shutdown()
        finally:
            self.context.held.close()

    @staticmethod
    def _get_pre_execution_close_reason(_error: GraphQLError) -> None:
        """None: what one operation has wrong does not end the others of its connection."""


def _formatted(error: SightlogError) -> Any:
    return refusals.graphql_error(error).formatted


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
        and isinstance(payload.get("query"), str | None)
        and bool(payload.keys() & {"query", "documentId", "extensions"})
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
