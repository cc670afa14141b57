"""The command as a whole: its names, its ends, its help, what it loads, and who reads its output."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app import cli
from sightlog.commands import exits, main, output
from tests.client.another import another_server
from tests.client.commands.conftest import Shell
from tests.conftest import Account, only_embedded
from tools import patience
from tools.servers import free_port
from tools.stack import ROOT

OURS = ["search", "show", "stats", "record", "mirror", "export", "verify", "exports", "login", "logout", "profiles"]
SCRIPT = Path(sys.executable).parent / "sightlog"


def names(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_no_name_of_the_server_hides_one_of_ours(nobody: Shell) -> None:
    of_the_server = names(cli.app)
    assert {"serve", "worker", "import", "keys"} <= of_the_server
    ours = {one.name for one in main.app.registered_commands} | {one.name for one in main.app.registered_groups}
    assert set(OURS) <= ours
    assert ours & of_the_server == set()


def test_help_has_them_all_in_panels(nobody: Shell) -> None:
    shown = nobody.run("--help").stdout
    panels = re.split(r"╭─ (.+?) ─+╮", shown)
    found = {
        title: re.findall(r"^│ ([a-z]+) ", text, re.MULTILINE)
        for title, text in zip(panels[1::2], panels[2::2], strict=True)
    }
    assert found["Results"] == ["search", "show", "stats", "record", "mirror"]
    assert found["Exports"] == ["export", "verify", "exports"]
    assert found["Servers and keys"] == ["login", "logout", "profiles"]
    assert set(found["The server"]) == names(cli.app)


def test_help_fits_80_columns_and_says_the_exit_codes(nobody: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ([], *([name] for name in OURS), ["exports", "download"]):
        shown = nobody.run(*command, "--help").stdout
        assert max(map(len, shown.splitlines())) <= 80
    said = " ".join(nobody.run("--help").stdout.split())
    assert exits.EPILOG in said
    for code, meaning in exits.MEANINGS.items():
        assert f"{code} {meaning}" in said


PROGRAM = """
import importlib.metadata, sys
sys.modules["app"] = None
found = importlib.metadata.entry_points
importlib.metadata.entry_points = lambda **given: () if given.get("group") == "sightlog.commands" else found(**given)
from sightlog.commands import main
sys.argv[0] = "sightlog"
main.main()
"""


def test_without_the_server_there_are_ours_alone() -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True)

    shown = run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "The server ─" not in shown.stdout
    assert all(f"│ {name}" in shown.stdout for name in OURS)
    assert "is a command of the server, which is not installed here" in run("serve").stderr
    assert run("serve").returncode == 2
    assert names(cli.app) == main.OF_THE_SERVER


def test_our_commands_load_nothing_of_the_server(tmp_path: Path) -> None:
    program = (
        "import sys; from sightlog.commands import main\n"
        "try: main.app(['verify', 'nothing'])\n"
        "except SystemExit as ended: print(ended.code, *sorted({'app', 'strawberry', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def pipeline(shell: Shell, line: str) -> "subprocess.CompletedProcess[str]":
    environment = shell.whole_environment | {"SIGHTLOG": f"{sys.executable} -m sightlog"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_reader_who_has_read_enough_is_no_error(account: Account, shell: Shell, option: str) -> None:
    account.record(*({"id": f"r{place}", "description": "x" * 200} for place in range(2000)))
    done = pipeline(shell, f"$SIGHTLOG search -n 0 {option} | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_reader_who_reads_nothing_is_no_error(account: Account, shell: Shell) -> None:
    account.record({"id": "a"})
    done = pipeline(shell, "$SIGHTLOG show a | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_recording_goes_on_when_nobody_reads_what_became_of_it(shell: Shell) -> None:
    lines = (
        'for n in $(seq 3000); do echo "{\\"id\\": \\"r$n\\", \\"source_type\\": \\"single\\"}"; done; echo nonsense'
    )
    done = pipeline(shell, f"({lines}) | $SIGHTLOG record --json | true")
    assert done.stderr.endswith("3,000 recorded, 0 already known, 1 refused.\n")
    assert done.returncode == 1
    assert shell.one("stats")["total_count"] == 3000


def test_a_full_disk_is_one_sentence(account: Account, shell: Shell) -> None:
    account.record({"id": "a"})
    done = pipeline(shell, "$SIGHTLOG search > /dev/full")
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")


def test_any_encoding_gets_something(account: Account, shell: Shell) -> None:
    account.record({"id": "a", "description": "山 é"})
    shell.environment["PYTHONIOENCODING"] = "latin-1"
    for line, expected in (("search", "\\u5c71 é"), ("search --json", '"\\u5c71 \\u00e9"')):
        process = shell.start(*line.split())
        told = process.communicate(timeout=patience.seconds(60))[0].decode("latin-1")
        assert expected in told


def test_a_server_that_is_not_there_is_one_sentence(nobody: Shell) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    told = Shell({"SIGHTLOG_URL": url, "SIGHTLOG_API_KEY": "sightlog_x"}).run("show", "a", code=1)
    *again, last = told.stderr.splitlines()
    assert re.fullmatch(f"Error: {url} is not reached: .+", last)
    assert again
    assert all(re.fullmatch(rf"{url} is not reached: .+; trying again in \d+ s\.", line) for line in again)


def test_a_server_that_says_what_nobody_knows_is_one_sentence() -> None:
    state = {"id": "a", "status": "ASLEEP"}
    with another_server(json.dumps({"data": {"export": state}}).encode()) as url:
        told = Shell({"SIGHTLOG_URL": url, "SIGHTLOG_API_KEY": "sightlog_x"}).run("exports", "show", "a", code=1)
    assert told.stderr == (
        "Error: The server's answer is not understood; it may be newer than this client: update `sightlog`.\n"
    )


@only_embedded
def test_a_key_that_is_not_taken_says_how_to_get_another_one(account: Account) -> None:
    told = Shell({"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": "sightlog_x"}).run("stats", code=4)
    assert told.stderr.endswith("`sightlog login` saves another one.\n")


def completed(environment: dict[str, str], words: str) -> list[str]:
    """What the shell offers for the last of the words."""
    given = {"_SIGHTLOG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run([SCRIPT], env=environment | given, capture_output=True, text=True)
    return done.stdout.split()


def test_the_shell_completes_commands_choices_and_profiles(shell: Shell, nobody: Shell) -> None:
    environment = nobody.whole_environment
    assert completed(environment, "sightlog exp") == ["export", "exports"]
    assert completed(environment, "sightlog exports d") == ["download", "delete"]
    assert completed(environment, "sightlog serv") == ["serve"]
    assert completed(environment, "sightlog export --format j") == ["json", "jsonl"]
    assert "--search-mode" in completed(environment, "sightlog stats --sea")
    url, key = shell.environment["SIGHTLOG_URL"], shell.environment["SIGHTLOG_API_KEY"]
    for name in ("north", "south"):
        nobody.run("login", "--url", url, "-p", name, input=key)
    assert completed(environment, "sightlog search --profile n") == ["north"]


def test_completion_can_be_shown(nobody: Shell) -> None:
    environment = nobody.whole_environment | {"SHELL": "/bin/bash", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run([SCRIPT, "--show-completion", "bash"], env=environment, capture_output=True, text=True)
    assert "_SIGHTLOG_COMPLETE=complete_bash" in done.stdout


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert output.size(count) == text
