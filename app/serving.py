"""The server process."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import threads
from app.errors import SightlogError
from app.main import create_app
from app.settings import Settings

MAX_HEAD = 128 * 1024
"""Bytes of a request's line and headers."""


def bind(host: str, port: int) -> socket.socket:
    """SightlogError where another listens there, or the address is none of this machine."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SightlogError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None
    return listener


def url_of(host: str, port: int) -> str:
    """Where a client on this machine reaches a server that listens there."""
    reached = "localhost" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"http://{reached}:{port}"


def serve(settings: Settings, listener: socket.socket, demo_key: str | None) -> None:
    """Serves until SIGTERM or Ctrl-C; running requests finish first."""
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        timeout_graceful_shutdown=20,
        server_header=False,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        http=_Protocol,
    )
    _Server(config, settings.public_url, demo_key).run([listener])
    threads.end_process()  # without what uvicorn has given up


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with a bound on the size of a request's line and headers."""

    _in_head = True
    _head = 0

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head += len(data)
        if self._in_head and self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The request's line and headers are too large.")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str, demo_key: str | None) -> None:
        super().__init__(config)
        self._url = url.rstrip("/")
        self._demo_key = demo_key

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's, which ends the process by the same signal again: a clean end has the exit status 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._announcement(), flush=True)

    def _announcement(self) -> str:
        fragment = f"#key={self._demo_key}" if self._demo_key else ""
        lines = [
            "",
            f"  Sightlog is at {self._url}",
            "",
            f"    GraphiQL   {self._url}/graphql{fragment}",
            f"    REST docs  {self._url}/docs{fragment}",
        ]
        if self._demo_key:
            lines.append(f"    API key    {self._demo_key}   (account: demo)")
        return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])
