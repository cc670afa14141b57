"""`sightlog erase` and `sightlog accounts delete`: what is gone then, and that nothing else is."""

import gzip
import os
import pty
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from app import auth, closing, sessions
from app.engine.db import Database
from app.errors import NotFound
from app.exports import claims, lifecycle
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history import erasing, recording, rollup
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.models import Scope
from app.runtime import Runtime
from app.storage import LocalStorage
from tests.commands import sightlog
from tests.conftest import Account, only_embedded
from tools.patience import until
from tools.servers import s3_client
from tools.stack import COMMAND, ROOT, Stack

RESULTS: list[dict[str, Any]] = [
    {"id": "a", "imageId": "i", "description": "a dog", "createdAt": "2025-01-01T23:59:59.999999Z"},
    {"id": "b", "imageId": "i", "description": "a cat", "createdAt": "2025-01-02T00:00:00Z"},
    {"id": "c", "type": "rule", "status": "FAILED", "createdAt": "2025-01-03T00:00:00Z"},
]
ALL = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
REVIEW = 'mutation { reviewDescriptions(input: [{descriptionId: "a", verdict: REJECTED}]) { reviews { id } } }'


def there(account: Account) -> list[str]:
    query = "{ descriptions(filter: {includeFailed: true}) { nodes { id } } }"
    return sorted(node["id"] for node in account.graphql(query)["descriptions"]["nodes"])


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--id", "a", "--id", "c"), ["b"]),
        (("--image-id", "i"), ["c"]),
        (("--before", "2025-01-02"), ["b", "c"]),
        (("--since", "2025-01-02", "--type", "rule"), ["a", "b"]),
        (
            (
                "--search",
                "CAT",
            ),
            ["a", "c"],
        ),
    ],
)
def test_what_is_chosen_is_erased(account: Account, options: tuple[str, ...], left: list[str]) -> None:
    account.record(*RESULTS)
    command = ("erase", "--account", account.name, *options, "--yes")
    missed = sightlog(account.stack, *command, "--expect", "9")
    assert missed.exit_code == 2
    assert missed.stderr == f"Error: {3 - len(left)} results match by now, not 9: look at them again.\n"
    assert there(account) == ["a", "b", "c"]
    done = sightlog(account.stack, *command, "--expect", str(3 - len(left)))
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"Results erased: {3 - len(left)}.\n", "")
    assert there(account) == left
    check = sightlog(account.stack, "db", "check")
    assert (check.exit_code, check.stderr) == (0, "The database is as this version needs it.\n")


def test_files_go_with_them_and_an_import_does_not_bring_them_back(account: Account, tmp_path: Path) -> None:
    account.record(*RESULTS)
    export = account.export(format="jsonl", fields=["id", "source_type", "created_at"])
    file = tmp_path / "kept.jsonl.gz"
    file.write_bytes(gzip.compress(httpx.get(export["download_url"], verify=False).content))
    command = ("erase", "--account", account.name, "--id", "a", "--expect", "1", "--yes")
    told = f"Results erased: 1.\nExport {export['export_id']} may have held some: its file was {{}}.\n"
    done = sightlog(account.stack, *command, "--keep-exports")
    assert (done.exit_code, done.stdout) == (0, told.format("kept"))
    assert httpx.get(export["download_url"], verify=False).status_code == 200
    done = sightlog(account.stack, *("b" if part == "a" else part for part in command))
    assert (done.exit_code, done.stdout) == (0, told.format("removed"))
    assert httpx.get(export["download_url"], verify=False).status_code == 404
    again = sightlog(account.stack, "import", str(file), "--account", account.name)
    summary = "{} recorded, 0 already known{}, 0 rejected\n"
    assert (again.exit_code, again.stdout) == (0, summary.format(0, ", 2 left out as they were erased"))
    assert "left out, as they were erased: b, a\n" in again.stderr
    forced = sightlog(account.stack, "import", str(file), "--account", account.name, "--on-erased", "restore")
    assert (forced.exit_code, forced.stdout) == (0, summary.format(2, ""))
    assert there(account) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "Say what to erase in exactly one way: ids, imageIds or filter."),
        (("--id", "a"), "Nobody can be asked here: say --yes."),
        (("--id", "a", "--yes"), "With --yes, say how many you expect: 1 are there, so --expect 1."),
        (("--before", "noon"), "--before: "),
    ],
)
def test_it_says_what_is_missing(account: Account, options: tuple[str, ...], sentence: str) -> None:
    account.record(*RESULTS)
    refused = sightlog(account.stack, "erase", "--account", account.name, *options)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"Error: {sentence}")
    assert there(account) == ["a", "b", "c"]


