"""Bytes that are hardly HTTP."""

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.bad_input.conftest import EXPORT, LIST, MEGABYTES
from tests.conftest import Account
from tools import patience
from tools.stack import Stack


def send_raw(stack: Stack, data: bytes, *, wait: bool = True) -> bytes:
    """The answer to these bytes; with `wait` false none: the connection is dropped at once."""
    address = urlsplit(stack.url)
    with socket.create_connection(
        (str(address.hostname), address.port or 0), timeout=patience.seconds(10)
    ) as connection:
        with contextlib.suppress(OSError):  # refused before the end
            connection.sendall(data)
        answer = b""
        while wait and (read := connection.recv(65536)):
            answer += read
    return answer


def headers(account: Account, *more: str) -> bytes:
    authorization = account.client.headers["Authorization"]
    return "\r\n".join(["Host: test", f"Authorization: {authorization}", *more, "", ""]).encode()


def test_a_url_of_ten_megabytes_is_refused(victim: Account) -> None:
    request = f"GET {LIST}?search={MEGABYTES} HTTP/1.1\r\n".encode() + headers(victim, "Connection: close")
    assert send_raw(victim.stack, request).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", [EXPORT, "/graphql"])
def test_a_body_that_ends_too_early_is_dropped_quietly(victim: Account, path: str) -> None:
    half = f"POST {path} HTTP/1.1\r\n".encode() + headers(
        victim, "Content-Type: application/json", "Content-Length: 99"
    )
    send_raw(victim.stack, half + b'{"data_type":', wait=False)
    time.sleep(0.1)
    assert victim.client.get("/health/live").status_code == 200
