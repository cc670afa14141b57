"""What every response has: a request id, the state of the rate limit, and a bound on the request's body."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import jsontext

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,128}")


class RequestMiddleware:
    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        state = scope.setdefault("state", {})
        state["request_id"] = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                raise _BodyTooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                added["X-Request-ID"] = state["request_id"]
                added.setdefault("X-Content-Type-Options", "nosniff")
                if window := state.get("rate_limit"):
                    added.update(window.headers())
            await send(message)

        try:
            length = headers.get("content-length", "")
            if length.isdigit() and int(length) > self.max_body_bytes:
                raise _BodyTooLarge
            await self.app(scope, receive_bounded, send_with_headers)
        except _BodyTooLarge:
            await self._refuse(send_with_headers)

    async def _refuse(self, send: Send) -> None:
        message = f"The request's body is larger than {self.max_body_bytes} bytes."
        body = jsontext.dumps({"detail": {"code": "PAYLOAD_TOO_LARGE", "message": message}})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})


class _BodyTooLarge(Exception):
    pass
