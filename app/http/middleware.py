"""What every request gets: an id, a line in the log, a place in the metrics, and a bound on its body."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import jsontext, logs, metrics

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,128}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_QUIET = ("/health", "/metrics", "/assets")


class RequestMiddleware:
    """Answers also what nobody expected, so that this answer has the headers of all others."""

    def __init__(self, app: ASGIApp, unexpected: Callable[[Request], Response]) -> None:
        self.app = app
        self.unexpected = unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        with logs.context(request_id=request_id):
            await (self._answer if scope["type"] == "http" else self.app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = scope["state"]["request_id"]
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if window := scope["state"].get("rate_limit"):
                    headers.update(window.headers())
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass
        except Exception:
            log.exception("a request failed for a reason of ours")
            if status:
                raise  # half of the answer is on its way: the connection must break
            await self.unexpected(Request(scope))(scope, receive, send_with_headers)
        finally:
            _tell(scope, status or 499, time.perf_counter() - began)


class BodyLimit:
    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        detail = {"code": "PAYLOAD_TOO_LARGE", "message": f"The request's body is larger than {self.max_bytes} bytes."}
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise HTTPException(413, detail, {"Connection": "close"})
            return message

        if length.isdigit() and int(length) > self.max_bytes:
            body = jsontext.dumps({"detail": detail})
            await Response(body, 413, {"Connection": "close"}, "application/json")(scope, receive, send)
            return
        await self.app(scope, receive_bounded if scope["type"] == "http" else receive, send)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    path = scope["raw_path"].decode("ascii", "replace")
    route = getattr(scope.get("route"), "path", None) or scope.get("root_path") or "other"
    metrics.REQUEST_SECONDS.labels(method, route, str(status)).observe(seconds)
    milliseconds = round(seconds * 1000, 1)
    fields = {"method": method, "route": route, "path": path, "status": status, "milliseconds": milliseconds}
    if principal := scope["state"].get("principal"):
        fields["account_id"] = principal.account_id
    if export_id := (scope.get("path_params") or {}).get("export_id"):
        fields["export_id"] = str(export_id)
    level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
    log.log(level, "%(method)s %(path)s %(status)d %(milliseconds).1f ms", fields, extra={"fields": fields})