def typed(stack: Stack, *arguments: str, answer: str) -> tuple[int, str]:
    """The exit status of a command on a terminal where that is typed, and what it prints there."""
    ours, theirs = pty.openpty()
    environment = stack.environment | {"COLUMNS": "200", "TERM": "dumb"}
    command = [*COMMAND, *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        said = b""
        with suppress(OSError):  # Linux says so when the other end was closed
            while part := os.read(ours, 65536):
                said += part
    os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")


@only_embedded
def test_on_a_terminal_it_asks(account: Account) -> None:
    account.record(*RESULTS)
    command = ("erase", "--account", account.name, "--image-id", "i")
    status, said = typed(account.stack, *command, answer="n")
    assert (status, there(account)) == (2, ["a", "b", "c"])
    question = f"Erase 2 results of '{account.name}' for good, and remove the files of exports that may hold them?"
    assert question in said
    assert "Nothing was done." in said
    status, said = typed(account.stack, *command, answer="y")
    assert (status, there(account)) == (0, ["c"])
    status, said = typed(account.stack, "accounts", "delete", account.name, answer="another")
    assert (status, there(account)) == (2, ["c"])
    assert "That is not its name: nothing was done." in said
    status, said = typed(account.stack, "accounts", "delete", account.name, answer=account.name)
    assert status == 0
    assert f"The account '{account.name}' was deleted (results: 1, exports: 0, keys: 3)." in said


@only_embedded
def test_nothing_is_left_in_the_file_of_the_embedded_database(account: Account) -> None:
    secret = "xylophone-0815"
    account.record({"id": "a", "description": secret}, {"id": "b"})
    folder = account.stack.folder / "data"

    def holds() -> bool:
        return any(secret.encode() in file.read_bytes() for file in folder.glob("sightlog.db*"))

    assert holds()
    done = sightlog(account.stack, "erase", "--account", account.name, "--id", "a", "--expect", "1", "--yes")
    assert done.stderr == ""
    assert not holds()


# Accounts


def rows(database: Database, account_id: int, *key_prefixes: str) -> dict[str, int]:
    """How many rows of each table are the account's."""
    found = {}
    with database.read() as session:
        for name, table in SQLModel.metadata.tables.items():
            if name == OF_THE_SERVER:
                continue
            if "account_id" in table.c:
                mine = table.c.account_id == account_id
            else:
                mine = table.c.id == account_id if name == "accounts" else table.c.key_prefix.in_(key_prefixes)
            if count := session.connection().scalar(select(func.count()).select_from(table).where(mine)):
                found[name] = count
    return found


def stored(stack: Stack, account_id: int) -> list[str]:
    """The keys of the account's files."""
    settings = stack.environment
    if bucket := settings.get("SIGHTLOG_S3_BUCKET"):
        s3 = s3_client(
            settings["SIGHTLOG_S3_ENDPOINT_URL"], settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
        )
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"exports/{account_id}/").get("Contents", [])
        return [one["Key"] for one in found]
    folder = stack.folder / "data" / "exports"
    return [str(file) for file in (folder / str(account_id)).rglob("*")]


def filled(account: Account) -> list[str]:
    """The beginnings of its keys; it has something of everything."""
    account.record(*RESULTS)
    account.graphql(REVIEW)
    with account.connect(Scope.ADMIN) as admin:
        erased = admin.post("/graphql", json={"query": 'mutation { eraseDescriptions(ids: ["b"]) { erased } }'}).json()
    assert erased == {"data": {"eraseDescriptions": {"erased": 1}}}
    account.export()
    prefixes = [auth.prefix_of(key) for key in account.keys.values()]
    with account.database.write() as session:
        sessions.make_link(session, prefixes[0], lifetime=timedelta(hours=1))
        sessions.start(session, prefixes[1], lifetime=timedelta(hours=1))
    return prefixes


OF_THE_SERVER = "receipt_keys"
"""The table that has nothing of an account."""

