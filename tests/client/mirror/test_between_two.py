"""A history brought along from one Sightlog to another."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.engine.db import Database
from app.models import Scope
from tests.client.mirror.conftest import Here, rows_of
from tests.client.mirror.stub import Stub, item
from tests.commands import sightlog
from tests.conftest import Account, new_account, only_embedded, only_servers
from tests.forked import ForkedStack
from tests.test_flickr import COUNT
from tools import patience
from tools.stack import Process, Stack

URL = "/api/v2/data"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Another Sightlog, with the limit that it has by default."""
    with ForkedStack(tmp_path_factory.mktemp("other"), {"SIGHTLOG_RATE_LIMIT": "2000"}) as running:
        yield running


@pytest.fixture
def there(other: Stack) -> Iterator[Account]:
    database = Database(other.database_url)
    account = new_account(other, database)
    yield account
    account.close()
    database.dispose()


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def results(count: int, name: str, **values: Any) -> list[dict[str, Any]]:
    begin = datetime(2024, 3, 1, 10, tzinfo=UTC)
    return [
        {
            "id": f"{name}{number}",
            "type": "rule" if number % 4 else "description",
            "sourceType": ("single", "batch", "live")[number % 3],
            "createdAt": (begin + timedelta(minutes=number * 37, microseconds=number)).isoformat(),
            "description": f"Naïve “text” number {number}, \n 猫",
            "confidenceScore": None if number % 5 == 0 else number % 101 / 100,
            "metadata": {"model": f"m{number % 3}", "nested": {"a": [1, None]}},
            "status": "FAILED" if number % 11 == 0 else "COMPLETED",
            "errorMessage": "timeout" if number % 11 == 0 else None,
        }
        | values
        for number in range(count)
    ]


def mirror(here: Here, there: Account, *arguments: str) -> Any:
    return here.mirror(there.stack.url + URL, *arguments, key=there.keys[Scope.READ])


@contextmanager
def running(here: Here, there: Account, *arguments: str) -> Iterator[Process]:
    """The command as a process of its own."""
    settings = os.environ | here.environment(there.keys[Scope.READ])
    given = ("mirror", "--from", there.stack.url + URL, "--state", str(here.state), *arguments)
    process = Process(given, settings, here.folder / "mirror.log").start()
    try:
        yield process
    finally:
        if process.is_running():
            process.kill()


def said(here: Here) -> str:
    return (here.folder / "mirror.log").read_text()


@contextmanager
def arriving(there: Account, most: int = 300) -> Iterator[None]:
    """Results come in meanwhile: of now, and of long ago."""
    ended = threading.Event()

    def record() -> None:
        with there.connect() as client:
            for number in range(most):
                rows = [
                    {"id": f"now{number}", "sourceType": "live", "createdAt": moment(seconds=0)},
                    {
                        "id": f"then{number}",
                        "sourceType": "live",
                        "createdAt": f"2024-03-{number % 28 + 1:02}T12:00:00Z",
                    },
                ]
                mutation = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded } }"
                answer = client.post("/graphql", json={"query": mutation, "variables": {"input": rows}}).json()
                assert "errors" not in answer, answer
                if ended.wait(0.05):
                    return

    thread = threading.Thread(target=record)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_both_hold_the_same(here: Here, there: Account) -> None:
    there.record(*results(300, "r"))
    review = "mutation($i: [ReviewInput!]!) { reviewDescriptions(input: $i) { reviews { at } } }"
    there.graphql(review, i=[{"descriptionId": "r1", "verdict": "ACCEPTED"}])
    told = mirror(here, there)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("300 read, 28 of them failed results; 300 recorded, ")
    assert here.rows() == rows_of(there)
    assert next(row["verification"]["verdict"] for row in here.rows() if row["id"] == "r1") == "accepted"


def test_by_pages_all_but_the_failed_ones(here: Here, there: Account) -> None:
    there.record(*results(300, "r"))
    told = mirror(here, there, "--by", "pages")
    assert told.exit_code == 0, told.output
    assert here.rows() == [row for row in rows_of(there) if row["status"] == "completed"]


@only_embedded
def test_what_came_late_is_found(here: Here, there: Account) -> None:
    there.record(*results(100, "r"), *({"id": f"new{n}", "createdAt": moment(seconds=n)} for n in range(40)))
    assert mirror(here, there).exit_code == 0
    assert here.rows() == rows_of(there)
    there.record(
        {"id": "in the overlap", "createdAt": moment(minutes=50)},
        {"id": "long ago", "createdAt": "2024-03-02T10:00:00Z"},
        {"id": "before all", "createdAt": "2020-01-01T00:00:00Z"},
        {"id": "to come", "createdAt": moment(days=-2)},
    )
    told = mirror(here, there)
    assert told.exit_code == 0, told.output
    assert "2 days differ, and are read again" in told.stderr
    assert here.rows() == rows_of(there)


