"""An S3 that fails and lies: it stands before a real one and passes most requests on."""

import hashlib
import http.client
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tools import patience
from tools.servers import S3

ALTERED: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda body: body[: len(body) // 2],
    "other": lambda body: bytes([body[0] ^ 1]) + body[1:],
}
COMPLETED = b'<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"0-2"</ETag></CompleteMultipartUploadResult>'


@dataclass
class LyingS3:
    """`choose` is told `write` or another method and says how the request goes: `passed` on, `refused` with 503, or
    `cut` off without an answer. A `write` may also be answered with 200 though `nothing`, `half` of it, or
    `other` bytes of the same size are kept.
    """

    real: S3
    choose: Callable[[str], str]
    told: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        lying = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                lying.answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        query = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
        writes = request.command == "PUT" or (request.command == "POST" and "uploadId" in query)
        how = self.choose("write" if writes else request.command)
        self.told[how] += 1
        if how == "cut":
            request.close_connection = True
        elif how == "refused":
            _say(request, 503, b"", {})
        elif how == "nothing":
            etag = {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
            _say(request, 200, COMPLETED if request.command == "POST" else b"", etag)
        else:
            status, content, headers = self._passed_on(request, body)
            if how in ALTERED and status == 200 and "partNumber" not in query:
                self._alter(urlsplit(request.path).path, ALTERED[how])
            _say(request, status, content, headers)

    def _alter(self, path: str, alter: Callable[[bytes], bytes]) -> None:
        _, bucket, key = path.split("/", 2)
        place = {"Bucket": bucket, "Key": unquote(key)}
        body = alter(self.real.client().get_object(**place)["Body"].read())
        self.real.client().put_object(**place, Body=body, ChecksumAlgorithm="SHA256")

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.real.port, timeout=patience.seconds(30))
        try:
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() != "expect":
                    connection.putheader(name, value)
            connection.endheaders(body)
            found = connection.getresponse()
            return found.status, found.read(), dict(found.getheaders())
        finally:
            connection.close()


def _say(request: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
            request.send_header(name, value)
    size = next((value for name, value in headers.items() if name.lower() == "content-length"), str(len(content)))
    request.send_header("Content-Length", size if request.command == "HEAD" else str(len(content)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)
