"""uvicorn's protocols, with bounds on connections and on how long one may take for what it has to send."""

import logging
import uuid
from collections import Counter
from typing import Any

from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app import jsontext, limits
from app.settings import Settings

log = logging.getLogger(__name__)

MAX_HEAD = 128 * 1024
"""Bytes of a request's line and headers, and of what stands between the pieces of a body."""


MAX_UNREAD = 32 * 2**20
"""Bytes of a body that are taken and dropped once its request was refused: where a connection ends with bytes on their
way, the client sees a reset instead of the answer."""


class Guests:
    """Who is connected: how many in all and from each address. The proxies in front count for nobody."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._proxies = _TrustedHosts(settings.forwarded_allow_ips)
        self._of_address: Counter[str] = Counter()
        self._count = 0

    def enter(self, host: str) -> str | None:
        """Counts a connection in. The sentence that refuses it, if there are too many; it counts until it leaves."""
        address = limits.network(host)
        full = self._count >= self.settings.max_connections
        of_one = self._of_address[address] >= self.settings.max_connections_per_address
        self._of_address[address] += 1
        self._count += 1
        if full:
            return "Too many connections are open. Please try again."
        if of_one and host not in self._proxies:
            return "Too many connections from this address are open. Please close some."
        return None

    def leave(self, host: str) -> None:
        address = limits.network(host)
        self._count -= 1
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]


class HttpProtocol(HttpToolsProtocol):
    """Its `check` is called every second."""

    guests: Guests
    _host = ""
    _in_head = True
    _in_body = False
    _since = 0.0
    """Since when we wait for the head, or measure how fast the body comes."""
    _arrived = 0
    """Bytes of the body since then."""
    _unread = 0
    """Bytes of the body that came after its answer."""
    _loose = 0
    """Bytes that brought neither a head to its end nor a piece of a body."""
    _unsent = 0
    _unsent_since = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self._since = self._unsent_since = self.loop.time()
        if refusal := self.guests.enter(self._host):
            self.refuse(503, "SERVICE_UNAVAILABLE", refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        cycle = self.cycle
        super().connection_lost(exc)
        self.guests.leave(self._host)
        if cycle is not None and (leave := cycle.scope["state"].get("leave")):
            leave()

    def handle_websocket_upgrade(self) -> None:
        self.guests.leave(self._host)  # it enters anew
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._loose += len(data)
        if self._in_head and not self._since:
            self._since = self.loop.time()
        super().data_received(data)
        if self._loose > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The request's line and headers are too large.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # what follows a body in chunks is not for us
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._since, self._arrived, self._loose, self._unread = self.loop.time(), 0, 0, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._arrived += len(body)
        self._loose = 0
        if self.cycle is not None and self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > MAX_UNREAD:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._in_body = True, False
        self._since, self._loose = 0.0, 0
        super().on_message_complete()

    def check(self) -> None:
        """Ends the connection of a client that takes too long."""
        now, settings = self.loop.time(), self.guests.settings
        self._check_unsent(now, settings.answer_timeout.total_seconds())
        if self.transport.is_closing():
            return
        if self._in_head and self._since and (self.cycle is None or self.cycle.response_complete):
            if now - self._since > settings.head_timeout.total_seconds():
                self.refuse(408, "REQUEST_TIMEOUT", "The request's line and headers did not arrive in time.")
        elif self._in_body and self.cycle is not None:
            self._check_body(now, settings.body_timeout.total_seconds(), settings.min_body_rate)

    def _check_body(self, now: float, seconds: float, rate: int) -> None:
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._since, self._arrived = now, 0  # it waits for us
        elif now - self._since > seconds:
            if self._arrived < rate * seconds and self.cycle.response_complete:
                self.transport.close()
            elif self._arrived < rate * seconds:
                self.refuse(408, "REQUEST_TIMEOUT", f"The request's body arrived at less than {rate} bytes a second.")
            self._since, self._arrived = now, 0

    def _check_unsent(self, now: float, seconds: float) -> None:
        """Drops what a client does not take: it lies in our memory."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._unsent_since = now
        elif now - self._unsent_since > seconds:
            self.transport.abort()
        self._unsent = unsent

    def refuse(self, status: int, code: str, message: str) -> None:
        """Ends the connection, with this answer if none has begun."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = jsontext.dumps(_envelope(code, message) if status == 503 else _detail(code, message))
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        self.refuse(400, "BAD_REQUEST", msg)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    guests: Guests
    _host = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self.guests.enter(self._host)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.guests.leave(self._host)

    def handle_ping(self) -> None:
        """Pings of a client that reads no answer get none, or they would pile up."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            log.info("a message over WebSocket is not UTF-8")
            self.frames = []
            self.conn.fail(1007)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()


def protocols(settings: Settings) -> tuple[type[HttpProtocol], type[WebSocketProtocol]]:
    """For one server."""
    bound = {"guests": Guests(settings)}
    return type("Http", (HttpProtocol,), bound), type("WebSocket", (WebSocketProtocol,), bound)


def _detail(code: str, message: str) -> dict[str, Any]:
    return {"detail": {"code": code, "message": message}}


def _envelope(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": {}}, "request_id": str(uuid.uuid4())}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
