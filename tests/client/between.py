"""What lies between a client and its server, and harms downloads as networks, proxies and disks do."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tools import patience


@dataclass(frozen=True)
class Harm:
    """What happens to one answer of a download. `cut`: the connection ends after so many bytes; `hold`: nothing comes
    after those of `cut`; `status` stands in place of the answer.
    """

    cut: int | None = None
    hold: threading.Event | None = None
    status: int | None = None
    etag: str | None = None
    ignores_range: bool = False
    alters: Callable[[bytes], bytes] = bytes


@dataclass
class Between:
    """Passes on what GraphQL says, with its own download URLs in place of the storage's. Each download takes the next
    of `harms`, and the last of them for ever if `lasting`. Files are given so many `times` over, and their receipts say
    so. Without `signs` it is an older server, which signs none. `seen` has the headers of the downloads that were asked
    for.
    """

    upstream: str
    harms: list[Harm] = field(default_factory=list)
    lasting: bool = False
    times: int = 1
    signs: bool = True
    seen: list[dict[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        between = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                between.pass_on(self)

            def do_GET(self) -> None:
                if self.path.startswith(("/api/", "/.well-known/")):
                    between.pass_on(self)
                else:
                    between.download(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self._http = httpx.Client(verify=False, timeout=patience.seconds(30))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for harm in self.harms:
            if harm.hold:
                harm.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._http.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def ranges(self) -> list[str | None]:
        """What was asked for, download by download; None: all of it."""
        return [headers.get("range") for headers in self.seen]

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        kept = ("authorization", "content-type", "accept")
        headers = {name: value for name, value in request.headers.items() if name.lower() in kept}
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.path.startswith("/api/") and (not self.signs or self.times > 1):  # nobody signs longer files
            request.send_error(404)
            return
        answer = self._http.request(request.command, self.upstream + request.path, content=body, headers=headers)
        content = json.dumps(self._ours(answer.json())).encode()
        request.send_response(answer.status_code)
        request.send_header("Content-Type", answer.headers["content-type"])
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _ours(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._ours(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._ours(one) for name, one in value.items()}
        if found.get("downloadUrl"):
            self.urls.append(found["downloadUrl"])
            found["downloadUrl"] = f"{self.url}/{len(self.urls) - 1}"
            if self.times > 1:
                found["receipt"] = self._longer(found["receipt"])
        return found

    def _longer(self, receipt: dict[str, Any]) -> dict[str, Any]:
        content = self._http.get(self.urls[-1]).content
        digest = hashlib.sha256()
        for _ in range(self.times):
            digest.update(content)
        longer = {name: receipt[name] * self.times for name in ("rows", "bytes")}
        return receipt | longer | {"sha256": digest.hexdigest()}

    def download(self, request: BaseHTTPRequestHandler) -> None:
        asked = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(asked)
        place = len(self.seen) - 1
        harm = Harm()
        if self.harms and (place < len(self.harms) or self.lasting):
            harm = self.harms[min(place, len(self.harms) - 1)]
        if harm.status:
            request.send_response(harm.status)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        url = self.urls[int(urlsplit(request.path).path[1:])]
        kept = () if harm.ignores_range else ("range", "if-range")
        headers = {name: asked[name] for name in kept if name in asked}
        answer = self._http.get(url, headers=headers | {"Accept-Encoding": "identity"})
        content = harm.alters(answer.content)
        request.send_response(answer.status_code)
        for name in ("Content-Type", "Content-Length", "Content-Range", "ETag"):
            if name in answer.headers:
                told = harm.etag if name == "ETag" and harm.etag else answer.headers[name]
                request.send_header(name, str(len(content) * self.times) if name == "Content-Length" else told)
        request.end_headers()
        for _ in range(self.times):
            request.wfile.write(content[: harm.cut])
        request.wfile.flush()
        if harm.hold:
            harm.hold.wait(patience.seconds(60))
        request.close_connection = True
