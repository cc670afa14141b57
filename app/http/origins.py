"""Whether a page of our own asks: what a browser sends with its cookie, another page may have made it send."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from app.errors import Forbidden
from app.http import cookies
from app.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REFUSED = (
    "A session is for the pages of this server alone: this request comes from another page, or does not tell from "
    "where. Scripts send an API key; behind a proxy, SIGHTLOG_PUBLIC_URL must be the address that browsers show."
)


def require_own_page(connection: HTTPConnection, settings: Settings, *, or_no_browser: bool = False) -> None:
    """Forbidden where another page asks. `or_no_browser`: who tells nothing may ask, as no cookie is looked at.

    What reads may come from the address bar, and may tell nothing: over http, browsers tell only localhost where a
    request is from, and no page of another origin can read the answer.
    """
    given = connection.headers
    site, origin = given.get("sec-fetch-site"), given.get("origin")
    reads = connection.scope["type"] == "http" and connection.scope["method"] in ("GET", "HEAD")
    if site is not None:
        is_own = site == "same-origin" or (
            site == "none" and reads and given.get("sec-fetch-mode", "navigate") == "navigate"
        )
    elif origin is not None:
        is_own = _normal(origin) in _own(connection, settings)
    else:
        is_own = reads or or_no_browser
    if not is_own:
        raise Forbidden(_REFUSED)


def of(url: str) -> str | None:
    """The origin of a URL, as browsers write it; None where it has none."""
    return _normal(url)


def _own(connection: HTTPConnection, settings: Settings) -> set[str | None]:
    scheme = "https" if cookies.is_secure(connection, settings) else "http"
    seen = _normal(f"{scheme}://{connection.headers.get('host', '')}")
    return {seen, _normal(settings.public_url)} - {None}


def _normal(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _DEFAULT_PORTS.get(parts.scheme)) else "")
