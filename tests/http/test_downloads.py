"""Downloads: who may, how long, which part, and of nothing else."""

import http.client
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from app import storage
from app.errors import Forbidden
from app.runtime import open_runtime
from app.settings import Settings
from app.storage import LocalStorage
from tests.conftest import Account
from tests.rest_compat.conftest import EXPORT
from tools import patience
from tools.stack import Stack


@pytest.fixture(scope="module")
def download_url(exporting: Account) -> str:
    url: str = exporting.export(format="csv", fields=["id"])["download_url"]
    return url


CONTENT = b"id\r\nfull\r\nbare\r\nwhole\r\n"


def is_local(account: Account) -> bool:
    return "SIGHTLOG_S3_BUCKET" not in account.stack.settings


def altered(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode(query)).geturl()


def lifetime(account: Account, url: str) -> float:
    query = parse_qs(urlsplit(url).query)
    return float(query["expires"][0]) - time.time() if is_local(account) else float(query["X-Amz-Expires"][0])


def test_a_download_needs_no_key_and_works_for_an_hour(
    exporting: Account, download_url: str, stranger: httpx.Client
) -> None:
    assert stranger.get(download_url).content == CONTENT
    assert stranger.get(download_url).status_code == 200
    assert 3500 < lifetime(exporting, download_url) <= 3600


def test_every_read_signs_a_url_that_works(exporting: Account, stranger: httpx.Client) -> None:
    id = exporting.export(format="csv", fields=["id"])["export_id"]
    urls = [exporting.client.get(f"{EXPORT}/{id}").json()["download_url"] for _ in range(2)]
    assert [stranger.get(url).content for url in urls] == [CONTENT, CONTENT]


@pytest.mark.parametrize(
    ("range", "status", "content"),
    [
        ("bytes=0-1", 206, CONTENT[:2]),
        ("bytes=4-", 206, CONTENT[4:]),
        ("bytes=-7", 206, CONTENT[-7:]),
        ("bytes=0-10000", 206, CONTENT),
    ],
)
def test_a_part_of_a_file_can_be_downloaded(
    download_url: str, range: str, status: int, content: bytes, stranger: httpx.Client
) -> None:
    response = stranger.get(download_url, headers={"Range": range})
    assert (response.status_code, response.content) == (status, content)
    first, last = CONTENT.index(content), CONTENT.index(content) + len(content) - 1
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_range_behind_the_end_is_416(download_url: str, stranger: httpx.Client) -> None:
    assert stranger.get(download_url, headers={"Range": "bytes=1000-"}).status_code == 416


def test_head_tells_the_size_of_a_local_file(exporting: Account, download_url: str, stranger: httpx.Client) -> None:
    response = stranger.head(download_url)
    assert response.content == b""
    if is_local(exporting):
        assert (response.status_code, response.headers["content-length"]) == (200, str(len(CONTENT)))
    else:  # S3 signs for one method
        assert response.status_code == 403


def test_an_altered_download_url_is_403(exporting: Account, download_url: str, stranger: httpx.Client) -> None:
    names = ("signature", "expires") if is_local(exporting) else ("X-Amz-Signature", "X-Amz-Expires")
    query = parse_qs(urlsplit(download_url).query)
    signature = query[names[0]][0]
    changes = [
        {names[0]: signature[:-1] + ("0" if signature[-1] != "0" else "1")},
        {names[0]: ""},
        {names[0]: "é"},
        {names[1]: str(int(query[names[1]][0]) + 1)},
        {names[1]: "9" * 30},
        {names[1]: "soon"},
    ]
    statuses = [stranger.get(altered(download_url, **change)).status_code for change in changes]
    assert [status for status in statuses if status not in (400, 403)] == []
    assert statuses[0] == statuses[3] == 403
    other_file = download_url.replace(".csv", ".json", 1)
    assert stranger.get(other_file).status_code == 403
    assert stranger.get(download_url.partition("?")[0]).status_code == 403
    assert stranger.post(download_url).status_code in (403, 405)


