"""The `sightlog` command: what each of its commands says and does, and with which exit status it ends."""

import hashlib
import json
import os
import pty
import re
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from app import times
from app.engine.db import Database
from app.models import ApiKey, Export, Scope
from app.settings import Settings
from tests.commands import invoke, invoke_plainly, sightlog
from tests.conftest import Account
from tools import patience
from tools.servers import Servers, free_port
from tools.stack import COMMAND, ROOT, Process, Stack

KEY = re.compile(r"sightlog_[A-Za-z0-9]{8}[A-Za-z0-9_-]{32,}\n")
LIST = "/api/v2/data/descriptions"


def get(stack: Stack, key: str) -> httpx.Response:
    return httpx.get(stack.url + LIST, headers={"Authorization": f"Bearer {key.strip()}"})


def created(stack: Stack, *arguments: str) -> str:
    """A new key; nothing else is said."""
    told = sightlog(stack, "keys", "create", *arguments)
    assert (told.exit_code, told.stderr) == (0, "")
    assert KEY.fullmatch(told.stdout)
    return told.stdout.strip()


def made(stack: Stack, *names: str) -> None:
    for name in names:
        assert sightlog(stack, "accounts", "create", name).stderr == f"The account '{name}' was made.\n"


def listed(stack: Stack, *arguments: str) -> list[list[str]]:
    """The cells of `keys list`, line by line."""
    told = sightlog(stack, "keys", "list", *arguments)
    assert (told.exit_code, told.stderr) == (0, "")
    return [re.split(r"  +", line.strip()) for line in told.stdout.splitlines()]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """An embedded Sightlog in a fresh folder; nothing runs yet."""
    stack = Stack(tmp_path, {})
    yield stack
    stack.stop()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "serve worker import erase demo settings keys accounts db SIGHTLOG_"),
        ("serve", "--host 127.0.0.1 --port 8000 --demo SIGTERM"),
        ("worker", "Redis"),
        ("import", "FILE... --account required .jsonl .json .csv .gz twice `-`"),
        ("demo", "demo key"),
        ("settings", "Markdown --markdown hidden"),
        ("keys", "create list limit link revoke"),
        ("keys create", "--account required --scopes read, write, admin --expires 30d 12h --name --limit --create"),
        ("keys list", "--account"),
        ("keys limit", "key N|default list beginning"),
        ("keys revoke", "key list beginning"),
        ("accounts", "create list rename delete limit"),
        ("accounts create", "NAME keys"),
        ("accounts rename", "OLD NEW history"),
        ("accounts list", "requests"),
        ("accounts delete", "NAME --yes again keys"),
        ("erase", "--account required --id --image-id --before --expect --keep-exports --yes reviews"),
        ("accounts limit", "NAME N|default"),
        ("db", "upgrade check recount refold"),
        ("db upgrade", "schema"),
        ("db check", "differ"),
        ("db recount", "statistics"),
        ("db refold", "searches"),
    ],
)
def test_every_command_tells_what_it_does(own: Stack, command: str, words: str) -> None:
    told = sightlog(own, *command.split(), "--help")
    assert (told.exit_code, told.stderr) == (0, "")
    for word in words.split():
        assert word in told.stdout
    assert not (own.folder / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("keys nonsense", "No such command 'nonsense'"),
        ("import --account a", "Missing argument 'FILE...'"),
        ("import a.csv", "Missing option '--account'"),
        ("import - --account a --fast", "No such option: --fast"),
        ("keys create", "Missing option '--account'"),
        ("keys create --account a --expires", "Option '--expires' requires an argument"),
        ("keys create --account a --limit many", "Invalid value for '--limit'"),
        ("keys create --account a --limit -1", "Invalid value for '--limit'"),
        ("keys create --account a --limit 2147483648", "Invalid value for '--limit'"),
        ("keys limit sightlog_a", "Missing argument 'N|default'"),
        ("keys revoke", "Missing argument 'key'"),
        ("serve --port 0", "Invalid value for '--port'"),
        ("serve --port 65536", "Invalid value for '--port'"),
        ("serve --port http", "Invalid value for '--port'"),
        ("demo now", "unexpected extra argument"),
    ],
)
def test_what_cannot_be_meant_is_told(own: Stack, arguments: str, reason: str) -> None:
    told = sightlog(own, *arguments.split())
    assert (told.exit_code, told.stdout) == (2, "")
    assert reason in told.stderr
    assert not (own.folder / "data").exists()


