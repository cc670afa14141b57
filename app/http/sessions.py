"""Signing in, with a key or a link, and out."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app import auth, jsontext, sessions, times
from app.auth import Principal
from app.errors import InvalidInput, Unauthenticated
from app.http import cookies, gate, origins
from app.runtime import Runtime
from app.sessions import Started

log = logging.getLogger(__name__)

T = TypeVar("T")

_EXPECTED = 'Send a JSON object with an API key: {"key": "sightlog_…"}.'
_MOST = 4096
"""Bytes of a body that names a key: nobody has shown one yet."""

_HEADERS = {"Referrer-Policy": "no-referrer"}


async def _private(request: Request) -> Runtime:
    """No cache may keep the answer."""
    request.state.guarded = True
    return gate.runtime_of(request)


router = APIRouter(include_in_schema=False)
RuntimeOf = Annotated[Runtime, Depends(_private)]


@router.post("/session")
async def sign_in(request: Request, runtime: RuntimeOf) -> Response:
    """Begins a session with the key that the body names."""
    origins.require_own_page(request, runtime.settings, or_no_browser=True)
    caller = await gate.let_in(request, auth.ask_owner(_key(await request.body())))
    started = await _begin(request, runtime, caller.account_id, partial(sessions.start, key_prefix=caller.key_prefix))
    response = _told(caller, started.expires_at, 201)
    cookies.keep(response, request, runtime.settings, started)
    return response


@router.get("/session")
async def whose(request: Request, runtime: RuntimeOf) -> Response:
    """Who is signed in."""
    caller = await gate.let_in(request, gate.ask_session(request))
    return _told(caller, caller.session_expires_at)


@router.delete("/session")
async def sign_out(request: Request, runtime: RuntimeOf) -> Response:
    """Ends the session, if there is one, however often its key was used lately."""
    response = Response(status_code=204)
    if token := cookies.token(request, runtime.settings):
        origins.require_own_page(request, runtime.settings)
        try:
            caller = await runtime.database.answer(None, gate.ask_session(request))
            await runtime.database.run(caller.account_id, _write, runtime, partial(sessions.end, token=token))
        except Unauthenticated:
            await gate.count_stranger(request)
    cookies.drop(response, request, runtime.settings)
    return response


@router.get("/sign-in")
async def follow_link(request: Request, runtime: RuntimeOf, token: str = "") -> Response:
    """Begins the session of a link. Where it is shown again, as where it is wrong, the page says so."""
    try:
        account_id = await runtime.database.answer(None, sessions.ask_link(token))
        started = await _begin(request, runtime, account_id, partial(sessions.use_link, token=token))
    except Unauthenticated:
        await gate.count_stranger(request)
        return RedirectResponse("./?sign-in=expired", 303, _HEADERS)
    response = RedirectResponse("./", 303, _HEADERS)
    cookies.keep(response, request, runtime.settings, started)
    return response


async def _begin(request: Request, runtime: Runtime, account_id: int, begin: Callable[..., Started]) -> Started:
    """A session in place of the one that the browser has, if it has one."""
    settings = runtime.settings
    begin = partial(begin, lifetime=settings.session_lifetime, instead_of=cookies.token(request, settings))
    started = await runtime.database.run(account_id, _write, runtime, begin)
    log.info("somebody signed in with the key %s", started.key_prefix)
    return started


def _write(runtime: Runtime, change: Callable[[Session], T]) -> T:
    with runtime.database.write() as session:
        return change(session)


def _key(body: bytes) -> str:
    try:
        given = jsontext.loads(body) if len(body) <= _MOST else None
    except ValueError:
        given = None
    key = given.get("key") if isinstance(given, dict) else None
    if not isinstance(key, str):
        raise InvalidInput(_EXPECTED, field="key")
    return key


def _told(caller: Principal, expires_at: datetime | None, status: int = 200) -> Response:
    told = {
        "account": caller.account_name,
        "scope": caller.scope,
        "key_prefix": caller.key_prefix,
        "expires_at": expires_at and times.iso(expires_at.replace(microsecond=0)),
    }
    return Response(jsontext.dumps(told), status, media_type="application/json")
