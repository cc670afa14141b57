"""The way into the API: who asks, and whether not too often."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app import auth, limits, logs, sessions
from app.auth import Principal
from app.engine.queries import Asking
from app.errors import Forbidden, RateLimited, SightlogError, Unauthenticated
from app.http import accept, cookies, origins
from app.http.middleware import Refusal
from app.runtime import Runtime

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer sightlog_…`")


class Gate:
    """Lets requests into the API: none gets further, nor is its body read, before its caller is known and counted."""

    def __init__(self, app: ASGIApp, refusal: Refusal) -> None:
        self.app = app
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_guarded(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        request.state.guarded = True
        try:
            caller = await admit(request, request.headers.get("authorization"))
        except SightlogError as error:
            await self.refusal(request, error)(scope, receive, send)
            return
        request.state.principal = caller
        with logs.context(account_id=caller.account_id):
            await self.app(scope, receive, send)


async def admit(connection: HTTPConnection, authorization: str | None) -> Principal:
    """The principal of a request: of the key that it shows, else of its session.

    Unauthenticated, RateLimited, or Forbidden where another page makes use of the session.
    """
    if auth.shows_key(authorization) or cookies.token(connection, runtime_of(connection).settings) is None:
        return await let_in(connection, auth.ask_principal(authorization))
    return await let_in(connection, ask_session(connection))


async def let_in(connection: HTTPConnection, asking: Asking[Principal]) -> Principal:
    """The principal that is found, after it was counted. The state of the limit goes into the headers."""
    runtime = runtime_of(connection)
    try:
        principal = await runtime.database.answer(None, asking)
    except (Unauthenticated, Forbidden):
        await count_stranger(connection)
        raise
    runtime.last_use.note(principal)
    await _count(connection, f"key:{principal.key_prefix}", principal.limits.of_key(runtime.settings.rate_limit))
    return principal


def ask_session(connection: HTTPConnection) -> Asking[Principal]:
    """Whose session the cookie is of. Forbidden where the request is not of a page of our own."""
    settings = runtime_of(connection).settings
    token = cookies.token(connection, settings)
    if token is not None:
        origins.require_own_page(connection, settings)
    return (yield from sessions.ask_principal(token, settings.session_idle))


async def count_stranger(connection: HTTPConnection) -> None:
    """RateLimited where too many requests without a valid key came from the same address."""
    address = limits.network(connection.client.host if connection.client else "unknown")
    limit = runtime_of(connection).settings.rate_limit
    await _count(connection, f"address:{address}", limits.address_limit(limit))


async def principal(request: Request, _: Annotated[object, Security(bearer)] = None) -> Principal:
    """Whom the gate has let in."""
    caller: Principal = request.state.principal
    return caller


Caller = Annotated[Principal, Depends(principal)]


def runtime_of(connection: HTTPConnection) -> Runtime:
    runtime: Runtime = connection.app.state.runtime
    return runtime


def _is_guarded(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] == "OPTIONS":  # which nothing here does anything for
        return False
    path = scope["path"]
    return path.startswith("/api/") or (path == "/graphql" and not accept.wants_page(Request(scope)))


async def _count(connection: HTTPConnection, caller: str, limit: int) -> None:
    window = await runtime_of(connection).limiter.hit(caller, limit)
    connection.state.rate_limit = window
    if window is not None and not window.allowed:
        raise RateLimited(f"Too many requests: {window.limit} a minute are allowed. Please wait.")
