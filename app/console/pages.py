"""The browser pages: GraphiQL and Swagger UI, served with our own assets under a strict policy."""

import secrets
from functools import cache
from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS = Path(__file__).parent / "assets"
IMMUTABLE = "public, max-age=31536000, immutable"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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


def mount(app: FastAPI, prefix: str = "") -> None:
    """Adds `/`, `/docs` and `/assets/`. The application needs `docs_url=None`, or FastAPI's own page comes first."""
    # Behind a proxy, the prefix itself may be asked for with a slash behind it or without.
    first = RedirectResponse(f"{prefix}/graphql" if prefix else "graphql")
    app.add_route("/", lambda _: first, include_in_schema=False)
    app.add_api_route("/docs", docs_page, include_in_schema=False)
    app.mount("/assets", Assets(directory=ASSETS), name="assets")


def graphiql_page() -> Response:
    # The dialogs of GraphiQL lock scrolling with a style element, which needs this nonce.
    nonce = secrets.token_urlsafe(16)
    return _page(_html("graphiql.html").replace("{nonce}", nonce), style=f"'self' 'nonce-{nonce}'")


def docs_page() -> Response:
    return _page(_html("docs.html"))


def _page(html: str, style: str = "'self'") -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY.format(style=style),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, headers=headers)


@cache
def _html(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")
