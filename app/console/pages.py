"""The browser pages: the console, GraphiQL and Swagger UI, served with our own assets under a strict policy."""

import os
import re
import secrets
from collections.abc import Iterator
from functools import cache, lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.http import accept

CONSOLE = ("/", "/exports", "/keys", "/descriptions/{id:path}")
"""Addresses of the console. What is seen at each, its one page decides."""

ASSETS = Path(__file__).parent / "assets"
IMMUTABLE = "public, max-age=31536000, immutable"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src {images}; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_DIGEST = re.compile(r"[0-9a-f]{16}")
_VERSIONED = re.compile(r"vendor/[^/]+/")
_OWN_IMAGES = "'self' data:"
_APIS = {"graphql": "/graphql", "rest": "/api/v2/data", "docs": "/docs", "openapi": "/openapi.json"}


class Assets(StaticFiles):
    """Files that run nowhere but inside our pages. Those in a versioned folder, and all below the digest, never change.

    The digest of another version is not found, rather than answered with files of this one: modules of two versions do
    not fit, and a page that is open tells its reader.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, _, below = path.partition("/")
        addressed = bool(_DIGEST.fullmatch(first))
        if addressed and first != digest():
            raise HTTPException(404, headers={"Cache-Control": "no-store"})
        response = await super().get_response(below if addressed else path, scope)
        response.headers["Cache-Control"] = IMMUTABLE if addressed or _VERSIONED.match(path) else "no-cache"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def digest() -> str:
    """Of all files in `ASSETS` as they are now, so that who edits one need only reload the page."""
    return _digest(tuple((entry.path, entry.stat().st_mtime_ns) for entry in _files(ASSETS)))


def mount(app: FastAPI, prefix: str = "", *, with_images: bool = True) -> None:
    """Adds the console, `/docs` and `/assets/`. The application needs `docs_url=None`, or FastAPI's own page comes
    first.
    """
    values = {"prefix": prefix, "images": "on" if with_images else "off", "version": app.version}
    index = {"name": "Sightlog", "version": app.version} | {name: prefix + path for name, path in _APIS.items()}

    async def console(request: Request) -> Response:
        if request.scope["path"] == "/" and not accept.wants_page(request):
            return JSONResponse(index, headers={"Vary": "Accept"})
        html = _filled("console.html", **values, digest=digest())
        return _page(html, images=f"https: {_OWN_IMAGES}" if with_images else _OWN_IMAGES)

    for path in CONSOLE:
        app.add_route(path, console, methods=["GET"], include_in_schema=False)
    app.add_api_route("/docs", docs_page, include_in_schema=False)
    app.mount("/assets", Assets(directory=ASSETS), name="assets")


def graphiql_page() -> Response:
    # The dialogs of GraphiQL lock scrolling with a style element, which needs this nonce.
    nonce = secrets.token_urlsafe(16)
    return _page(_with_bar("graphiql.html", "graphql").replace("{nonce}", nonce), style=f"'self' 'nonce-{nonce}'")


def docs_page() -> Response:
    return _page(_with_bar("docs.html", "docs"))


def _page(html: str, *, style: str = "'self'", images: str = _OWN_IMAGES) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY.format(style=style, images=images),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, headers=headers)


def _filled(name: str, **values: str) -> str:
    """The page with these values in place of `{name}`."""
    html = _html(name)
    for key, value in values.items():
        html = html.replace(f"{{{key}}}", escape(value))
    return html


def _with_bar(name: str, path: str) -> str:
    """The page with the bar, in which the page of that path is the current one."""
    link = f'href="{path}"'
    bar = _html("bar.html").strip().replace(link, f'{link} aria-current="page"')
    return _html(name).replace("{bar}", bar).replace("{digest}", digest())


@cache
def _html(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def _files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                yield entry


@lru_cache(maxsize=1)
def _digest(seen: tuple[tuple[str, int], ...]) -> str:
    found = sha256()
    for path, _ in seen:
        content = Path(path).read_bytes()
        found.update(f"{Path(path).relative_to(ASSETS).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]
