"""A page of another origin in a real browser: its scripts query, change, stream, watch and download."""

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from tests.browser.watch import Watch
from tests.conftest import Account, both_engines
from tests.http import own
from tools import patience
from tools.servers import free_port

PAGE = Path(__file__).with_name("page.html")


class Site(ThreadingHTTPServer):
    """Serves the page on a port of its own, tells it what it needs, and takes its results."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.given: dict[str, str] = {}
        self.results: queue.Queue[Any] = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        content = json.dumps(self.server.given).encode() if self.path == "/given" else PAGE.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if self.path == "/given" else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.server.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(free_port()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module", params=both_engines)
def browsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Account]:
    settings = {"SIGHTLOG_CORS_ORIGINS": f"http://localhost:{site.server_port}", "SIGHTLOG_RATE_LIMIT": "1000"}
    settings["SIGHTLOG_EMBEDDED_WORKER"] = "true"
    with own.own_stack(request, tmp_path_factory, "browsed", settings) as account:
        site.given = {"api": account.stack.url, "key": account.keys[Scope.WRITE]}
        yield account


def visit(site: Site, host: str, watch: Watch) -> Any:
    """What the page reports, opened under this name of the machine."""
    url = f"http://{host}:{site.server_port}/"
    watch.allow(site.given["api"])
    watch.allow(site.given["api"].replace("127.0.0.1", "localhost"))
    watch.context(url).new_page().goto(url)
    return site.results.get(timeout=patience.seconds(120))


def test_a_page_of_an_allowed_origin_does_everything(browsed: Account, site: Site, watch: Watch) -> None:
    watch.forgive("a status of 422")
    if bucket := browsed.stack.settings.get("SIGHTLOG_S3_ENDPOINT_URL"):
        watch.allow(bucket)
    results = visit(site, "localhost", watch)
    query, refusal, download = (results.pop(name) for name in ("query", "refusal", "download"))
    told = {"X-Request-ID": "of-the-page", "X-RateLimit-Limit": "1000"}
    assert query == {"status": 200, "headers": told, "body": '{"data":{"__typename":"Query"}}'}
    assert (refusal["status"], refusal["headers"]) == (422, {"X-Request-ID": "of-the-page"})
    recorded = '{"data":{"recordDescriptions":{"recorded":1}}}'
    complete = "event: complete"
    assert results == {
        "mutation": {"status": 200, "headers": {}, "body": recorded},
        "stream": complete,
        "socket": "complete",
    }
    if "SIGHTLOG_S3_BUCKET" not in browsed.stack.settings:  # what may be read of a bucket, the bucket says
        assert (download["status"], download["body"]) == (206, "id")
        assert download["headers"]["Content-Range"] == "bytes 0-1/7"
        assert download["headers"]["Content-Disposition"].startswith('attachment; filename="export_')
        assert download["headers"]["ETag"]


def test_a_page_of_another_origin_does_nothing(browsed: Account, site: Site, watch: Watch) -> None:
    before = browsed.graphql("{ descriptions { totalCount } exports { totalCount } }")
    watch.forgive("blocked by CORS policy|net::ERR_FAILED|WebSocket connection to .* failed")
    results = visit(site, "127.0.0.1", watch)
    refused = "TypeError: Failed to fetch"
    assert results.pop("socket") == results.pop("stream") == results.pop("download") == refused
    assert results == {"query": refused, "mutation": refused, "refusal": refused}
    assert browsed.graphql("{ descriptions { totalCount } exports { totalCount } }") == before
