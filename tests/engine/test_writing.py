"""What happens to writing when others write, when the disk is full, and on a standby; reading goes on."""

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.engine import sqlite
from app.engine.db import Database
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tools import patience
from tools.servers import POSTGRES, Postgres
from tools.stack import Stack

RESULT = {"sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}
RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded } }"
DESCRIPTIONS = "/api/v2/data/descriptions"


def record(client: httpx.Client, *ids: str, **values: Any) -> Any:
    variables = {"input": [{"id": id, **RESULT, **values} for id in ids]}
    return client.post("/graphql", json={"query": RECORD, "variables": variables}).json()


def refused(answer: Any) -> tuple[str, str]:
    return answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"]


def readiness(stack: Stack) -> tuple[int, str]:
    try:
        answer = httpx.get(f"{stack.url}/health/ready")
    except httpx.TransportError:
        return 0, "does not listen yet"
    return answer.status_code, answer.json()["checks"]["database"]


def log_of(stack: Stack) -> str:
    return "".join(log.read_text() for log in stack.folder.glob("*.log"))


@contextmanager
def accounts(stack: Stack, count: int) -> Iterator[list[Account]]:
    database = Database(stack.database_url)
    made = [new_account(stack, database) for _ in range(count)]
    database.dispose()
    try:
        yield made
    finally:
        for account in made:
            account.close()


