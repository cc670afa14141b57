"""The cookie that holds the token of a session."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app import times
from app.sessions import Started
from app.settings import Settings

SECURE_NAME = "__Host-sightlog"
"""Browsers take it over https alone, and from no neighbour of our host."""

PLAIN_NAME = "sightlog_session"


def token(connection: HTTPConnection, settings: Settings) -> str | None:
    return connection.cookies.get(_name(is_secure(connection, settings)))


def keep(response: Response, connection: HTTPConnection, settings: Settings, started: Started) -> None:
    """Makes the browser keep the session until its end."""
    seconds = int((started.expires_at - times.now()).total_seconds())
    _set(response, is_secure(connection, settings), started.token, seconds)


def drop(response: Response, connection: HTTPConnection, settings: Settings) -> None:
    _set(response, is_secure(connection, settings), "", 0)


def is_secure(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser came over https, maybe as far as a proxy in front."""
    if connection.scope["scheme"] in ("https", "wss"):
        return True
    public = urlsplit(settings.public_url)
    return public.scheme == "https" and connection.headers.get("host", "").lower() == public.netloc.lower()


def _set(response: Response, secure: bool, value: str, seconds: int) -> None:
    response.set_cookie(_name(secure), value, seconds, path="/", secure=secure, httponly=True, samesite="strict")


def _name(secure: bool) -> str:
    return SECURE_NAME if secure else PLAIN_NAME
