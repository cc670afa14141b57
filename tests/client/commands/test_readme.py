"""The section of the client's README on the command: each of its commands runs as written, and its table is true."""

import re
import subprocess
import sys
from pathlib import Path

from app.models import Scope
from sightlog.commands import exits
from tests.client.commands.conftest import Shell
from tests.conftest import Account, only_embedded
from tools import docs, patience

README = docs.ROOT / "client" / "README.md"


def section() -> str:
    found = re.search(r"^## The command\n(.*?)(?=^## |\Z)", README.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@only_embedded
def test_its_commands_run_as_written(account: Account, nobody: Shell, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(account.keys[Scope.WRITE] + "\n")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", section(), re.DOTALL | re.MULTILINE))
    environment = nobody.whole_environment
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8000", account.stack.url)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience.seconds(120),
    )
    assert done.returncode == 0, done.stderr
    assert "scope write" in done.stderr
    assert "0 recorded, 1 already known, 0 refused." in done.stderr
    assert "line 2 (b): confidence_score: " in done.stderr
    assert "1 recorded, 0 already known, 1 refused." in done.stderr
    assert "doors.csv.gz is as its receipt says: 1 rows" in done.stdout
    assert "description\tA blue door" in done.stdout
    assert (tmp_path / "doors.jsonl").read_text().count("\n") == 2
    refused = '{"id": "b", "source_type": "batch", "confidence_score": 5}\n'
    assert (tmp_path / "refused.jsonl").read_text() == refused
    assert refused in done.stdout


def test_its_exit_codes_are_those_of_the_command() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", section(), re.MULTILINE)]
    assert codes == list(exits.MEANINGS)


def test_each_option_that_it_names_is_one(nobody: Shell) -> None:
    commands: tuple[list[str], ...] = ([], ["search"], ["stats"], ["export"], ["record"], ["login"])
    known = " ".join(nobody.run(*command, "--help").stdout for command in commands)
    for option in set(re.findall(r"--[a-z-]+[a-z]", section())):
        assert option in known, option
