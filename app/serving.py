"""The server process."""

import math
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from app import durations, sessions, threads
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


@dataclass(frozen=True)
class Guest:
    """Who may begin at once: a key, and the token of a link that signs in with it."""

    account: str
    key: str
    token: str


def serve(settings: Settings, listener: socket.socket, guest: Guest | None) -> None:
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
    _Server(config, settings, guest).run([listener])
    threads.end_process()  # without what uvicorn has given up


def _open_files(connections: int) -> None:
    """Lets the process have a file open for each connection, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: Settings, guest: Guest | None) -> None:
        super().__init__(config)
        self._url = settings.public_url.rstrip("/")
        self._link_lasts = durations.text(settings.sign_in_link_lifetime)
        self._guest = guest

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
        lines = ["", f"  Sightlog is at {self._url}", ""]
        if self._guest:
            link = sessions.link(self._url, self._guest.token)
            lines.append(f"    Sign in    {link}   (works once, for {self._link_lasts})")
        lines += [f"    GraphiQL   {self._url}/graphql", f"    REST docs  {self._url}/docs"]
        if self._guest:
            lines.append(f"    API key    {self._guest.key}   (account: {self._guest.account})")
        return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])
