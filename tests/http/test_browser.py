"""A page of another origin in a real browser: its scripts query, change, stream, watch and download."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from tests.conftest import Account
from tests.http import own
from tools import patience
from tools.servers import free_port

PAGE = Path(__file__).with_name("page.html")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


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


@pytest.fixture(scope="module", params=own.both_engines)
def browsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Account]:
    settings = {"SIGHTLOG_CORS_ORIGINS": f"http://localhost:{site.server_port}", "SIGHTLOG_RATE_LIMIT": "1000"}
    settings["SIGHTLOG_EMBEDDED_WORKER"] = "true"
    with own.own_stack(request, tmp_path_factory, "browsed", settings) as account:
        site.given = {"api": account.stack.url, "key": account.keys[Scope.WRITE]}
        yield account


@contextmanager
def browser(url: str, folder: Path) -> Iterator[None]:
    assert CHROMIUM is not None
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen([CHROMIUM, *FLAGS, f"--user-data-dir={folder}", url], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(patience.seconds(30))


def visit(site: Site, host: str, folder: Path) -> Any:
    """What the page reports, opened under this name of the machine."""
    with browser(f"http://{host}:{site.server_port}/", folder):
        return site.results.get(timeout=patience.seconds(120))


def test_a_page_of_an_allowed_origin_does_everything(browsed: Account, site: Site, tmp_path: Path) -> None:
    results = visit(site, "localhost", tmp_path)
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


def test_a_page_of_another_origin_does_nothing(browsed: Account, site: Site, tmp_path: Path) -> None:
    before = browsed.graphql("{ descriptions { totalCount } exports { totalCount } }")
    results = visit(site, "127.0.0.1", tmp_path)
    refused = "TypeError: Failed to fetch"
    assert results.pop("socket") == results.pop("stream") == results.pop("download") == refused
    assert results == {"query": refused, "mutation": refused, "refusal": refused}
    assert browsed.graphql("{ descriptions { totalCount } exports { totalCount } }") == before
