"""The address of a file that stays the same: for programs that read a part here and a part there, locally and in S3."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col, select

from app.engine.db import Database
from app.models import Export, Scope
from tests.conftest import Account, new_account
from tools import patience
from tools.stack import Stack

EXPORT = "/api/v2/data/export"
CONTENT = b"id\r\nalpha\r\nbeta\r\ngamma\r\n"
SIZE, LAST = len(CONTENT), len(CONTENT) - 1
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture(scope="module")
def owner(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    account.record(*({"id": id} for id in ("gamma", "beta", "alpha")))
    yield account
    account.close()


@pytest.fixture(scope="module")
def export_id(owner: Account) -> str:
    id: str = owner.export(format="csv", fields=["id"])["export_id"]
    return id


@pytest.fixture(scope="module")
def handle(export_id: str) -> str:
    return f"{EXPORT}/{export_id}/download"


def is_local(account: Account) -> bool:
    return "SIGHTLOG_S3_BUCKET" not in account.stack.settings


def changed(database: Database, id: str, **values: Any) -> None:
    with database.write() as session:
        session.connection().execute(update(Export).where(col(Export.id) == uuid.UUID(id)).values(values))


def test_all_of_it(owner: Account, handle: str) -> None:
    """S3 sends it itself, under a URL that needs no key."""
    answer = owner.client.get(handle)
    assert answer.headers["x-request-id"]
    if is_local(owner):
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["cache-control"] == "private, no-store"
    else:
        assert (answer.status_code, answer.content) == (302, b"")
        assert answer.headers["cache-control"] == "no-store"
        url = answer.headers["location"]
        assert httpx.get(url, verify=False).content == CONTENT
        assert url.startswith(owner.stack.settings["SIGHTLOG_S3_ENDPOINT_URL"])


def test_head_tells_all_of_a_file(owner: Account, handle: str) -> None:
    id = handle.split("/")[-2]
    for headers in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=1000-"}):  # a range of HEAD is ignored
        answer = owner.client.head(handle, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        found = {name: answer.headers[name] for name in ("content-length", "accept-ranges", "etag", "content-type")}
        expected = {"content-length": str(SIZE), "accept-ranges": "bytes", "etag": ETAG}
        assert found == expected | {"content-type": "text/csv; charset=utf-8"}
        assert answer.headers["content-disposition"] == f'attachment; filename="export_{id}.csv"'


ONE_PART = {
    "bytes=0-1": (0, 1),
    "bytes=4-": (4, LAST),
    "bytes=-7": (SIZE - 7, LAST),
    "bytes=-10000": (0, LAST),
    "bytes=0-10000": (0, LAST),
    "BYTES = 0-0": (0, 0),
    "bytes= 3-3 ,": (3, 3),
    "bytes=0-1,10000-": (0, 1),  # of which one is not there
}


@pytest.mark.parametrize("range", ONE_PART)
def test_a_part_of_it(owner: Account, handle: str, range: str) -> None:
    answer = owner.client.get(handle, headers={"Range": range, "Accept-Encoding": "gzip"})
    first, last = ONE_PART[range]
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert (answer.headers["content-length"], answer.headers["etag"]) == (str(last - first + 1), ETAG)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("range", ["bytes=10000-", "bytes=-0", "bytes=10000-,10001-10002"])
def test_a_part_that_is_not_there(owner: Account, handle: str, range: str) -> None:
    answer = owner.client.get(handle, headers={"Range": range})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{SIZE}")


WHOLE = ["lines=0-1", "bytes", "bytes=", "bytes=-", "bytes=1-0", "bytes=a-b", "bytes=0-1,x", "bytes=0-1;", "bytes=१-२"]


@pytest.mark.parametrize("range", [*WHOLE, "bytes=" + ",".join("0-0" for _ in range(101))])
def test_what_is_no_range_is_ignored(owner: Account, handle: str, range: str) -> None:
    """As RFC 9110 has it: all of the file is sent."""
    answer = owner.client.get(handle, headers={b"Range": range.encode()})
    assert answer.status_code == (200 if is_local(owner) else 302)
    assert answer.content == (CONTENT if is_local(owner) else b"")


def test_several_parts(owner: Account, handle: str) -> None:
    """S3 sends one part at most, so that all of it comes from there."""
    answer = owner.client.get(handle, headers={"Range": "bytes=0-1,10-12,11-14"})
    if not is_local(owner):
        assert answer.status_code == 302
        return
    assert answer.status_code == 206
    boundary = answer.headers["content-type"].removeprefix("multipart/byteranges; boundary=").encode()
    parts = [part.split(b"\r\n\r\n", 1) for part in answer.content.split(b"--" + boundary)[1:-1]]
    assert [content.removesuffix(b"\r\n") for _, content in parts] == [CONTENT[:2], CONTENT[10:15]]
    assert b"bytes 0-1/" in parts[0][0]
    assert b"bytes 10-14/" in parts[1][0]


def test_the_rest_of_what_is_known(owner: Account, handle: str) -> None:
    """`If-Range` gives all of it where the file is another."""
    part = {"Range": "bytes=20-"}
    assert owner.client.get(handle, headers=part | {"If-Range": ETAG}).content == CONTENT[20:]
    for other in ('"another"', f"W/{ETAG}", "Wed, 01 Jan 2025 00:00:00 GMT"):
        for asked in (part, {"Range": "bytes=1000-"}):
            answer = owner.client.get(handle, headers=asked | {"If-Range": other})
            assert answer.status_code == (200 if is_local(owner) else 302)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_known_is_not_sent_again(owner: Account, handle: str, method: str) -> None:
    for known in (ETAG, f'"another", W/{ETAG}', "*"):
        answer = owner.client.request(method, handle, headers={"If-None-Match": known, "Range": "bytes=0-1"})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)
    answer = owner.client.request(method, handle, headers={"If-None-Match": '"another"', "Range": "bytes=0-1"})
    assert answer.status_code == (206 if method == "GET" else 200)


def test_a_local_url_has_the_same_etag(owner: Account, export_id: str) -> None:
    url = owner.client.get(f"{EXPORT}/{export_id}").json()["download_url"]
    if is_local(owner):
        answer = httpx.head(url)
        assert (answer.status_code, answer.headers["etag"], answer.headers["content-length"]) == (200, ETAG, str(SIZE))
        assert httpx.get(url, headers={"If-None-Match": ETAG}).status_code == 304


def test_graphql_tells_it(owner: Account, export_id: str) -> None:
    query = "query($id: ID!) { export(id: $id) { downloadHandle receipt { sha256 } } }"
    told = owner.graphql(query, id=export_id)["export"]
    assert told["downloadHandle"] == f"{owner.stack.url}{EXPORT}/{export_id}/download"
    assert owner.client.head(told["downloadHandle"]).headers["etag"] == f'"{told["receipt"]["sha256"]}"'


def test_who_may_have_it(owner: Account, account: Account, handle: str) -> None:
    with httpx.Client(base_url=owner.stack.url, verify=False, timeout=patience.seconds(30)) as browser:
        assert [browser.request(method, handle).status_code for method in ("GET", "HEAD")] == [401, 401]
        assert browser.post("/session", json={"key": owner.keys[Scope.READ]}).status_code == 201
        assert browser.head(handle, headers={"Sec-Fetch-Site": "same-origin"}).headers["etag"] == ETAG
        assert browser.get(handle, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for receipt in ("", "?receipt"):
        refused = account.client.get(handle + receipt)
        assert (refused.status_code, refused.json()) == (404, {"detail": "Export not found"})
    assert account.client.get(f"{EXPORT}/nope/download").status_code == 422


def test_while_there_is_a_file(account: Account, database: Database) -> None:
    account.record({"id": "a"})
    id = account.export(format="csv")["export_id"]
    handle = f"{EXPORT}/{id}/download"
    none = {"object_key": None, "bytes": None, "sha256": None, "signed_receipt": None}
    kept = {name: getattr(row(database, id), name) for name in none}
    for status, sentence in {
        "pending": "The export is pending: it can be downloaded once it is completed.",
        "failed": "The export has failed, so that it has no file; `retryExport` starts it again.",
        "cancelled": "The export was cancelled, so that it has no file; `retryExport` starts it again.",
    }.items():
        # Not before a time that does not come, so that no worker takes it meanwhile.
        changed(database, id, status=status, not_before=datetime(2100, 1, 1, tzinfo=UTC), **none)
        for query in ("", "?receipt"):
            answer = account.client.get(handle + query)
            assert (answer.status_code, answer.json()["detail"]) == (409, {"code": "CONFLICT", "message": sentence})
        assert account.client.head(handle).status_code == 409
    changed(database, id, status="completed", **kept)
    assert account.client.head(handle).status_code == 200
    changed(database, id, object_key=None, expired_at=datetime.now(UTC))
    assert [account.client.request(method, handle).status_code for method in ("GET", "HEAD")] == [404, 404]
    assert account.client.get(f"{handle}?receipt").json()["sha256"] == kept["sha256"]
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=id)
    assert account.client.get(f"{handle}?receipt").status_code == 404


def row(database: Database, id: str) -> Export:
    with database.read() as session:
        return session.exec(select(Export).where(Export.id == uuid.UUID(id))).one()
