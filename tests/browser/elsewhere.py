"""A server of others' images: HTTPS, of no authority that anybody knows."""

import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import trustme

PICTURE = b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'><circle cx='9' cy='9' r='9'/></svg>"
LARGE = 50_000_000
"""Bytes of an image that takes most of a minute."""


class Elsewhere:
    """`/picture`, `/circle` of redirects, and `/large`. `asked`: each path with the `Referer` that came along."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.large_ended = Event()
        stopped, asked, ended = Event(), self.asked, self.large_ended

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["Referer"]))
                if self.path == "/circle":
                    self.send_response(302)
                    self.send_header("Location", "/circle")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                size = LARGE if self.path == "/large" else len(PICTURE)
                self.send_response(200)
                self.send_header("Content-Type", "image/svg+xml")
                self.send_header("Content-Length", str(size))
                self.end_headers()
                if self.path == "/large":
                    self.send_slowly()
                else:
                    self.wfile.write(PICTURE)

            def send_slowly(self) -> None:
                self.close_connection = True
                try:
                    for _ in range(LARGE // 50_000):
                        self.wfile.write(b" " * 50_000)
                        if stopped.wait(0.05):
                            return
                except OSError:
                    pass  # nobody waits any longer
                finally:
                    ended.set()

            def log_message(self, *_: object) -> None:
                pass

        self._stopped = stopped
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
