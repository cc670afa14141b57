"""What every request gets: an id, an answer whatever happens, a line in the log and a place in the metrics."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs, metrics
from app.errors import SightlogError
from app.http import paths

Refusal = Callable[[Request, SightlogError], Response]
"""Gives an error the shape that the asked path has for it."""

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,128}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_QUIET = ("/health", "/metrics", "/assets")


class RequestMiddleware:
    """Answers also what nobody expected, so that this answer has the headers of all others."""

    def __init__(self, app: ASGIApp, refusal: Refusal) -> None:
        self.app = app
        self.refusal = refusal

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
        began, status, method = time.perf_counter(), 0, scope["method"]
        state = scope["state"]
        scope = _as_get(scope)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = state["request_id"]
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if state.get("guarded"):
                    headers.setdefault("Cache-Control", "no-store")
                if window := state.get("rate_limit"):
                    headers.update(window.headers())
            await send(message)

        _end_with_client(scope)
        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass
        except asyncio.CancelledError:
            if not state.get("left"):
                raise
        except Exception:
            log.exception("a request failed for a reason of ours")
            if status:
                raise  # half of the answer is on its way: the connection must break
            error = SightlogError("Something went wrong on our side.")
            await self.refusal(Request(scope), error)(scope, receive, send_with_headers)
        finally:
            state.pop("leave", None)
            _tell(scope, method, 499 if state.get("left") else status or 499, time.perf_counter() - began)


def outlive_client(connection: HTTPConnection) -> None:
    """From now on the request is worked on to its end, even if its client leaves: it changes something."""
    connection.scope["state"].pop("leave", None)


def _end_with_client(scope: Scope) -> None:
    """Puts `leave` into the state, for the server to call when it loses the connection: nobody waits any longer."""
    state, task = scope["state"], asyncio.current_task()
    assert task is not None

    def leave() -> None:
        state["left"] = True
        task.cancel()

    if scope["method"] == "GET" or scope["path"] == "/graphql":
        state["leave"] = leave


def _as_get(scope: Scope) -> Scope:
    """HEAD is answered as GET is: the server leaves the body out."""
    if scope["method"] == "HEAD" and not paths.is_of_file(scope["path"]):
        return {**scope, "method": "GET"}
    return scope


def _tell(scope: Scope, asked: str, status: int, seconds: float) -> None:
    method = asked if asked in _METHODS else "other"
    path = scope["raw_path"].decode("ascii", "replace")
    route = _route(scope)
    metrics.REQUEST_SECONDS.labels(method, route, str(status)).observe(seconds)
    milliseconds = round(seconds * 1000, 1)
    fields = {"method": method, "route": route, "path": path, "status": status, "milliseconds": milliseconds}
    if principal := scope["state"].get("principal"):
        fields["account_id"] = principal.account_id
    if export_id := (scope.get("path_params") or {}).get("export_id"):
        fields["export_id"] = str(export_id)
    level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
    log.log(level, "%(method)s %(path)s %(status)d %(milliseconds).1f ms", fields, extra={"fields": fields})


def _route(scope: Scope) -> str:
    """Never what a client made up."""
    if scope["path"] == "/graphql":  # not all of its routes are FastAPI's, and the gate refuses before any is found
        return "/graphql"
    return getattr(scope.get("route"), "path", None) or scope.get("root_path") or "other"