SCOPES = "Error: Scopes are read, write and admin, joined by commas.\n"
NAMES = "Error: An account's name is 1 to 100 letters, digits, spaces or any of . @ + - _\n"
KEY_NAMES = "Error: The name of a key is 1 to 100 letters, digits, spaces or other signs.\n"
MISSPELT = (
    "Error: There is no account named 'frist'. Did you mean 'first'? `sightlog accounts create` makes one, "
    "and so does --create.\n"
)
DURATION = "Error: --expires must be a number and a unit, for example 30d, 12h, 90m or 45s.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["keys", "create", "--account", ""], NAMES),
        (["keys", "create", "--create", "--account", "a/b"], NAMES),
        (["accounts", "create", "x" * 101], NAMES),
        (["accounts", "create", "first"], "Error: There is an account named 'first' already.\n"),
        (["accounts", "rename", "nobody", "other"], "Error: There is no account named 'nobody'.\n"),
        (["accounts", "rename", "first", "second"], "Error: There is an account named 'second' already.\n"),
        (["accounts", "rename", "first", "a/b"], NAMES),
        (["keys", "create", "--account", "frist"], MISSPELT),
        (["import", "-", "--account", "frist"], MISSPELT),
        (["keys", "create", "--account", "first", "--name", ""], KEY_NAMES),
        (["keys", "create", "--account", "first", "--name", "a\nb"], KEY_NAMES),
        (["keys", "create", "--account", "first", "--name", "x" * 101], KEY_NAMES),
        (["keys", "create", "--account", "a", "--scopes", "root"], SCOPES),
        (["keys", "create", "--account", "a", "--scopes", ""], SCOPES),
        (["keys", "create", "--account", "a", "--expires", "soon"], DURATION),
        (["keys", "create", "--account", "a", "--expires", ""], DURATION),
        (["keys", "create", "--account", "a", "--expires", "-1d"], DURATION),
        (["keys", "list", "--account", "nobody"], "Error: There is no account named 'nobody'.\n"),
        (["keys", "limit", "sightlog_0", "5"], "Error: There is no API key that begins with 'sightlog_0'.\n"),
        (["keys", "revoke", "sightlog_00000000"], "Error: There is no API key that begins with 'sightlog_00000000'.\n"),
        (["keys", "revoke", "[red]"], "Error: There is no API key that begins with '[red]'.\n"),
        (["import", "-", "--account", "a/b"], NAMES),
        (["worker"], "Error: A worker of its own needs SIGHTLOG_REDIS_URL; without Redis, `serve` runs one inside.\n"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence(own: Stack, arguments: list[str], sentence: str) -> None:
    for name in ("first", "second"):
        assert sightlog(own, "accounts", "create", name).exit_code == 0
    told = sightlog(own, *arguments)
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", sentence)
    assert len(listed(own)) == 1
    accounts = sightlog(own, "accounts", "list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in accounts] == ["first", "second"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"RATE_LIMIT": "many"}, "RATE_LIMIT: Input should be a valid integer, unable to parse string as an integer"),
        ({"RATE_LIMIT": "-1"}, "RATE_LIMIT: Input should be greater than or equal to 0"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'"),
        ({"EMBEDDED_WORKER": "maybe"}, "EMBEDDED_WORKER: Input should be a valid boolean, unable to interpret input"),
        ({"EXPORT_RETENTION": "7"}, "EXPORT_RETENTION: must be a number and a unit, for example 30d, 12h, 90m or 45s"),
        (
            {"WORKER_THREADS": "0", "LOG_FORMAT": "xml"},
            "WORKER_THREADS: Input should be greater than or equal to 1; "
            "SIGHTLOG_LOG_FORMAT: Input should be 'text' or 'json'",
        ),
    ],
)
@pytest.mark.parametrize(
    "command", [["serve"], ["worker"], ["demo"], ["db", "check"], ["keys", "create", "--account", "a"]]
)
def test_a_bad_setting_is_one_sentence(own: Stack, command: list[str], settings: dict[str, str], reason: str) -> None:
    environment = own.environment | {f"SIGHTLOG_{name}": value for name, value in settings.items()}
    told = invoke(environment, *command)
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", f"Error: SIGHTLOG_{reason}\n")
    assert not (own.folder / "data").exists()


URLS = "The URL of a database is sqlite:///path or postgresql://user:password@host/name."
NO_SERVER = (
    "The database (SIGHTLOG_DATABASE_URL: name at 127.0.0.1:1 as user) cannot be used: connection failed: "
    'connection to server at "127.0.0.1", port 1 failed: Connection refused '
    "Is the server running on that host and accepting TCP/IP connections?"
)
NO_FILE = "The database ({folder}) cannot be used: "


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("DATABASE_URL", "nonsense", URLS),
        ("DATABASE_URL", "mysql://user:secret@host/name", URLS),
        ("DATABASE_URL", "postgresql+psycopg://user:secret@127.0.0.1:1/name", NO_SERVER),
        ("DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/name", NO_SERVER),
        ("DATABASE_URL", "postgres://user:secret@127.0.0.1:1/name", NO_SERVER),
        ("DATABASE_URL", "sqlite:///{folder}", NO_FILE + "unable to open database file"),
        ("DATABASE_URL", "sqlite:///{folder}/text", NO_FILE.replace(")", "/text)") + "file is not a database"),
        ("DATABASE_URL", "sqlite:///{folder}/text/deep.db", "File exists: {folder}/text"),
        ("DATA_DIR", "{folder}/text", "File exists: {folder}/text"),
        ("DATA_DIR", "{folder}/text/deep", "Not a directory: {folder}/text/deep"),
    ],
)
@pytest.mark.parametrize(
    "command", [["serve"], ["demo"], ["accounts", "create", "a"], ["db", "upgrade"], ["db", "check"]]
)
def test_a_database_that_cannot_be_opened_is_one_sentence(
    tmp_path: Path, command: list[str], setting: str, value: str, reason: str
) -> None:
    (tmp_path / "text").write_text("no database" * 1000)
    environment = {f"SIGHTLOG_{setting}": value.format(folder=tmp_path)}
    if command == ["serve"]:
        command = ["serve", "--port", str(free_port())]
    told = invoke({"SIGHTLOG_DATA_DIR": str(tmp_path / "data")} | environment, *command)
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", f"Error: {reason.format(folder=tmp_path)}\n")
    assert (tmp_path / "text").read_text() == "no database" * 1000


