"""Bodies: packed ones, those that begin with a mark, how large they may be, and how many large ones at a time."""

import gzip
import io
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from app.compression import zstd
from app.http import protocol
from app.models import Scope
from tests.conftest import Account, both_engines, new_account
from tests.http import own

JSON = "application/json"
EXPORT = "/api/v2/data/export"
TYPENAME = b'{"query": "{ __typename }"}'
ASKED = {"/graphql": TYPENAME, EXPORT: b'{"data_type": "descriptions", "format": "csv"}'}
ANSWERED = {"/graphql": 200, EXPORT: 202}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "zstd": zstd.compress,
    "GZIP": gzip.compress,
}
MEBIBYTE = 2**20


def send(account: Account, path: str, body: Any, scope: Scope = Scope.WRITE, **headers: str) -> httpx.Response:
    given = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    with account.connect(scope) as client:
        return client.post(path, content=body, headers=given)


def told(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message, in whichever shape."""
    found = response.json()
    if "errors" in found:
        [error] = found["errors"]
        return response.status_code, error["extensions"]["code"], error["message"]
    return response.status_code, found["detail"]["code"], found["detail"]["message"]


def pieces(body: bytes) -> Iterator[bytes]:
    """Of a length that is not told before."""
    for place in range(0, len(body), 1000):
        yield body[place : place + 1000]


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("encoding", PACKERS)
def test_a_packed_body_is_understood(account: Account, path: str, encoding: str) -> None:
    packed = PACKERS[encoding](ASKED[path])
    for body in (packed, pieces(packed)):
        assert send(account, path, body, Content_Encoding=encoding).status_code == ANSWERED[path]


def test_identity_is_no_packing(account: Account) -> None:
    assert send(account, "/graphql", TYPENAME, Content_Encoding="identity").status_code == 200


def test_a_large_packed_body_arrives_whole(account: Account) -> None:
    results = [
        {"id": f"r{place}", "sourceType": "single", "createdAt": "2025-01-15T10:30:00Z", "description": "é" * 200}
        for place in range(5000)
    ]
    query = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded } }"
    body = json.dumps({"query": query, "variables": {"input": results}}).encode()
    assert len(body) > MEBIBYTE
    response = send(account, "/graphql", gzip.compress(body), Content_Encoding="gzip")
    assert response.json() == {"data": {"recordDescriptions": {"recorded": 5000}}}


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "compress", "nonsense"])
def test_an_encoding_that_is_not_understood_is_415(account: Account, path: str, encoding: str) -> None:
    response = send(account, path, ASKED[path], Content_Encoding=encoding)
    message = "The Content-Encoding of a body may be gzip or zstd."
    assert told(response) == (415, "UNSUPPORTED_ENCODING", message)
    assert response.headers["accept-encoding"] == "gzip, zstd"


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_that_is_not_packed_as_it_says(account: Account, path: str, encoding: str) -> None:
    whole = PACKERS[encoding](ASKED[path])
    for body, message in (
        (ASKED[path], "The body is not packed as its Content-Encoding says."),
        (whole[:-3], "The packed body ends too early."),
        (whole + whole, "The packed body goes on behind its end."),
    ):
        response = send(account, path, body, Content_Encoding=encoding)
        assert told(response) == (422, "VALIDATION_ERROR", message)


def bomb(encoding: str, size: int) -> bytes:
    """Some kilobytes that are so many when they are unpacked."""
    if encoding == "zstd":
        return zstd.compress(b" " * size)
    written = io.BytesIO()
    with gzip.GzipFile(fileobj=written, mode="wb") as file:
        for _ in range(size // MEBIBYTE):
            file.write(b" " * MEBIBYTE)
    return written.getvalue()


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_what_unpacks_to_more_than_a_body_may_have_is_413(account: Account, path: str, encoding: str) -> None:
    body = bomb(encoding, 64 * MEBIBYTE)
    assert len(body) < 100_000
    message = "The request's body is larger than 16777216 bytes."
    assert told(send(account, path, body, Content_Encoding=encoding)) == (413, "PAYLOAD_TOO_LARGE", message)


def test_a_window_of_more_than_eight_megabytes_is_refused(account: Account) -> None:
    options = {zstd.CompressionParameter.window_log: 24, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)  # type: ignore[arg-type]
    body = packer.compress(TYPENAME) + packer.flush()
    response = send(account, "/graphql", body, Content_Encoding="zstd")
    assert told(response)[2] == "The body is not packed as its Content-Encoding says."


def test_bytes_that_unpack_to_nothing_count(account: Account) -> None:
    packer = zlib.compressobj(level=0, wbits=31)
    empty = packer.flush(zlib.Z_FULL_FLUSH)[10:]  # a block without anything in it
    body = gzip.compress(b"")[:10] + empty * (17 * MEBIBYTE // len(empty))
    assert told(send(account, "/graphql", body, Content_Encoding="gzip"))[0] == 413
    assert told(send(account, "/graphql", pieces(body[: 17 * MEBIBYTE]), Content_Encoding="gzip"))[0] == 413


@pytest.mark.parametrize("path", ASKED)
def test_a_byte_order_mark_is_no_part_of_json(account: Account, path: str) -> None:
    assert send(account, path, b"\xef\xbb\xbf" + ASKED[path]).status_code == ANSWERED[path]


def test_an_integer_that_nobody_can_mean(account: Account) -> None:
    digits = "1" * 5000
    response = send(account, "/graphql", '{"query": "{ __typename }", "variables": {"a": ' + digits + "}}")
    message = "The request is no JSON: holds an integer of more than 4300 digits."
    assert response.json() == {"errors": [{"message": message}]}
    response = send(account, EXPORT, '{"data_type": "descriptions", "format": "csv", "limit": ' + digits + "}")
    [place] = response.json()["detail"]
    assert place["msg"] == "The body is no JSON: it holds an integer of more than 4300 digits"


# Who may send how much


@pytest.mark.parametrize("path", ASKED)
def test_a_key_that_only_reads_sends_a_megabyte(account: Account, path: str) -> None:
    fits = ASKED[path] + b" " * (MEBIBYTE - len(ASKED[path]))
    message = "A body of more than 1048576 bytes needs an API key with the scope 'write'."
    assert send(account, path, fits, Scope.READ).status_code == ANSWERED[path]
    for body in (fits + b" ", pieces(fits + b" ")):
        assert told(send(account, path, body, Scope.READ)) == (413, "PAYLOAD_TOO_LARGE", message)
    packed = gzip.compress(fits + b" ")
    refused = send(account, path, packed, Scope.READ, Content_Encoding="gzip")
    assert told(refused) == (413, "PAYLOAD_TOO_LARGE", message)
    for scope in (Scope.WRITE, Scope.ADMIN):
        assert send(account, path, fits + b" ", scope).status_code == ANSWERED[path]


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("length", ["Content-Length: 20971520", "Transfer-Encoding: chunked"])
def test_who_sends_all_before_he_reads_is_told_why(account: Account, path: str, length: str) -> None:
    head = own.head(account, f"POST {path}", f"Content-Type: {JSON}", length)
    ends = b"1400000\r\n", b"\r\n0\r\n\r\n"
    begin, end = ends if "chunked" in length else (b"", b"")
    with own.connected(account, head, begin, b" " * (20 * MEBIBYTE), end) as connection:
        assert own.answer(connection, until=b"}").startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
        assert b'{"status":"ok"}' in own.answer(connection, until=b'{"status":"ok"}')


def test_nobody_sends_on_without_an_end(account: Account) -> None:
    head = own.head(account, f"POST {EXPORT}", f"Content-Type: {JSON}", f"Content-Length: {2**40}")
    sent = 0
    with own.connected(account, head) as connection, suppress(ConnectionError):
        while sent < 2 * protocol.MAX_UNREAD:
            connection.sendall(b" " * MEBIBYTE)
            sent += MEBIBYTE
    assert protocol.MAX_UNREAD <= sent < 2 * protocol.MAX_UNREAD


# Few at a time


@pytest.fixture(scope="module", params=both_engines)
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    few = {"SIGHTLOG_LARGE_BODIES": "3", "SIGHTLOG_LARGE_BODIES_PER_ACCOUNT": "2"}
    settings = few | {"SIGHTLOG_LARGE_BODY_WAIT": "1s", "SIGHTLOG_BODY_TIMEOUT": "10m"}
    with own.own_stack(request, tmp_path_factory, "busy", settings) as account:
        yield account


LARGE = TYPENAME + b" " * 300_000


@contextmanager
def half(account: Account) -> Iterator[socket.socket]:
    """A large body that has its turn, and of which a part is still to come."""
    told = (f"Content-Length: {len(LARGE)}", "Expect: 100-continue")
    request = own.head(account, "POST /graphql", "Content-Type: application/json", *told)
    with own.connected(account, request) as connection:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(LARGE[:1000])
        yield connection


def test_large_bodies_of_an_account_wait_for_each_other(busy: Account) -> None:
    with half(busy) as first, half(busy):
        refused = send(busy, "/graphql", LARGE)
        message = "Too many large requests of this account are in work. Please wait."
        assert told(refused) == (429, "RATE_LIMIT_ERROR", message)
        assert refused.headers["retry-after"] == "1"
        assert send(busy, "/graphql", pieces(LARGE)).status_code == 429
        assert send(busy, "/graphql", TYPENAME + b" " * 200_000).status_code == 200
        first.sendall(LARGE[1000:])
        assert first.recv(20) == b"HTTP/1.1 200 OK\r\ndat"
        assert send(busy, "/graphql", LARGE).status_code == 200


def test_large_bodies_of_all_wait_for_each_other(busy: Account) -> None:
    other, third = (new_account(busy.stack, busy.database) for _ in range(2))
    with half(busy), half(busy), half(other):
        response = send(third, "/graphql", LARGE)
        message = "Too many large requests are in work. Please try again."
        assert told(response) == (503, "SERVICE_UNAVAILABLE", message)
        assert response.headers["retry-after"] == "1"
        assert send(third, "/graphql", TYPENAME).status_code == 200
    own.becomes(200, lambda: send(third, "/graphql", LARGE).status_code)
    assert [send(busy, "/graphql", LARGE).status_code for _ in range(4)] == [200] * 4