@only_embedded
def test_what_changed_is_kept_or_replaced(here: Here, there: Account) -> None:
    there.record({"id": "a", "description": "new"})
    here.account.record({"id": "a", "description": "old"})
    told = mirror(here, there)
    assert (told.exit_code, here.rows()[0]["description"]) == (0, "old")
    assert "1 of the known ones differ and were kept" in told.stdout
    here.state.unlink()
    assert mirror(here, there, "--replace").exit_code == 4
    url, key = there.stack.url + URL, there.keys[Scope.READ]
    told = here.mirror(url, "--replace", key=key, scope=Scope.ADMIN)
    assert (told.exit_code, here.rows()[0]["description"]) == (0, "new")


def test_killed_at_random_while_results_arrive(here: Here, there: Account) -> None:
    there.record(*results(4000, "r"))
    with arriving(there):
        for _ in range(3):
            with running(here, there) as process:
                patience.until(
                    lambda: here.state.exists() or not process.is_running(), 30, what="the state was never written"
                )
                time.sleep(random.uniform(0, 0.6))
                process.kill()
        told = mirror(here, there)
        assert told.exit_code in (0, 1), told.output  # what came at the last moment may not be here yet
    assert mirror(here, there).exit_code == 0
    assert here.rows() == rows_of(there)


@only_embedded
def test_it_goes_on_until_it_is_told_to_end(here: Here, there: Account) -> None:
    there.record({"id": "first", "createdAt": "2025-01-15T10:30:00Z"})
    with running(here, there, "--every", "1s") as process:
        patience.until(lambda: "Both sides agree" in said(here), 30, what="the first pass did not end")
        there.record({"id": "second", "createdAt": moment(seconds=1)})
        patience.until(lambda: len(here.rows()) == 2, 30, every=0.3, what="the second result did not come")
        assert process.terminate() == 0
    assert said(here).endswith("Stopped. Run the same command to go on.\n")
    assert here.rows() == rows_of(there)
    assert {path.name for path in here.folder.iterdir()} == {"mirror.log", "state.json"}


@only_embedded
def test_it_ends_at_once_while_it_waits_and_takes_up_its_export_again(here: Here, stub: Callable[..., Stub]) -> None:
    there = stub([item(number) for number in range(25)], never_ready=True)
    settings = os.environ | here.environment("stub_" + "k" * 40)
    arguments = ("mirror", "--from", there.url, "--state", str(here.state))
    process = Process(arguments, settings, here.folder / "mirror.log").start()
    try:
        patience.until(lambda: there.calls("/export/id"), 30, what="no export was asked for")
        assert process.terminate() == 69
    finally:
        process.kill()
    there.never_ready = False
    told = here.mirror(there.url)
    assert told.exit_code == 0, told.output
    assert (len(there.calls("/export")), len(here.rows())) == (1, 25)


@only_embedded
def test_the_key_may_come_from_standard_input_and_the_target_from_a_profile(
    here: Here, there: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightlog import profiles
    from sightlog.profiles import Profile
    from tests.commands import invoke_plainly

    monkeypatch.setenv("XDG_CONFIG_HOME", str(here.folder / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(here.folder / "state"))
    profiles.save("ours", Profile(here.account.stack.url, here.account.keys[Scope.WRITE]))
    there.record({"id": "a"})
    arguments = ("mirror", "--from", there.stack.url + URL + "/", "--to", "ours", "--from-key-stdin", "--json")
    told = invoke_plainly({}, *arguments, input=there.keys[Scope.READ].encode() + b"\n")
    assert told.exit_code == 0, told.output
    assert '"agree": true' in told.stdout
    assert len(list((here.folder / "state" / "sightlog" / "mirror").glob("*.json"))) == 1
    assert len(here.rows()) == 1


@only_servers
def test_a_real_history_killed_at_random(here: Here, there: Account, flickr: Path) -> None:
    assert sightlog(there.stack, "import", str(flickr), "--account", there.name).exit_code == 0
    for killed in range(3):
        with running(here, there) as process:
            patience.until(lambda: here.state.exists() or not process.is_running(), 60)
            time.sleep(random.uniform(0.5, 2))
            process.kill()
        assert '"pass": null' not in here.state.read_text(), f"it was done before it was killed {killed} times"
    told = mirror(here, there)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[-1].endswith(f": {COUNT} results on 731 days.")
    ids = {"fields": ["id", "created_at", "confidence_score", "metadata"]}
    assert here.account.download(**ids) == there.download(**ids)
