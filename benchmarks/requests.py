"""Requests as bytes, and the processes that they are sent to and from."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from app.engine.db import Database
from tools import patience, servers

SECONDS = 4.0
CONNECTIONS = 8
_FOREVER = 1e9


class Request(NamedTuple):
    url: str
    content: bytes


def get(url: str, path: str, key: str = "") -> Request:
    return Request(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())


def post(url: str, key: str, query: str) -> Request:
    body = json.dumps({"query": f"{{ {query} }}"})
    head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    return Request(url, f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def load(request: Request, connections: int = CONNECTIONS) -> dict[str, float]:
    """The same request again and again, for some seconds."""
    return _load([request], connections, SECONDS, None)


def send(requests: Sequence[Request], count: int) -> dict[str, float]:
    """So many requests in all."""
    return _load(requests, CONNECTIONS, _FOREVER, count)


def _load(requests: Sequence[Request], connections: int, seconds: float, most: int | None) -> dict[str, float]:
    asked = {
        "url": requests[0].url,
        "requests": [request.content.decode() for request in requests],
        "connections": connections,
        "seconds": seconds,
        "most": most,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(asked).encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def floor(database: Database) -> Iterator[str]:
    """The URL of the floor."""
    driver = "sqlite" if database.is_sqlite else "postgresql"
    dsn = database.url.set(drivername=driver).render_as_string(hide_password=False)
    port = servers.free_port()
    command = [sys.executable, "-m", "benchmarks.floor", "1", str(port)]
    with serving(command, {"FLOOR_URL": dsn}, port, "/1") as url:
        yield url


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], port: int, path: str, folder: Path | None = None
) -> Iterator[str]:
    """The URL of a process, from when it answers there."""
    process = subprocess.Popen(command, env=os.environ | environment, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: httpx.get(url + path).status_code < 500)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(ready: Callable[[], bool], timeout: float = 30) -> None:
    deadline = patience.Deadline(timeout)
    while True:
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        if deadline.is_over:
            raise TimeoutError
        time.sleep(0.05)


def forget_peak(pid: int) -> None:
    """What `resident` tells as the most is counted anew (Linux)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def resident(pid: int, *, most: bool = False) -> float:
    """MiB that a process has in memory, or had at most (Linux)."""
    name = "VmHWM" if most else "VmRSS"
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024
