"""Profiles: made, used, listed, forgotten; and no key where others see it."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from tests.client.commands.conftest import Shell, Terminal
from tests.conftest import Account, only_embedded
from tools.servers import free_port


@only_embedded
def test_a_key_from_a_pipe_is_saved_for_its_owner_alone(nobody: Shell, account: Account, config: Path) -> None:
    key = account.keys[Scope.READ]
    told = nobody.run("login", "--url", account.stack.url + "/", input=key + "\n")
    assert told.stdout == ""
    assert told.stderr == (
        f"{account.stack.url} takes the key: account '{account.name}', scope read.\n"
        f"It is the profile 'default' in {config}.\n"
    )
    assert json.loads(config.read_text()) == {"default": {"url": account.stack.url, "api_key": key}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert nobody.one("stats")["total_count"] == 0


@only_embedded
def test_a_key_is_asked_for_without_being_shown(nobody: Shell, account: Account, config: Path) -> None:
    asked = Terminal(("login", "--profile", "north"), nobody.whole_environment)
    asked.expect("URL of the server [http://127.0.0.1:8000]:")
    asked.type(account.stack.url + "\n")
    asked.expect(f"API key of {account.stack.url} (not shown):")
    asked.type(account.keys[Scope.WRITE] + "\n")
    shown = asked.end()
    assert "scope write" in shown
    assert account.keys[Scope.WRITE] not in shown
    assert list(json.loads(config.read_text())) == ["north"]


def test_no_option_takes_a_key(nobody: Shell) -> None:
    for command in ("login", "search", "record", "export"):
        assert "--key" not in nobody.run(command, "--help").stdout
        assert "--api-key" not in nobody.run(command, "--help").stdout


@only_embedded
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "No key was given."),
        ("two words", "is no API key: it has spaces or signs that none has."),
        ("schlüssel", "is no API key: it has spaces or signs that none has."),
        ("sightlog_wrong", "The API key is not valid"),
    ],
)
def test_what_is_not_taken_is_not_saved(nobody: Shell, account: Account, config: Path, key: str, reason: str) -> None:
    told = nobody.run("login", "--url", account.stack.url, input=key + "\n", code=4)
    assert reason in told.stderr
    assert not config.exists()


@pytest.mark.parametrize(
    "url", ["example.org", "ftp://example.org", "http://", "http://a:b@example.org", "http://x:99999"]
)
def test_what_is_no_url_is_told(nobody: Shell, url: str) -> None:
    told = nobody.run("login", "--url", url, input="sightlog_key\n", code=2)
    assert "is no URL of a server" in told.stderr


def test_a_key_over_plain_http_is_told_of(nobody: Shell) -> None:
    told = nobody.run("login", "--url", "http://sightlog.invalid", input="\n", code=4)
    assert "http://sightlog.invalid has no TLS: whoever listens on the way can read the key." in told.stderr


def test_a_server_that_is_not_there_is_told_of(nobody: Shell, config: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert f"{url} is not reached" in nobody.run("login", "--url", url, input="sightlog_key\n", code=1).stderr
    assert not config.exists()


def login(shell: Shell, account: Account, name: str) -> None:
    shell.run("login", "--url", account.stack.url, "-p", name, input=account.keys[Scope.WRITE])


@only_embedded
def test_profiles_are_chosen_listed_and_forgotten(nobody: Shell, make_account: Any) -> None:
    north, south = make_account(), make_account()
    login(nobody, north, "north")
    login(nobody, south, "south")
    north.record({"id": "of the north"})
    keys = [account.keys[Scope.WRITE] for account in (north, south)]

    assert nobody.rows("profiles") == [
        ["north", keys[0][:17] + "…", north.stack.url],
        ["south", keys[1][:17] + "…", south.stack.url],
    ]
    assert [one["profile"] for one in nobody.lines("profiles")] == ["north", "south"]
    assert not [key for key in keys if key in nobody.run("profiles", "--json").stdout]

    assert nobody.one("search", "-p", "north")["id"] == "of the north"
    assert nobody.lines("search", "-p", "south") == []
    assert Shell({"SIGHTLOG_PROFILE": "north"}).one("search")["id"] == "of the north"
    given = {"SIGHTLOG_URL": south.stack.url, "SIGHTLOG_API_KEY": keys[1], "SIGHTLOG_PROFILE": "north"}
    assert Shell(given).lines("search") == []
    assert Shell(given).one("search", "--profile", "north")["id"] == "of the north"

    assert nobody.run("logout", "-p", "north").stderr == "The profile 'north' is forgotten.\n"
    assert [row[0] for row in nobody.rows("profiles")] == ["south"]
    assert "`sightlog login --profile north` makes it." in nobody.run("search", "-p", "north", code=4).stderr
    assert "There is no profile 'north'" in nobody.run("logout", "-p", "north", code=1).stderr


def test_a_key_of_the_environment_that_goes_before_is_told_of(account: Account) -> None:
    shell = Shell({"SIGHTLOG_API_KEY": account.keys[Scope.READ]})
    told = shell.run("login", "--url", account.stack.url, input=account.keys[Scope.WRITE])
    assert told.stderr.endswith("SIGHTLOG_API_KEY is set here and goes before it, unless --profile names it.\n")


def test_without_any_the_way_to_one_is_told(nobody: Shell) -> None:
    assert nobody.run("profiles").stderr == "There is none yet: `sightlog login` makes one.\n"
    told = nobody.run("search", code=4)
    assert told.stderr == "Error: No API key is known: set SIGHTLOG_API_KEY, or run `sightlog login`.\n"


@pytest.mark.parametrize("key", ["schlüssel", "two words", "two\nlines"])
def test_a_key_of_the_environment_that_can_be_none_is_told(key: str) -> None:
    told = Shell({"SIGHTLOG_API_KEY": key}).run("search", code=4)
    assert told.stderr == (
        "Error: What is given for http://127.0.0.1:8000 is no API key: it has spaces or signs that none has. "
        "`sightlog login` saves another one.\n"
    )


def test_space_around_a_key_of_the_environment_is_none_of_it(account: Account) -> None:
    shell = Shell({"SIGHTLOG_URL": f" {account.stack.url}/ ", "SIGHTLOG_API_KEY": account.keys[Scope.READ] + "\n"})
    assert shell.lines("search") == []


@pytest.mark.parametrize("url", ["example.org:8000", "foo", "http://", "http://["])
def test_a_url_of_the_environment_that_can_be_none_is_told_at_once(url: str) -> None:
    told = Shell({"SIGHTLOG_URL": url, "SIGHTLOG_API_KEY": "sightlog_key"}).run("search", code=2)
    assert told.stderr == f"Error: {url!r} is no URL of a server: write https://host or http://host:8000.\n"


def test_a_profile_of_the_environment_that_is_not_there_is_named(nobody: Shell) -> None:
    told = Shell({"SIGHTLOG_PROFILE": "nrth"}).run("search", code=4)
    assert told.stderr == "Error: There is no profile 'nrth': `sightlog login --profile nrth` makes it.\n"


def test_a_key_of_the_other_side_that_can_be_none_is_told(account: Account) -> None:
    shell = Shell({"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[Scope.WRITE]})
    told = shell.run("mirror", "--from", "https://example.org/api", "--from-key-stdin", input="schlüssel\n", code=4)
    assert "What is given for https://example.org/api is no API key" in told.stderr
