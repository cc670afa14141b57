import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from sightlog.recorder import Recorder
from tests.client.another import serving
from tools import patience

Answer = tuple[int, dict[str, str], Any]
"""Status, headers, and what is written as JSON."""

UNAVAILABLE: Answer = (503, {}, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "not now"}})


@dataclass
class Scripted:
    """A server that takes results as Sightlog does, unless `answer` says something else, and remembers them."""

    url: str = ""
    answer: Callable[[list[dict[str, Any]]], Answer | None] = lambda rows: None
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: threading.Event = field(default_factory=threading.Event)
    """Answers wait until it is set."""

    def take(self, rows: list[dict[str, Any]]) -> Answer:
        self.requests.append(rows)
        told = self.answer(rows)
        self.held.wait()
        if told is not None:
            return told
        outcomes = []
        for index, row in enumerate(rows):
            kept = self.taken.setdefault(row["id"], row)
            outcome = "RECORDED" if kept is row else "KNOWN" if kept == row else "CONFLICTING"
            outcomes.append({"index": index, "outcome": outcome, "error": None})
        return 200, {}, {"data": {"recordDescriptions": {"rows": outcomes}}}

    @property
    def descriptions(self) -> list[str]:
        return sorted(row["description"] for row in self.taken.values())


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    state = Scripted()
    state.held.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, answer = state.take(orjson.loads(body)["variables"]["input"])
            content = orjson.dumps(answer)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Clients are killed here."""

    with serving(Handler, Server) as state.url:
        yield state
        state.held.set()


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the spool, of this process and its children; not there yet."""
    folder = tmp_path / "spool"
    monkeypatch.setenv("SIGHTLOG_SPOOL_DIR", str(folder))
    return folder


@pytest.fixture
def recorder(spool: Path) -> Iterator[Callable[..., Recorder]]:
    """Makes recorders, which are closed at the end."""
    made: list[Recorder] = []

    def make(url: str, key: str = "sk_test", **more: Any) -> Recorder:
        made.append(Recorder(url, key, **more))
        return made[-1]

    yield make
    for one in made:
        one.close(0)


@dataclass
class Program:
    """A Python program of its own, that has `log`, a recorder. It says `ready` when it may be disturbed."""

    popen: subprocess.Popen[str]

    def wait_until_ready(self) -> None:
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == "ready\n"

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def end(self, timeout: float = 30) -> tuple[int, str, str]:
        """Its status, and the rest of what it wrote."""
        out, err = self.popen.communicate(timeout=patience.seconds(timeout))
        return self.popen.returncode, out, err


@pytest.fixture
def program(spool: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(url: str, code: str, key: str = "sk_test", bounds: str = "") -> Program:
        head = (
            "import os, signal, sys, time\n"
            "from sightlog.recorder import Bounds, Recorder\n"
            f"log = Recorder(bounds=Bounds({bounds}))\n"
            "def ready():\n    print('ready', flush=True)\n"
        )
        environment = os.environ | {"SIGHTLOG_URL": url, "SIGHTLOG_API_KEY": key}
        popen = subprocess.Popen(
            [sys.executable, "-c", head + code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Program(popen))
        return started[-1]

    yield start
    for one in started:
        with one.popen:
            one.popen.kill()
