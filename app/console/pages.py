"""The browser pages: the console, GraphiQL and Swagger UI, served with our own assets under a strict policy."""

import secrets
from functools import cache
from html import escape
from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI, Request, Response
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

_OWN_IMAGES = "'self' data:"
_APIS = {"graphql": "/graphql", "rest": "/api/v2/data", "docs": "/docs", "openapi": "/openapi.json"}


class Assets(StaticFiles):
    """Files that run nowhere but inside our pages; those in a versioned folder never change."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = ASSETS / "vendor" in Path(full_path).parent.parents
        response.headers["Cache-Control"] = IMMUTABLE if versioned else "no-cache"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def mount(app: FastAPI, prefix: str = "", *, with_images: bool = True) -> None:
    """Adds the console, `/docs` and `/assets/`. The application needs `docs_url=None`, or FastAPI's own page comes
    first.
    """
    html = _filled("console.html", prefix=prefix, images="on" if with_images else "off", version=app.version)
    index = {"name": "Sightlog", "version": app.version} | {name: prefix + path for name, path in _APIS.items()}

    async def console(request: Request) -> Response:
        if request.scope["path"] == "/" and not accept.wants_page(request):
            return JSONResponse(index, headers={"Vary": "Accept"})
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


@cache
def _with_bar(name: str, path: str) -> str:
    """The page with the bar, in which the page of that path is the current one."""
    link = f'href="{path}"'
    return _html(name).replace("{bar}", _html("bar.html").strip().replace(link, f'{link} aria-current="page"'))


@cache
def _html(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")