def test_a_port_in_use_is_one_sentence(own: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = sightlog(own, "serve", "--demo", "--port", str(port))
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in use.\n"
    assert not (own.folder / "data").exists()


def test_the_settings_are_listed(own: Stack) -> None:
    told = sightlog(own, "settings", "--markdown")
    assert (told.exit_code, told.stderr) == (0, "")
    head, rule, *rows = told.stdout.splitlines()
    assert (head, rule) == ("| variable | default | meaning |", "|---|---|---|")
    assert [row.split(" | ")[0] for row in rows] == [f"| `SIGHTLOG_{name.upper()}`" for name in Settings.model_fields]
    assert (
        "| `SIGHTLOG_EXPORT_RETENTION` | `7d` | How long the file of an export is kept, such as `7d` or `12h`. |"
        in rows
    )


def test_the_settings_in_force_are_shown(own: Stack) -> None:
    environment = own.environment | {
        "SIGHTLOG_DATABASE_URL": "postgresql+psycopg://me:hush@db.example:5432/name?sslpassword=hush&x=1",
        "SIGHTLOG_SECRET": "hush",
        "SIGHTLOG_RATE_LIMIT": "70",
        "SIGHTLOG_S3_PREFIX": "",
    }
    told = invoke_plainly(environment, "settings")
    assert (told.exit_code, told.stderr) == (0, "")
    assert "hush" not in told.stdout
    head, *rows = [re.split(r"  +", line.strip()) for line in told.stdout.splitlines()]
    assert head == ["variable", "value", "from"]
    shown = {row[0]: row[1:] for row in rows}
    assert list(shown) == [f"SIGHTLOG_{name.upper()}" for name in Settings.model_fields]
    assert shown["SIGHTLOG_DATABASE_URL"] == [
        "postgresql+psycopg://me:***@db.example:5432/name?sslpassword=***&x=1", "environment",
    ]  # fmt: skip
    assert shown["SIGHTLOG_SECRET"] == ["(hidden)", "environment"]
    assert shown["SIGHTLOG_RATE_LIMIT"] == ["70", "environment"]
    assert shown["SIGHTLOG_S3_PREFIX"] == ["exports/", "default"]
    assert shown["SIGHTLOG_REDIS_URL"] == ["default"]
    assert not (own.folder / "data").exists()


def test_a_variable_that_is_no_setting_is_told(own: Stack) -> None:
    misspelt = {"SIGHTLOG_RATELIMIT": "1", "SIGHTLOG_COLOUR": "red", "sightlog_secret": "a"}
    own.settings = misspelt
    told = own.run("accounts", "create", "a").stderr.decode().splitlines()
    assert [line.partition(" ")[2] for line in told if "WARNING" in line] == [
        "WARNING sightlog: SIGHTLOG_COLOUR is no setting",
        "WARNING sightlog: SIGHTLOG_RATELIMIT is no setting; did you mean SIGHTLOG_RATE_LIMIT?",
    ]
    assert told[-1] == "The account 'a' was made."


def test_the_version_is_told(own: Stack) -> None:
    told = sightlog(own, "--version")
    assert (told.exit_code, told.stdout, told.stderr) == (
        0,
        f"sightlog {version('sightlog')}\nsightlog-server {version('sightlog-server')}\n",
        "",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "create", "--account", "a"], ["keys", "list"], ["keys", "revoke", "sightlog_a"],
        ["accounts", "list"], ["accounts", "rename", "a", "b"], ["accounts", "limit", "a", "1"],
        ["import", "-", "--account", "a"], ["db", "recount"],
    ],
)  # fmt: skip
def test_no_database_is_made_by_mistake(own: Stack, arguments: list[str]) -> None:
    told = invoke_plainly(own.environment, *arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == (
        f"Error: There is no database {own.folder}/data/sightlog.db: SIGHTLOG_DATA_DIR or SIGHTLOG_DATABASE_URL says "
        "where it is, and `sightlog accounts create` makes one.\n"
    )
    assert not (own.folder / "data").exists()


def test_the_database_is_named(own: Stack) -> None:
    named = f"Database: {own.folder}/data/sightlog.db"
    told = [
        invoke_plainly(own.environment, *arguments).stderr.splitlines()[0]
        for arguments in (["accounts", "create", "a"], ["keys", "create", "--account", "a"], ["db", "check"])
    ]
    assert told == [f"{named} (new)", named, named]


@pytest.mark.xdist_group("servers")
def test_a_server_is_named_without_its_password(own: Stack, real_servers: Servers) -> None:
    url = real_servers.postgres.create_database(f"named_{os.urandom(4).hex()}")
    told = invoke_plainly({"SIGHTLOG_DATABASE_URL": url.replace("sightlog@", "sightlog:hush@")}, "db", "upgrade")
    assert told.stderr.splitlines()[0] == f"Database: {url.replace('sightlog@', 'sightlog:***@')}"


def test_an_account_gets_another_name(account: Account) -> None:
    new = f"renamed {account.name}"
    told = sightlog(account.stack, "accounts", "rename", account.name, new)
    assert (told.exit_code, told.stderr) == (0, f"The account '{account.name}' is now '{new}'.\n")
    assert get(account.stack, account.keys[Scope.READ]).status_code == 200
    assert [row[1] for row in listed(account.stack, "--account", new)[1:]] == [new] * 3
    assert sightlog(account.stack, "keys", "list", "--account", account.name).exit_code == 2


def test_create_makes_what_is_not_there(own: Stack) -> None:
    key = created(own, "--account", "a", "--create")
    assert created(own, "--account", "a", "--create") != key
    lines = b'{"id": "1", "source_type": "s", "created_at": "2025-01-01"}\n'
    told = sightlog(own, "import", "-", "--account", "b", "--create", input=lines)
    assert (told.exit_code, told.stdout) == (0, "1 recorded, 0 already known, 0 rejected\n")
    assert [row[1] for row in listed(own)[1:]] == ["a", "a"]


def test_a_key_is_revoked_by_any_beginning_that_no_other_has(own: Stack) -> None:
    made(own, "a")
    database = Database(own.database_url)
    with database.write() as session:
        for prefix in ("sightlog_abcdefgh", "sightlog_abCdefgh", "sightlog_x_000000"):
            session.add(ApiKey(key_prefix=prefix, account_id=1, secret_hash="", scope="read", created_at=times.now()))
    database.dispose()
    several = sightlog(own, "keys", "revoke", "sightlog_ab")
    assert (several.exit_code, several.stderr) == (
        2, "Error: Say more of the key, as 'sightlog_ab' begins sightlog_abCdefgh…, sightlog_abcdefgh….\n",
    )  # fmt: skip
    for too_little in ("", "sightlog_", "s", "sightlog_%", "sightlog_ABC"):
        assert sightlog(own, "keys", "revoke", too_little).exit_code == 2
    assert {row[-1] for row in listed(own)[1:]} == {"active"}
    assert sightlog(own, "keys", "revoke", "sightlog_abC").stderr == "The key sightlog_abCdefgh… no longer works.\n"
    assert sightlog(own, "keys", "revoke", "sightlog_x").stderr == "The key sightlog_x_000000… no longer works.\n"
    assert {row[0]: row[-1] for row in listed(own)[1:]} == {
        "sightlog_abCdefgh…": "revoked", "sightlog_abcdefgh…": "active", "sightlog_x_000000…": "revoked",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scopes", "may_write", "shown"),
    [((), False, "read"), (("--scopes", "read"), False, "read"), (("--scopes", "read,write"), True, "read,write"),
     (("--scopes", " admin "), True, "read,write,admin")],
)  # fmt: skip
def test_a_key_works_at_once_and_has_its_scopes(
    account: Account, scopes: tuple[str, ...], may_write: bool, shown: str
) -> None:
    key = created(account.stack, "--account", account.name, *scopes)
    assert get(account.stack, key).status_code == 200
    result = '{id: "a", sourceType: "s", createdAt: "2025-01-01"}'
    mutation = {"query": f"mutation {{ recordDescriptions(input: [{result}]) {{ recorded }} }}"}
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(account.stack.url + "/graphql", json=mutation, headers=headers).json()
    if may_write:
        assert answer == {"data": {"recordDescriptions": {"recorded": 1}}}
    else:
        assert answer["errors"][0]["extensions"] == {"code": "AUTHZ_ERROR"}
    assert get(account.stack, key).json()["total_count"] == may_write
    assert [row[3] for row in listed(account.stack, "--account", account.name) if row[0] == key[:17] + "…"] == [shown]


def test_keys_are_listed_by_their_beginnings(stack: Stack) -> None:
    name = f"keys {os.urandom(4).hex()}"
    made(stack, name)
    named = created(stack, "--account", name, "--expires", "30d", "--name", "of the [importer]")
    keys = [created(stack, "--account", name), named][::-1]
    head, *rows = listed(stack, "--account", name)
    assert head == [
        "key", "account", "name", "scopes", "created", "expires", "last used", "requests a minute", "state"
    ]  # fmt: skip
    assert [[*row[:4], *row[6:]] for row in rows] == [
        [keys[0][:17] + "…", name, "of the [importer]", "read", "never", "no limit (default)", "active"],
        [keys[1][:17] + "…", name, "-", "read", "never", "no limit (default)", "active"],
    ]
    made_at, until = (datetime.fromisoformat(text) for text in (rows[0][4], rows[0][5]))
    assert rows[1][5] == "never"
    assert timedelta(days=30) <= until - made_at < timedelta(days=30, seconds=1)
    assert abs(made_at - datetime.now(UTC)) < timedelta(minutes=1)
    everything = listed(stack)
    assert [row for row in everything if row[1] == name] == rows
    assert not any(keys[0] in cell for row in everything for cell in row)


def test_a_key_that_has_expired(account: Account) -> None:
    key = created(account.stack, "--account", account.name, "--expires", "0s")
    answer = get(account.stack, key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "EXPIRED_API_KEY")
    assert [row[-1] for row in listed(account.stack, "--account", account.name) if row[0] == key[:17] + "…"] == [
        "expired"
    ]


@pytest.mark.parametrize("shown", [False, True])
def test_a_revoked_key(account: Account, shown: bool) -> None:
    key, other = (created(account.stack, "--account", account.name) for _ in range(2))
    for _ in range(2):
        told = sightlog(account.stack, "keys", "revoke", key[:17] + "…" if shown else key)
        assert (told.exit_code, told.stdout, told.stderr) == (0, "", f"The key {key[:17]}… no longer works.\n")
    answer = get(account.stack, key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "DEACTIVATED_API_KEY")
    assert get(account.stack, other).status_code == 200
    assert {row[0]: row[-1] for row in listed(account.stack, "--account", account.name)}[key[:17] + "…"] == "revoked"


def test_the_demo_twice(stack: Stack) -> None:
    first, second = (sightlog(stack, "demo") for _ in range(2))
    told = re.fullmatch(r"The account 'demo' has (\d+) new results, (\d+) were there already\.\n", first.stderr)
    assert told
    count = int(told[1]) + int(told[2])  # pages are looked at with the demo, too
    assert KEY.fullmatch(first.stdout)
    assert (second.exit_code, second.stdout) == (0, first.stdout)
    assert second.stderr == f"The account 'demo' has 0 new results, {count} were there already.\n"
    statistics = get(stack, first.stdout).json()["statistics"]
    assert 0.9 * count < statistics["total_count"] < count
    assert list(statistics["source_distribution"]) == ["batch", "single"]


def test_a_demo_whose_key_was_revoked_gets_another(own: Stack) -> None:
    first = sightlog(own, "demo").stdout
    assert sightlog(own, "keys", "revoke", first.strip()).exit_code == 0
    second = sightlog(own, "demo").stdout
    assert KEY.fullmatch(second)
    assert [row[-1] for row in listed(own, "--account", "demo")[1:]] == ["revoked", "active"]
    assert second != first


def test_a_fresh_database_is_brought_up_to_date(own: Stack) -> None:
    behind = sightlog(own, "db", "check")
    assert behind.exit_code == 1
    assert behind.stderr.startswith("differs: ")
    upgraded = sightlog(own, "db", "upgrade")
    assert (upgraded.exit_code, upgraded.stdout) == (0, "")
    assert re.fullmatch(r"The database is at revision \d{4}\.\n", upgraded.stderr)
    assert sightlog(own, "db", "upgrade").stderr == upgraded.stderr
    checked = sightlog(own, "db", "check")
    assert (checked.exit_code, checked.stderr) == (0, "The database is as this version needs it.\n")
    recounted = sightlog(own, "db", "recount")
    assert (recounted.exit_code, recounted.stderr) == (0, "The statistics were counted anew.\n")


@pytest.mark.xdist_group("servers")
def test_a_server_that_is_behind_is_not_used(own: Stack, real_servers: Servers) -> None:
    url = real_servers.postgres.create_database(f"behind_{os.urandom(4).hex()}")
    environment = own.environment | {"SIGHTLOG_DATABASE_URL": url, "SIGHTLOG_REDIS_URL": real_servers.redis.url}
    for command in (["serve", "--port", str(free_port())], ["worker"], ["keys", "list"], ["demo"]):
        told = invoke(environment, *command)
        assert (told.exit_code, told.stdout) == (2, "")
        assert told.stderr == "Error: The database is not up to date. Run: sightlog db upgrade\n"
    assert invoke(environment, "db", "check").exit_code == 1
    assert invoke(environment, "db", "upgrade").exit_code == 0
    checked = invoke(environment, "db", "check")
    assert (checked.exit_code, checked.stderr) == (0, "The database is as this version needs it.\n")
    assert invoke(environment, "keys", "list").exit_code == 0


@pytest.fixture
def serving(own: Stack) -> Stack:
    """`sightlog serve --demo` on an empty folder."""
    port = free_port()
    own.ports.append(port)
    process = Process(("serve", "--demo", "--port", str(port)), own.environment, own.folder / "api.log").start()
    own.api_processes.append(process)
    own.wait_until_ready()
    return own


def test_serve_makes_all_it_needs_and_ends_cleanly(serving: Stack) -> None:
    said = serving.api_processes[0].log.read_text()
    key = re.search(r"API key +(sightlog_\S+) +\(account: demo\)", said)
    assert key
    assert f"Sightlog is at {serving.url}\n" in said
    link = re.search(rf"Sign in +({serving.url}/sign-in\?token=\S+) +\(works once, for 1h\)\n", said)
    assert link
    with httpx.Client() as browser:
        assert [browser.get(link[1]).headers["location"] for _ in range(2)] == ["./", "./?sign-in=expired"]
        assert browser.get(f"{serving.url}/session").json()["account"] == "demo"
    assert get(serving, key[1]).json()["total_count"] > 1000
    # A request whose body is on its way when the signal comes.
    body = b'{"query": "{ descriptions { totalCount } }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key[1]}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", serving.ports[0])) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        wait_until(lambda: httpx.get(f"{serving.url}/health/live").status_code == 200)
        popen = serving.api_processes[0].popen
        assert popen is not None
        popen.terminate()
        wait_until(lambda: not listens(serving.ports[0]))
        connection.sendall(body[10:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["descriptions"]["totalCount"] > 1000
    assert popen.wait(patience.seconds(20)) == 0
    assert "Traceback" not in serving.api_processes[0].log.read_text()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def wait_until(holds: Any) -> None:
    patience.until(holds, 20)


def test_sigterm_hands_a_running_export_back(own: Stack) -> None:
    """Of many that take a while to write, some are running; the next process writes them."""
    text = '"\n' * 10_000
    lines = "".join(
        json.dumps({"id": f"{place:04}", "source_type": "s", "created_at": "2025-01-01", "description": text}) + "\n"
        for place in range(1000)
    )
    assert sightlog(own, "import", "-", "--create", "--account", "a", input=lines.encode()).exit_code == 0
    headers = {"Authorization": f"Bearer {created(own, '--account', 'a')}"}
    body = {"data_type": "descriptions", "format": "csv", "fields": ["id", "description"]}
    own.add_api()
    own.wait_until_ready()
    with httpx.Client(base_url=own.url, headers=headers, timeout=patience.seconds(30)) as client:
        made = [client.post("/api/v2/data/export", json=body).json()["export_id"] for _ in range(8)]
        wait_until(lambda: state(client, made[0])["status"] != "PENDING")
        assert own.api_processes[0].terminate() == 0
    database = Database(own.database_url)
    with database.read() as session:
        left = {str(row.id): (row.status, row.attempt) for row in session.exec(select(Export)).all()}
    database.dispose()
    running = [id for id in made if left[id] == ("pending", 1)]
    assert running
    assert {status for status, _ in left.values()} <= {"pending", "completed"}
    assert list((own.folder / "data" / "exports").rglob("*.part")) == []

    own.api_processes[0].start()
    own.wait_until_ready()
    cell = '"' + text.replace('"', '""') + '"'
    expected = "id,description\r\n" + "".join(f"{place:04},{cell}\r\n" for place in reversed(range(1000)))
    with httpx.Client(base_url=own.url, headers=headers, timeout=patience.seconds(30)) as client:
        wait_until(lambda: state(client, running[0])["status"] == "COMPLETED")
        receipt = state(client, running[0])["receipt"]
        assert httpx.get(state(client, running[0])["downloadUrl"]).content == expected.encode()
    assert receipt == {"rows": 1000, "sha256": hashlib.sha256(expected.encode()).hexdigest()}
    assert own.api_processes[0].terminate() == 0


def state(client: httpx.Client, id: str) -> dict[str, Any]:
    fields = "status downloadUrl receipt { rows sha256 }"
    query = f"query($id: ID!) {{ export(id: $id) {{ {fields} }} }}"
    answer = client.post("/graphql", json={"query": query, "variables": {"id": id}}).json()
    found: dict[str, Any] = answer["data"]["export"]
    return found


def test_a_terminal_sees_progress(own: Stack) -> None:
    path = own.folder / "results.csv"
    path.write_text("id,source_type,created_at\n" + "".join(f"{place},s,2025-01-01\n" for place in range(5000)))
    ours, theirs = pty.openpty()
    command = [*COMMAND, "import", str(path), "--create", "--account", "a"]
    environment = own.environment | {"COLUMNS": "200", "TERM": "xterm"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        said = b"".join(iter(lambda: read_all(ours), b""))
        assert process.stdout is not None
        assert process.stdout.read() == b"5000 recorded, 0 already known, 0 rejected\n"
    os.close(ours)
    assert process.returncode == 0
    assert b"results.csv" in said
    assert b"5000 recorded" in said
    assert "━".encode() in said


def read_all(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end was closed
        return b""
