import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from tools.servers import RECEIPT_KEY, Postgres, Redis, Servers, free_ports, start_all

BUCKET = "history"
PART = b"x" * 5 * 2**20


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_all(tmp_path_factory.mktemp("servers")) as servers:
        servers.s3.create_bucket(BUCKET)
        yield servers


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as client:
        yield client


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def presigned(servers: Servers, key: str, seconds: int = 60) -> str:
    url = servers.s3.client().generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key}, seconds)
    assert isinstance(url, str)
    return url


def test_environment(servers: Servers) -> None:
    first, again, another = (servers.environment(name, "two") for name in ("one", "one", "other"))
    number = int(first["SIGHTLOG_REDIS_URL"].rpartition("/")[2])
    assert number > 0
    assert first == again
    assert another["SIGHTLOG_REDIS_URL"] == f"redis://127.0.0.1:{servers.redis.port}/{number + 1}"
    assert first == {
        "SIGHTLOG_DATABASE_URL": f"postgresql+psycopg://sightlog@127.0.0.1:{servers.postgres.port}/one",
        "SIGHTLOG_REDIS_URL": f"redis://127.0.0.1:{servers.redis.port}/{number}",
        "SIGHTLOG_S3_BUCKET": "two",
        "SIGHTLOG_S3_ENDPOINT_URL": f"http://127.0.0.1:{servers.s3.port}",
        "SIGHTLOG_RECEIPT_KEY": RECEIPT_KEY,
        "AWS_ACCESS_KEY_ID": servers.s3.access_key,
        "AWS_SECRET_ACCESS_KEY": servers.s3.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_postgres_has_trigrams_and_letters(servers: Servers) -> None:
    url = servers.postgres.create_database("trigrams")
    query(url, "CREATE EXTENSION pg_trgm")
    assert query(url, "SELECT lower('ÄÖ'), show_trgm('é') <> '{}', current_setting('max_connections')") == [
        ("äö", True, "200")
    ]


def test_postgres_fsync_is_a_choice(servers: Servers, tmp_path: Path) -> None:
    assert query(servers.postgres.url, "SHOW fsync") == [("off",)]
    with Postgres(tmp_path, fsync=True) as postgres:
        assert query(postgres.url, "SHOW fsync") == [("on",)]


def test_postgres_killed_keeps_port_and_data(servers: Servers) -> None:
    url = servers.postgres.create_database("killed")
    query(url, "CREATE TABLE kept AS SELECT 1 AS id")
    busy = psycopg.connect(url.replace("+psycopg", ""))
    servers.postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        query(url, "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        busy.execute("SELECT 1")
    servers.postgres.restart()
    query(url, "INSERT INTO kept VALUES (2)")
    servers.postgres.restart()
    assert query(url, "SELECT id FROM kept ORDER BY id") == [(1,), (2,)]


def test_redis_killed_keeps_port_and_forgets(servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis.url) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"
        client.save()
        servers.redis.kill()
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(servers.redis.url, retry=None).ping()
        servers.redis.restart()
        assert client.get("key") is None


def test_s3_refuses_altered_and_expired_signatures(servers: Servers, web: httpx.Client) -> None:
    servers.s3.client().put_object(Bucket=BUCKET, Key="signed", Body=b"0123456789")
    short = presigned(servers, "signed", seconds=1)
    url = presigned(servers, "signed")
    other = url[:-1] + ("0" if url[-1] != "0" else "1")
    assert web.get(url).content == b"0123456789"
    assert web.get(other).status_code == 403
    assert web.get(url.replace("signed?", "other?")).status_code == 403
    assert web.get(url.partition("?")[0]).status_code == 403
    part = web.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    time.sleep(2.1)
    assert web.get(short).status_code == 403


def test_s3_multipart(servers: Servers, web: httpx.Client) -> None:
    s3 = servers.s3.client()
    upload = {"Bucket": BUCKET, "Key": "parts", "UploadId": ""}
    upload["UploadId"] = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate((PART, b"end"), start=1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert web.get(presigned(servers, "parts")).content == PART + b"end"


def test_s3_multipart_abort(servers: Servers) -> None:
    s3 = servers.s3.client()
    upload = {"Bucket": BUCKET, "Key": "aborted"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    s3.upload_part(**upload, PartNumber=1, Body=PART)
    assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == ["aborted"]
    s3.abort_multipart_upload(**upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="aborted")["KeyCount"] == 0


def test_s3_killed_keeps_port_and_data(servers: Servers, web: httpx.Client) -> None:
    s3 = servers.s3.client()
    s3.put_object(Bucket=BUCKET, Key="kept", Body=PART)
    url = presigned(servers, "kept")
    servers.s3.kill()
    with pytest.raises(httpx.ConnectError):
        web.get(url)
    servers.s3.restart()
    assert web.get(url).content == PART
    s3.put_object(Bucket=BUCKET, Key="kept", Body=b"again")
    assert web.get(url).content == b"again"


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path, end: str) -> None:
    program = f"""
import os, pathlib, signal, sys, threading
from tools.servers import Redis
server = Redis(pathlib.Path({str(tmp_path)!r}))
starter = threading.Thread(target=server.start)
starter.start()
starter.join()
print(server.url, flush=True)
{end}
"""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    assert gone(done.stdout.strip())


def gone(url: str) -> bool:
    for _ in range(100):
        try:
            with redis.Redis.from_url(url, retry=None) as client:
                client.ping()
        except redis.ConnectionError:
            return True
        time.sleep(0.05)
    return False


def test_another_port_when_one_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Redis(tmp_path / "first") as first:
        offers = iter([first.ports, second_ports := free_ports(1)])
        monkeypatch.setattr("tools.servers.free_ports", lambda count: next(offers))
        with Redis(tmp_path / "second") as second:
            assert second.ports == second_ports
