"""Servers that customers name: each path of one behaves in its own way."""

import gzip
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW = 0.1
"""Seconds between two bytes of what drips."""

BOMB = gzip.compress(bytes(30 * 2**20))


@dataclass
class Named:
    """A server, what was asked of it (`Host` and path), and for which names in TLS."""

    port: int
    contents: dict[str, bytes]
    asked: list[tuple[str, str]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    held: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    named: Named
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        self.named.connections += 1
        return super().get_request()

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError):  # whoever asks may leave at any moment
            if self.tls is None:
                super().finish_request(request, client_address)
                return
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        named, path = self.server.named, self.path
        named.asked.append((self.headers["Host"], path))
        named.open += 1
        named.most_open = max(named.most_open, named.open)
        try:
            self._answer(named, path)
        finally:
            named.open -= 1

    def _answer(self, named: Named, path: str) -> None:
        if path == "/redirect":
            self._head(302, Location="/elsewhere")
        elif path == "/slow-head":
            for _ in iter(lambda: True, False):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: "[:1])
                time.sleep(SLOW)
        elif path == "/slow":
            self._head(200)
            while True:
                self.wfile.write(b"\xff")
                time.sleep(SLOW)
        elif path == "/endless":
            self._head(200)
            while True:
                self.wfile.write(bytes(65536))
        elif path == "/bomb":
            self._head(200, **{"Content-Encoding": "gzip", "Content-Length": str(len(BOMB))})
            self.wfile.write(BOMB)
        elif path == "/broken":
            self._head(200, **{"Content-Length": "100"})
            self.wfile.write(b"\xff\xd8\xff")
        elif path == "/held":
            named.held.wait(60)
        elif path in named.contents:
            self._head(200, **{"Content-Length": str(len(named.contents[path]))})
            self.wfile.write(named.contents[path])
        else:
            self._head(404, **{"Content-Length": "0"})

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(
    contents: dict[str, bytes] | None = None, *, address: str = "127.0.0.1", port: int = 0, tls: Any = None
) -> Iterator[Named]:
    """`tls`: a certificate of trustme."""
    server = _Server((address, port), _Handler)
    named = server.named = Named(server.server_address[1], contents or {})
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.configure_cert(context)
        context.sni_callback = lambda _socket, name, _context: named.names.append(name)
        server.tls = context
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield named
    finally:
        named.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