@pytest.mark.xdist_group("embedded")
def test_writers_that_wait_for_another_process_hold_up_no_reader(tmp_path: Path) -> None:
    settings = {"SIGHTLOG_STATEMENT_TIMEOUT": "1s", "SIGHTLOG_RATE_LIMIT": "0"}
    with ForkedStack(tmp_path, settings) as stack, accounts(stack, 25) as writers, ThreadPoolExecutor(25) as threads:
        with closing(sqlite3.connect(tmp_path / "data" / "sightlog.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            told = threads.map(lambda account: record(account.client, "a"), writers)
            pages = [writers[0].client.get(DESCRIPTIONS) for _ in range(30)]
            assert [(page.status_code, page.json()["total_count"]) for page in pages] == [(200, 0)] * 30
            busy = ("SERVICE_UNAVAILABLE", "The database is busy at the moment. Please try again.")
            assert [refused(answer) for answer in told] == [busy] * 25
            assert readiness(stack) == (200, "ok")
            other.execute("ROLLBACK")
        patience.until(lambda: "errors" not in record(writers[0].client, "b"), 40)
        totals = [account.client.get(DESCRIPTIONS).json()["total_count"] for account in writers]
        assert totals == [1] + [0] * 24


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of its own, where this machine lets us have one."""
    folder = Path(tempfile.mkdtemp(prefix="sightlog-disk-"))
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small file system can be mounted by root alone")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


FULL = (
    "SERVICE_UNAVAILABLE",
    "The database has no space left, so nothing can be recorded or started at the moment. Please try again later.",
)


def fill(client: httpx.Client) -> Any:
    """Records until it is refused; the answer to that."""
    for number in range(200):
        answer = record(client, f"r{number}", description=os.urandom(200_000).hex())
        if "errors" in answer:
            return answer
    raise AssertionError("the disk does not get full")


def use_full_disk(stack: Stack, cause: str) -> None:
    with accounts(stack, 1) as [account]:
        record(account.client, "a")
        assert refused(fill(account.client)) == FULL
        page = account.client.get(DESCRIPTIONS, params={"limit": 1})
        assert (page.status_code, page.json()["total_count"] >= 1) == (200, True)
        assert readiness(stack) == (503, "full")
        body = {"data_type": "descriptions", "format": "csv"}
        answer = account.client.post("/api/v2/data/export", json=body)
        assert answer.status_code in (202, 503)  # a small row may still have room
        if answer.status_code == 503:
            assert answer.json()["error"]["message"] == FULL[1]
        assert cause in log_of(stack)


@pytest.mark.xdist_group("embedded")
def test_a_full_disk_is_told_by_sqlite(tmp_path: Path) -> None:
    with small_disk("5m") as disk:
        path = disk / "sightlog.db"
        settings = {"SIGHTLOG_DATABASE_URL": f"sqlite:///{path}", "SIGHTLOG_EMBEDDED_WORKER": "no"}
        with ForkedStack(tmp_path / "stack", settings) as stack:
            use_full_disk(stack, f"The database ({path}) cannot be used: database or disk is full")


@pytest.mark.xdist_group("servers")
def test_a_full_disk_is_told_by_postgres(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as server, small_disk("24m") as disk:
        shutil.chown(disk, (tmp_path / "postgres").stat().st_uid)
        with server.connect() as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            connection.execute("CREATE DATABASE small TABLESPACE small")
        settings = {"SIGHTLOG_DATABASE_URL": server.database_url("small"), "SIGHTLOG_EMBEDDED_WORKER": "no"}
        with ForkedStack(tmp_path / "stack", settings) as stack:
            use_full_disk(
                stack, f"(SIGHTLOG_DATABASE_URL: small at 127.0.0.1:{server.port} as sightlog) cannot be used"
            )
        server.kill()  # it could not write its end on the full disk


class Standby(Postgres):
    """A copy that follows another server and can be read."""

    def __init__(self, folder: Path, primary: Postgres) -> None:
        super().__init__(folder)
        self.primary = primary

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        source = self.primary.url.replace("+psycopg", "")
        command = [str(POSTGRES / "pg_basebackup"), "-D", str(self.data), "-R", "-c", "fast", "-d", source]
        subprocess.run(command, check=True, cwd=self.folder, **self.run_as())


@pytest.mark.xdist_group("servers")
@pytest.mark.skipif(not (POSTGRES / "pg_basebackup").exists(), reason="this PostgreSQL comes without pg_basebackup")
def test_a_standby_is_told(tmp_path: Path) -> None:
    with Postgres(tmp_path / "primary") as primary:
        primary.create_database("followed")
        settings = {"SIGHTLOG_DATABASE_URL": primary.database_url("followed"), "SIGHTLOG_EMBEDDED_WORKER": "no"}
        with ForkedStack(tmp_path / "stack", settings) as stack, accounts(stack, 1) as [account]:
            record(account.client, "a")
            with Standby(tmp_path / "standby", primary) as standby:
                url = standby.database_url("followed")
                use_standby(ForkedStack(tmp_path, settings | {"SIGHTLOG_DATABASE_URL": url}), account)


def use_standby(reading: Stack, account: Account) -> None:
    reading.add_api()
    try:
        patience.until(lambda: readiness(reading) == (503, "read-only"), 30)
        refuse_changes(reading, account)
    finally:
        reading.stop()


def refuse_changes(reading: Stack, account: Account) -> None:
    with account.connect(url=reading.url) as client:
        patience.until(lambda: client.get(DESCRIPTIONS).json().get("total_count") == 1, 10)
        message = "The database takes no changes at the moment. Please try again later."
        assert refused(record(client, "b")) == ("SERVICE_UNAVAILABLE", message)
        answer = client.post("/api/v2/data/export", json={"data_type": "descriptions", "format": "csv"})
        assert (answer.status_code, answer.json()["error"]["message"]) == (503, message)
    assert "cannot execute" in log_of(reading)


def test_the_log_of_changes_stays_small(tmp_path: Path) -> None:
    """After a reader, such as an export, has held it up."""
    database = Database(f"sqlite:///{tmp_path / 'sightlog.db'}")
    log = tmp_path / "sightlog.db-wal"

    def write(megabytes: int) -> None:
        for _ in range(megabytes):
            with database.write() as session:
                session.connection().execute(text("INSERT INTO large VALUES (randomblob(1000000))"))

    with database.write() as session:
        session.connection().execute(text("CREATE TABLE large (value BLOB)"))
    with database.read() as session:
        session.connection().scalar(text("SELECT count(*) FROM large"))
        write(40)
        assert log.stat().st_size > 40_000_000
    write(2)  # the first finishes the old log, the second begins a new one
    assert log.stat().st_size <= sqlite._WAL_SIZE
    database.dispose()


def test_only_the_owner_may_read_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "data" / "sightlog.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE a (b)"))
        modes = {file.name: stat.filemode(file.stat().st_mode) for file in [path.parent, *path.parent.iterdir()]}
    database.dispose()
    assert modes.pop("data") == "drwx------"
    assert modes == dict.fromkeys(("sightlog.db", "sightlog.db-wal", "sightlog.db-shm"), "-rw-------")
