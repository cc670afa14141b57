"""Connections: how many, for how long, and what may come over them."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.conftest import Account, both_engines
from tests.http import own
from tools import patience

EXPORT = "/api/v2/data/export"
LENGTH = "Content-Length: 99"


@pytest.fixture(scope="module", params=both_engines)
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    settings = {
        "SIGHTLOG_HEAD_TIMEOUT": "4s",
        "SIGHTLOG_BODY_TIMEOUT": "4s",
        "SIGHTLOG_ANSWER_TIMEOUT": "4s",
        "SIGHTLOG_KEEP_ALIVE_TIMEOUT": "4s",
        "SIGHTLOG_WEBSOCKET_MAX_BYTES": "2048",
    }
    with own.own_stack(request, tmp_path_factory, "strict", settings) as account:
        yield account


@pytest.fixture(scope="module", params=both_engines)
def few(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    settings = {
        "SIGHTLOG_MAX_CONNECTIONS": "12",
        "SIGHTLOG_MAX_CONNECTIONS_PER_ADDRESS": "5",
        "SIGHTLOG_FORWARDED_ALLOW_IPS": "127.0.0.2",
    }
    with own.own_stack(request, tmp_path_factory, "few", settings) as account:
        yield account


def refusal(answer: bytes) -> tuple[bytes, dict[str, str]]:
    """The status line, and the error in whichever shape."""
    head, _, body = answer.partition(b"\r\n\r\n")
    found = json.loads(body)
    error: dict[str, str] = found.get("detail") or found["error"]
    return head.splitlines()[0], error


HEAD_IS_LATE = {"code": "REQUEST_TIMEOUT", "message": "The request's line and headers did not arrive in time."}
BODY_IS_LATE = {"code": "REQUEST_TIMEOUT", "message": "The request's body arrived at less than 4096 bytes a second."}


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /heal", b"GET /health/live HTTP/1.1\r\nHost: test\r\nX-A"])
def test_a_head_that_does_not_come(strict: Account, sent: bytes) -> None:
    with own.connected(strict, sent) as connection:
        assert refusal(own.answer(connection)) == (b"HTTP/1.1 408 Request Timeout", HEAD_IS_LATE)


def test_a_second_head_that_does_not_come(strict: Account) -> None:
    with own.connected(strict, b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n") as connection:
        assert own.answer(connection, until=b'{"status":"ok"}').startswith(b"HTTP/1.1 200 OK")
        connection.sendall(b"\r\nGET ")
        assert refusal(own.answer(connection)) == (b"HTTP/1.1 408 Request Timeout", HEAD_IS_LATE)


def test_a_connection_without_a_request_is_closed(strict: Account) -> None:
    with own.connected(strict, b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n") as connection:
        assert own.answer(connection).endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("path", [EXPORT, "/graphql"])
@pytest.mark.parametrize("length", [LENGTH, "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come(strict: Account, path: str, length: str) -> None:
    request = own.head(strict, f"POST {path}", "Content-Type: application/json", length)
    with own.connected(strict, request, b"1\r\n{\r\n") as connection:
        assert refusal(own.answer(connection)) == (b"HTTP/1.1 408 Request Timeout", BODY_IS_LATE)


def test_a_refused_body_that_does_not_come(strict: Account) -> None:
    with own.connected(strict, own.head(strict, f"POST {EXPORT}", LENGTH, key="wrong"), b"{") as connection:
        assert own.answer(connection).startswith(b"HTTP/1.1 401 Unauthorized")


def test_an_answer_that_nobody_takes(strict: Account) -> None:
    """The page is larger than what the system keeps for the two ends of a connection."""
    strict.record(*({"description": "x" * 100_000, "id": f"large {place}"} for place in range(100)))
    query = "/graphql?query={descriptions(first:100){nodes{description}}}"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", strict.stack.ports[0]))
        connection.sendall(own.head(strict, f"GET {query}"))
        own.becomes(0, lambda: open_connections(connection))


def open_connections(connection: socket.socket) -> int:
    """1 as long as the server holds its end of this one."""
    port = f"{connection.getsockname()[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[2].endswith(f":{port}") and line[3] == "01" for line in lines)


def test_headers_behind_a_body_are_bounded(strict: Account) -> None:
    request = own.head(strict, "POST /graphql", "Content-Type: application/json", "Transfer-Encoding: chunked")
    line = b"X-Trailer: " + b"x" * 1000 + b"\r\n"
    with own.connected(strict, request, b"1\r\n{\r\n0\r\n") as connection, suppress(ConnectionError):
        connection.sendall(line * 10_000)
        assert own.answer(connection).startswith(b"HTTP/1.1 400 ")
    with own.connected(strict, request, b"1b\r\n" + b'{"query": "{ __typename }"}' + b"\r\n0\r\n", line) as connection:
        connection.sendall(b"\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_connections_from_one_address_are_bounded(few: Account) -> None:
    with ExitStack() as opened:
        held = [opened.enter_context(own.connected(few)) for _ in range(5)]
        with own.connected(few) as sixth:
            error = {
                "code": "SERVICE_UNAVAILABLE",
                "message": "Too many connections from this address are open. Please close some.",
                "details": {},
            }
            assert refusal(own.answer(sixth)) == (b"HTTP/1.1 503 Service Unavailable", error)
        held[0].close()
        own.becomes(200, lambda: status(few))


def test_a_proxy_has_more_but_not_more_than_all(few: Account) -> None:
    own.becomes(200, lambda: status(few))
    with ExitStack() as opened:
        for _ in range(12):
            opened.enter_context(from_proxy(few))
        error = {"code": "SERVICE_UNAVAILABLE", "message": "Too many connections are open. Please try again."}
        with from_proxy(few) as one_more:
            assert refusal(own.answer(one_more))[1] == error | {"details": {}}
    own.becomes(200, lambda: status(few))


def test_a_websocket_counts_as_one_connection(few: Account) -> None:
    own.becomes(200, lambda: status(few))
    for _ in range(3):  # counted once, and given back
        with ExitStack() as opened:
            for _ in range(4):
                opened.enter_context(socket_of(few))
            assert status(few) == 200
            opened.enter_context(socket_of(few))
            assert status(few) == 503
        own.becomes(200, lambda: status(few))


def status(account: Account) -> int:
    try:
        return httpx.get(f"{account.stack.url}/health/live", verify=False).status_code
    except httpx.TransportError:
        return 503  # the answer is lost where the connection ended while we sent


def from_proxy(account: Account) -> socket.socket:
    return socket.create_connection(("127.0.0.1", account.stack.ports[0]), patience.seconds(30), ("127.0.0.2", 0))


# WebSockets


def socket_of(account: Account) -> ClientConnection:
    url = account.stack.url.replace("http", "ws") + "/graphql"
    return connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None)


def refused_with(opened: ClientConnection, message: str | bytes | list[str], text: bool | None = None) -> int | None:
    """The code with which the server ends the connection, be it before the last frame of the message is sent."""
    with suppress(ConnectionClosed):
        opened.send(message, text=text)
    with pytest.raises(ConnectionClosed) as raised:
        opened.recv(timeout=patience.seconds(30))
    return raised.value.rcvd.code if raised.value.rcvd else None


def test_a_websocket_is_not_compressed(strict: Account) -> None:
    """Nobody has shown a key yet, and some bytes would become megabytes."""
    with socket_of(strict) as opened:
        assert opened.response is not None
        assert "Sec-WebSocket-Extensions" not in opened.response.headers


@pytest.mark.parametrize(("message", "code"), [("x" * 3000, 1009), (["x" * 2000, "x" * 2000], 1009)])
def test_a_message_that_is_too_large_ends_the_connection(strict: Account, message: str | list[str], code: int) -> None:
    with socket_of(strict) as opened:
        assert refused_with(opened, message) == code


def test_a_message_that_is_no_text_is_nobodys_error(strict: Account) -> None:
    with socket_of(strict) as opened:
        assert refused_with(opened, b"\xff\xfe", text=True) == 1007
    assert "Traceback" not in own.log_of(strict)
    assert " ERROR " not in own.log_of(strict)
