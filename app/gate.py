"""The one dependency of every endpoint that needs a key: who asks, and whether not too often."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from app import auth, limits
from app.auth import Principal
from app.errors import RateLimited, Unauthenticated
from app.runtime import Runtime

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer sightlog_…`")


def runtime_of(connection: HTTPConnection) -> Runtime:
    runtime: Runtime = connection.app.state.runtime
    return runtime


def admit(connection: HTTPConnection, authorization: str | None) -> Principal:
    """The principal of a request. Unauthenticated or RateLimited; the state of the limit goes into the headers."""
    runtime = runtime_of(connection)
    limit = runtime.settings.rate_limit
    try:
        with runtime.database.read() as session:
            principal = auth.authenticate(session, authorization)
    except Unauthenticated:
        address = connection.client.host if connection.client else "unknown"
        _count(connection, f"address:{address}", min(limit, limits.ADDRESS_LIMIT))
        raise
    own = principal.rate_limit
    _count(connection, f"key:{principal.key_prefix}", limit if own is None else own)
    return principal


def _count(connection: HTTPConnection, caller: str, limit: int) -> None:
    window = runtime_of(connection).limiter.hit(caller, limit)
    connection.state.rate_limit = window
    if window is not None and not window.allowed:
        raise RateLimited(f"Too many requests: {window.limit} a minute are allowed. Please wait.")


def principal(connection: HTTPConnection, _: Annotated[object, Security(bearer)] = None) -> Principal:
    return admit(connection, connection.headers.get("authorization"))


Caller = Annotated[Principal, Depends(principal)]
