"""Waiting for an export, while its server goes away, the waiting one sleeps, or somebody has enough of it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.db import Database
from app.models import Scope
from sightlog.commands import watching
from sightlog.exports import Export
from tests.client.commands.conftest import Shell
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tools import patience
from tools.servers import Servers

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture
def own(real_servers: Servers, tmp_path: Path) -> Iterator[ForkedStack]:
    """A Sightlog without a worker: exports are begun, and wait."""
    name = f"watched_{tmp_path.name}".lower()
    real_servers.postgres.create_database(name)
    bucket = name.replace("_", "-")
    real_servers.s3.create_bucket(bucket)
    stack = ForkedStack(tmp_path / "own", real_servers.environment(name, bucket))
    with stack:
        yield stack


@pytest.fixture
def waited_for(own: ForkedStack) -> Iterator[Account]:
    database = Database(own.database_url)
    account = new_account(own, database)
    account.record({"id": "a"}, {"id": "b"})
    yield account
    account.close()
    database.dispose()


@pytest.fixture
def waiting(waited_for: Account) -> Shell:
    return Shell({"SIGHTLOG_URL": waited_for.stack.url, "SIGHTLOG_API_KEY": waited_for.keys[Scope.WRITE]})


def begin(shell: Shell, file: Path, log: Path) -> "subprocess.Popen[bytes]":
    """An export that is waited for; it has begun."""
    with log.open("wb") as told:
        process = shell.start("export", "-o", str(file), stderr=told)
    said(log, "has begun")
    return process


def said(log: Path, what: str) -> None:
    patience.until(lambda: what in log.read_text(), 60, what=f"it does not say {what!r}")


def ended(process: "subprocess.Popen[bytes]") -> int:
    process.communicate(timeout=patience.seconds(60))
    return process.returncode


def test_a_server_that_is_started_again(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    file, log = tmp_path / "a.csv", tmp_path / "log"
    process = begin(waiting, file, log)
    own.api_processes[0].kill()
    said(log, f"{own.url} is not reached: ")
    assert process.poll() is None
    own.serve(0)
    own.wait_until_ready()
    own.add_worker()
    assert ended(process) == 0
    assert file.read_bytes().count(b"\r\n") == 3
    assert Shell().one("verify", str(file))["ok"]


def test_a_download_that_begins_while_the_server_is_away(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    id = waiting.run("export").stdout.strip()
    own.add_worker()
    own.api_processes[0].kill()
    log = tmp_path / "log"
    with log.open("wb") as told:
        process = waiting.start("exports", "download", id, "-o", str(tmp_path / "a.csv"), stderr=told)
    said(log, f"{own.url} is not reached: ")
    assert process.poll() is None
    own.serve(0)
    assert ended(process) == 0
    assert (tmp_path / "a.csv").read_bytes().count(b"\r\n") == 3


def test_who_waits_may_sleep(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    """Stopped as by a laptop's lid: meanwhile the server is started again, so the connection is dead afterwards."""
    file, log = tmp_path / "a.csv", tmp_path / "log"
    process = begin(waiting, file, log)
    process.send_signal(signal.SIGSTOP)
    own.api_processes[0].kill()
    own.serve(0)
    own.wait_until_ready()
    own.add_worker()
    process.send_signal(signal.SIGCONT)
    assert ended(process) == 0
    assert Shell().one("verify", str(file))["ok"]


def test_ctrl_c_says_how_to_come_back(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    file, log = tmp_path / "the dogs.csv", tmp_path / "log"
    process = begin(waiting, file, log)
    process.send_signal(signal.SIGINT)
    assert ended(process) == 130
    [[id, *_]] = waiting.rows("exports", "list")
    assert log.read_text() == (
        f"The export {id} has begun.\n"
        f"The server goes on with the export {id}: `sightlog exports download {id} -o '{file}'` comes back to it.\n"
    )
    own.add_worker()
    assert waiting.run("exports", "download", id, "-o", str(file)).stdout.startswith(f"{file}: 2 rows")


def test_ctrl_c_while_the_server_is_away(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    file, log = tmp_path / "a.csv", tmp_path / "log"
    process = begin(waiting, file, log)
    own.api_processes[0].kill()
    said(log, "; asking again.")
    process.send_signal(signal.SIGINT)
    assert ended(process) == 130
    assert log.read_text().endswith(f"-o {file}` comes back to it.\n")


def test_a_server_that_stays_away(
    own: ForkedStack, waiting: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ROUNDS", 2)
    monkeypatch.setattr(watching, "PAUSE", 0.1)
    save = Export.save

    def save_without_a_server(*given: Any) -> Any:
        own.api_processes[0].kill()
        return save(*given)

    monkeypatch.setattr(Export, "save", save_without_a_server)
    told = waiting.run("export", "-o", str(tmp_path / "a.csv"), code=69)
    assert told.stderr.count("; asking again.\n") == 1
    assert "The export may be running: `sightlog exports download " in told.stderr.splitlines()[-1]


def test_a_time_that_is_over_says_how_to_go_on(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    told = waiting.run("export", "--json", "-o", str(tmp_path / "a.csv"), "--timeout", "1s", code=69)
    [[id, *_]] = waiting.rows("exports", "list")
    how = f"`sightlog exports download {id} -o {tmp_path / 'a.csv'}`"
    assert told.stderr.splitlines()[-1] == f"Error: The export {id} is still pending: {how} goes on."
    printed = json.loads(told.stdout)
    assert (printed["id"], printed["status"]) == (id, "pending")
    again = waiting.run("exports", "download", id, "-o", "b.csv", "--timeout", "0", code=69)
    assert again.stderr.endswith(f"`sightlog exports download {id} -o b.csv` goes on.\n")
    assert waiting.run("export", "--watch", "--timeout", "0", code=69).stderr.endswith(".csv` goes on.\n")


def test_one_that_waits_is_cancelled_and_begun_again(own: ForkedStack, waiting: Shell, tmp_path: Path) -> None:
    id = waiting.run("export").stdout.strip()
    log = tmp_path / "log"
    with log.open("wb") as told:
        process = waiting.start("exports", "download", id, "-o", str(tmp_path / "a.csv"), stderr=told)
    assert waiting.run("exports", "cancel", id).stderr == f"The export {id} is cancelled.\n"
    assert ended(process) == 1
    assert log.read_text().endswith("Error: The export was cancelled\n")
    assert waiting.one("exports", "retry", id)["status"] == "pending"
    own.add_worker()
    assert waiting.one("exports", "download", id, "-o", str(tmp_path / "a.csv"))["record_count"] == 2
