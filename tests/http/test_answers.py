"""What every answer is packed in, whether it may be kept, what HEAD gets, and what metrics say of it."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.compression import zstd
from tests.conftest import Account

LIST = "/api/v2/data/descriptions"
UNPACK = {"gzip": gzip.decompress, "zstd": zstd.decompress, None: bytes}


def raw(account: Account, path: str, accept: str | None, method: str = "GET") -> tuple[httpx.Headers, bytes]:
    """The answer as it comes over the wire."""
    headers = {} if accept is None else {"Accept-Encoding": accept}
    request = account.client.build_request(method, path, headers=headers)
    if accept is None:
        del request.headers["Accept-Encoding"]
    response = account.client.send(request, stream=True)
    content = b"".join(response.iter_raw())
    response.close()
    assert response.status_code == 200
    return response.headers, content


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
    ],
)
def test_a_large_answer_is_packed_as_the_client_likes(
    account: Account, accept: str | None, encoding: str | None
) -> None:
    account.record(*({"description": f"a dog and a ball {place}"} for place in range(30)))
    plain = account.client.get(LIST).content
    headers, content = raw(account, LIST, accept)
    assert headers.get("content-encoding") == encoding
    assert headers.get("vary") == ("Accept-Encoding" if encoding else None)
    assert headers["content-length"] == str(len(content))
    assert UNPACK[encoding](content) == plain  # type: ignore[operator]
    assert (len(content) < len(plain) / 2) is (encoding is not None)


def test_a_small_answer_is_not_packed(account: Account) -> None:
    headers, content = raw(account, "/graphql?query={__typename}", "gzip, zstd")
    assert (headers.get("content-encoding"), content) == (None, b'{"data":{"__typename":"Query"}}')


def test_an_asset_is_packed(account: Account) -> None:
    for name in ("/assets/graphiql.js", "/docs", "/openapi.json"):
        assert raw(account, name, "gzip")[0]["content-encoding"] == "gzip"


def test_caches_are_told_what_an_asset_depends_on(account: Account) -> None:
    for accept in ("gzip", None):
        assert raw(account, "/assets/graphiql.js", accept)[0]["vary"] == "Accept-Encoding"


def test_a_download_comes_as_it_is(account: Account) -> None:
    account.record(*({"description": f"a dog and a ball {place}"} for place in range(30)))
    url = account.export(format="json")["download_url"]
    response = httpx.get(url, headers={"Accept-Encoding": "gzip, zstd"}, verify=False)
    assert "content-encoding" not in response.headers
    part = httpx.get(url, headers={"Range": "bytes=5-9", "Accept-Encoding": "gzip"}, verify=False)
    assert (part.status_code, part.content) == (206, response.content[5:10])


def test_a_stream_comes_as_it_is(account: Account) -> None:
    export_id = account.export()["export_id"]
    body = {"query": f'subscription {{ exportProgress(id: "{export_id}") {{ status }} }}'}
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, zstd"}
    response = account.client.post("/graphql", json=body, headers=headers)
    assert "content-encoding" not in response.headers
    assert response.text.startswith("event: next")


@pytest.mark.parametrize(
    "path",
    [LIST, f"{LIST}?limit=0", "/graphql?query={__typename}", "/graphql", "/api/v2/data/export/x", "/api/nowhere"],
)
def test_what_needs_a_key_is_kept_by_nobody(account: Account, path: str) -> None:
    for response in (account.client.get(path), httpx.get(account.stack.url + path, verify=False)):
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        *(LIST, f"{LIST}?limit=0", "/api/v2/data/export/550e8400-e29b-41d4-a716-446655440000"),
        *("/graphql?query={__typename}", "/graphql?query={", "/docs", "/openapi.json", "/"),
        *("/health/live", "/health/ready", "/metrics", "/assets/graphiql.js", "/nowhere"),
    ],
)
def test_head_tells_what_get_would(account: Account, path: str) -> None:
    got, head = account.client.get(path), account.client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-encoding", "cache-control", "location"):
        assert head.headers.get(name) == got.headers.get(name)
    if path != "/metrics":
        assert head.headers["content-length"] == got.headers["content-length"]


def test_a_page_for_people_has_a_head(account: Account) -> None:
    response = account.client.head("/graphql", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_metrics_at_once_are_gathered_once(account: Account) -> None:
    """Each would take a thread and the connections of its questions."""
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: httpx.get(f"{account.stack.url}/metrics", verify=False), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert "sightlog_exports{" in answers[-1].text


@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("GET", 200), ("PUT", 405)])
def test_metrics_name_graphql(account: Account, method: str, status: int) -> None:
    def count(status: int) -> float:
        sample = f'sightlog_request_seconds_count{{method="{method}",route="/graphql",status="{status}"}} '
        lines = httpx.get(f"{account.stack.url}/metrics", verify=False).text.splitlines()
        return next((float(line.removeprefix(sample)) for line in lines if line.startswith(sample)), 0.0)

    before, refused = count(status), count(401)
    asked = {"query": "{ __typename }"}
    answer = account.client.request(method, "/graphql", params=asked, json=None if method == "GET" else asked)
    assert answer.status_code == status
    assert httpx.request(method, f"{account.stack.url}/graphql", verify=False).status_code == 401
    assert (count(status) > before, count(401) > refused) == (True, True)