def local_storage(stack: Stack) -> storage.LocalStorage:
    """Signs as the server does."""
    settings = Settings(data_dir=stack.folder / "data", public_url=stack.url, secret="")
    opened = open_runtime(settings).storage
    assert isinstance(opened, storage.LocalStorage)
    return opened


def test_an_expired_download_url_is_403(
    exporting: Account, download_url: str, monkeypatch: pytest.MonkeyPatch, stranger: httpx.Client
) -> None:
    if not is_local(exporting):
        expired = altered(download_url, **{"X-Amz-Date": "20250101T000000Z"})
        assert stranger.get(expired).status_code == 403
        return
    signs = local_storage(exporting.stack)
    key = urlsplit(download_url).path.removeprefix("/files/")
    assert stranger.get(signs.url(key, content_type="", filename="x.csv")).content == CONTENT
    monkeypatch.setattr(storage, "URL_LIFETIME", -1)
    response = stranger.get(signs.url(key, content_type="", filename="x.csv"))
    assert (response.status_code, response.json()["detail"]["code"]) == (403, "AUTHZ_ERROR")
    assert "expired" in response.json()["detail"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/..%2fsecret",
        "/files/1/..%2f..%2f..%2fsecret",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/..%5c..%5csecret",
        "/files/%00",
        "/files/secret%00.csv",
        "/files/",
        "/files/.",
        "/files/..",
        "/files/%ff",
    ],
)
def test_no_path_escapes_the_folder_of_the_files(exporting: Account, path: str) -> None:
    for query in ("", "?filename=x.csv&expires=99999999999&signature=0"):
        status, body = raw_get(exporting.stack.url, path + query)
        assert status == (403 if is_local(exporting) else 404)
        assert set(json.loads(body)) == {"detail"}


@pytest.mark.parametrize(
    "key", ["../secret", "../sightlog.db", "/etc/passwd", "1/../../secret", "..", "", "nowhere/1.csv"]
)
def test_even_a_signed_path_does_not_escape(exporting: Account, key: str) -> None:
    if not is_local(exporting):
        assert raw_get(exporting.stack.url, f"/files/{key}")[0] == 404
        return
    query = urlsplit(local_storage(exporting.stack).url(key, content_type="", filename="x.csv")).query
    status, _ = raw_get(exporting.stack.url, f"/files/{key.replace('.', '%2e')}?{query}")
    assert status == (404 if key == "nowhere/1.csv" else 403)


def raw_get(url: str, path: str) -> tuple[int, bytes]:
    """Sends the path as it is: httpx would resolve its dots."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=patience.seconds(10))
    connection.request("GET", path)
    response = connection.getresponse()
    status, body = response.status, response.read()
    connection.close()
    return status, body


@pytest.mark.parametrize(
    ("secret", "accepted"),
    [
        ("old", [True, False]), ("old,new", [True, True]), (" new , old,", [True, True]), ("new", [False, True]),
        ("other", [False, False]),
    ],
)  # fmt: skip
def test_the_secret_can_be_changed_while_urls_are_out(tmp_path: Path, secret: str, accepted: list[bool]) -> None:
    """URLs that were signed with the old one first, and with the new one first, where this is set."""
    found = []
    for signing in ("old,new", "new"):
        query = parse_qs(urlsplit(local(tmp_path, signing).url("k", content_type="text/csv", filename="f")).query)
        try:
            path = local(tmp_path, secret).verify("k", "f", query["expires"][0], query["signature"][0])
        except Forbidden:
            found.append(False)
        else:
            found.append(path == tmp_path / "exports" / "k")
    assert found == accepted


def local(folder: Path, secret: str) -> LocalStorage:
    runtime = open_runtime(Settings(data_dir=folder, secret=secret))
    runtime.close()
    assert isinstance(runtime.storage, LocalStorage)
    return runtime.storage
