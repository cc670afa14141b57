"""By which address we are reached: the names we answer to, the prefix of our paths, and pages of other origins."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import UnknownHost
from app.http.middleware import Refusal

EXPOSED = (
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "X-Request-ID"),
    *("ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "Content-Length", "Content-Disposition"),
    *("X-Unknown-Parameters", "WWW-Authenticate"),
)
"""Headers of answers that a page of another origin may read."""

_DAY = 24 * 60 * 60


class Prefix:
    """Takes the prefix of our public URL off the paths, for a proxy that leaves it on; one that takes it is as good."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and f"{scope['path']}/".startswith(f"{self.prefix}/"):
            scope["path"] = scope["path"][len(self.prefix) :] or "/"
            scope["raw_path"] = scope["raw_path"][len(self.prefix) :] or b"/"
        await self.app(scope, receive, send)


class Hosts:
    """Refuses requests that are for another host. The probes of health come by address, so they may."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], refusal: Refusal) -> None:
        self.app = app
        self.hosts = hosts
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith("/health/") or self._is_ours(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            error = UnknownHost("This server does not answer for the host that was asked.")
            await self.refusal(Request(scope), error)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        host = Headers(scope=scope).get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return name in self.hosts or any(own.startswith("*.") and name.endswith(own[1:]) for own in self.hosts)


def allow_pages_of(app: FastAPI, origins: Sequence[str]) -> None:
    """Lets scripts in pages of these origins ask us, by the API keys they have: cookies are never looked at."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=EXPOSED,
        max_age=_DAY,
    )


def redirect_slashes(app: FastAPI) -> None:
    """From `/docs/` to `/docs`, as Starlette does, but never to what the Host header says."""
    app.router.redirect_slashes = False
    not_found = app.router.default

    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        bare = {**scope, "path": scope["path"].rstrip("/")}
        known = scope["type"] == "http" and bare["path"] not in ("", scope["path"])
        if known and any(route.matches(bare)[0] is not Match.NONE for route in app.router.routes):
            query = scope["query_string"].decode("latin-1")
            up = "../" * (len(scope["path"]) - len(bare["path"]))
            target = up + bare["path"].rpartition("/")[2] + (f"?{query}" if query else "")
            await RedirectResponse(target)(scope, receive, send)
            return
        await not_found(scope, receive, send)

    app.router.default = redirect