EVERYTHING = {
    *("accounts", "api_keys", "sessions", "sign_in_links", "descriptions", "erased", "reviews"),
    *("statistics_groups", "histories", "exports", "export_events"),
}


def test_all_of_an_account_goes_and_nothing_of_another(make_account: Callable[[], Account]) -> None:
    account, other = make_account(), make_account()
    prefixes, others = filled(account), filled(other)
    with account.database.write() as session:  # one is running, and its worker was killed
        id = lifecycle.create(session, account.id, ALL).id
        assert claims.claim(session, account.id, id, at_a_time=9)
    until(lambda: set(rows(account.database, other.id, *others)) == EVERYTHING, 20)  # the job that tidies is done
    before, files = rows(account.database, other.id, *others), stored(account.stack, other.id)
    assert set(rows(account.database, account.id, *prefixes)) >= EVERYTHING
    done = sightlog(account.stack, "accounts", "delete", account.name, "--yes")
    told = f"The account '{account.name}' was deleted (results: 2, exports: 2, keys: 3).\n"
    assert (done.exit_code, done.stderr) == (0, told)
    assert rows(account.database, account.id, *prefixes) == {"histories": 1}
    assert stored(account.stack, account.id) == []
    assert account.client.get("/api/v2/data/descriptions").status_code == 401
    assert rows(account.database, other.id, *others) == before
    assert stored(account.stack, other.id) == files != []
    assert there(other) == ["a", "c"]
    assert sightlog(account.stack, "db", "check").exit_code == 0
    again = sightlog(account.stack, "accounts", "delete", account.name, "--yes")
    assert again.exit_code == 2
    assert again.stderr.startswith(f"Error: There is no account named '{account.name}'.")


def record(core: Runtime, account_id: int, *ids: str) -> None:
    results = [Result(id=id, source_type="s", created_at=datetime(2025, 1, 1, tzinfo=UTC)) for id in ids]
    with core.database.write() as session:
        recording.record(session, account_id, results)


@dataclass(frozen=True)
class Broken(LocalStorage):
    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        raise OSError("The disk is gone.")


@pytest.fixture
def leaving(core: Runtime) -> Iterator[tuple[str, int]]:
    """The name and the number of an account with seven results and an export."""
    with core.database.write() as session:
        id = auth.account_id(session, "leaving", create=True)
        auth.create_key(session, id, Scope.READ)
    record(core, id, *"abcdefg")
    with core.database.write() as session:
        lifecycle.create(session, id, ALL)
    yield "leaving", id
    with suppress(NotFound):
        closing.close(core, "leaving")


def test_it_goes_on_where_it_broke_off(
    core: Runtime, leaving: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, id = leaving
    monkeypatch.setattr(erasing, "BATCH", 3)
    storage = core.storage
    assert isinstance(storage, LocalStorage)
    with pytest.raises(OSError, match="The disk is gone"):
        closing.close(replace(core, storage=Broken(storage.folder, storage.public_url, storage.secrets)), name)
    assert set(rows(core.database, id)) >= {"accounts", "descriptions", "exports"}
    assert "api_keys" not in rows(core.database, id)
    real, calls = erasing.take, list[int]()

    def breaks(*given: Any) -> None:
        real(*given)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "take", breaks)
        with pytest.raises(KeyboardInterrupt):
            closing.close(core, name)
    left = rows(core.database, id)
    assert (left["descriptions"], left["accounts"]) == (1, 1)
    with core.database.read() as session:
        assert rollup.differences(session, id) == []
    taken = closing.close(core, name)
    assert (taken.results, taken.exports, taken.keys) == (1, 0, 0)
    assert rows(core.database, id) == {"histories": 1}


def test_nothing_is_added_to_it_meanwhile_and_its_number_is_not_given_again(
    core: Runtime, leaving: tuple[str, int]
) -> None:
    """By requests that were let in before."""
    name, id = leaving
    closing.close(core, name)
    with pytest.raises(NotFound, match="The account was deleted"):
        record(core, id, "late")
    with pytest.raises(NotFound, match="The account was deleted"), core.database.write() as session:
        lifecycle.create(session, id, ALL)
    with pytest.raises(NotFound, match="The account was deleted"), core.database.write() as session:
        auth.create_key(session, id, Scope.READ)
    assert rows(core.database, id) == {"histories": 1}
    with core.database.write() as session:
        assert auth.account_id(session, name, create=True) > id
    closing.close(core, name)
