"""The server process."""

import math
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app import threads
from app.errors import SightlogError
from app.http import protocol
from app.http.protocol import HttpProtocol
from app.main import create_app
from app.settings import Settings

_OTHER_FILES = 512
"""Those that are no connections of clients: databases, files that are sent, logs."""


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
    http, websocket = protocol.protocols(settings)
    _open_files(settings.max_connections)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        timeout_graceful_shutdown=20,
        server_header=False,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=math.ceil(settings.keep_alive_timeout.total_seconds()),
        http=http,
        ws=websocket,
        ws_max_size=settings.websocket_max_bytes,
        ws_per_message_deflate=False,  # some bytes would unpack to a whole message, before anybody has shown a key
    )
    _Server(config, settings.public_url, demo_key).run([listener])
    threads.end_process()  # without what uvicorn has given up


def _open_files(connections: int) -> None:
    """Lets the process have a file open for each connection, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


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

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, HttpProtocol):
                    connection.check()
        return await super().on_tick(counter)

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
