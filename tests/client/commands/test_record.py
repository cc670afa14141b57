"""`sightlog record`: from a pipe and from options."""

import json
import os
import signal
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from sightlog.commands import lines
from tests.client.commands.conftest import Shell
from tests.conftest import Account, only_embedded
from tools import patience

ONE = {"id": "a", "source_type": "single", "created_at": "2025-01-15T10:30:00Z"}


def text(*results: Any) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in results)


@only_embedded
def test_lines_are_recorded_once(shell: Shell) -> None:
    given = text(ONE | {"description": "A red door", "metadata": {"model": "m1"}}, "", ONE | {"id": "b"})
    told = shell.run("record", input=given)
    assert (told.stdout, told.stderr) == ("", "2 recorded, 0 already known, 0 refused.\n")
    assert shell.run("record", input=given).stderr == "0 recorded, 2 already known, 0 refused.\n"
    assert [one["id"] for one in shell.lines("search")] == ["b", "a"]
    assert shell.one("show", "a")["metadata"] == {"model": "m1"}


@only_embedded
def test_each_refused_line_is_told_and_the_rest_goes_on(shell: Shell, tmp_path: Path) -> None:
    bad = [
        ("nonsense", "It is not JSON: Expecting value: line 1 column 1 (char 0)."),
        ("[1]", "It is no JSON object."),
        ('{"id": "n", "source_type": "single", "confidence_score": NaN}', "It is not JSON: NaN is no number there."),
        ('{"id": "s", "source_type": "single", "description": "\\ud800"}', "It is not UTF-8."),
        ('{"confidnce": 1}', "A result has no 'confidnce'; did you mean 'confidence_score'?"),
        ('{"id": "n"}', "source_type: Field required."),
        (
            '{"source_type": "single", "created_at": "soon"}',
            "created_at: Input should be a valid datetime or date, input is too short, not 'soon'.",
        ),
        ("[" * 100_000, "It is not JSON"),
    ]
    by_the_server = '{"id": "f", "source_type": "single", "confidence_score": 7}'
    given = text(*(line for line, _ in bad), by_the_server, ONE)
    kept = tmp_path / "refused.jsonl"
    told = shell.run("record", "--refused", str(kept), input=given, code=1)
    said = told.stderr.splitlines()
    for number, (_, reason) in enumerate(bad, 1):
        assert said[number - 1].startswith(f"line {number}: {reason}")
    assert said[-2] == "line 9 (f): confidence_score: Input should be less than or equal to 1"
    assert said[-1] == "1 recorded, 0 already known, 9 refused."
    assert kept.read_text() == text(*(line for line, _ in bad), by_the_server)
    assert [one["id"] for one in shell.lines("search")] == ["a"]


@only_embedded
def test_bytes_that_are_no_text_are_refused(shell: Shell) -> None:
    line = json.dumps(ONE | {"description": "é"}, ensure_ascii=False).encode("latin-1")
    assert shell.run("record", input=line, code=1).stderr.startswith("line 1: It is not UTF-8.\n")
    assert shell.run("record", input=b"\xef\xbb\xbf" + json.dumps(ONE).encode()).stderr.startswith("1 recorded")


def test_json_tells_of_each_line(shell: Shell) -> None:
    shell.run("record", input=text(ONE))
    given = text(ONE, "nonsense", ONE | {"description": "other"}, ONE | {"id": "b"}, ONE | {"id": "b"})
    told = shell.run("record", "--json", input=given, code=1)
    rows = sorted((json.loads(line) for line in told.stdout.splitlines()), key=lambda row: row["line"])
    assert [(row["line"], row["id"], row["outcome"]) for row in rows] == [
        (1, "a", "known"),
        (2, None, "refused"),
        (3, "a", "conflicting"),
        (4, "b", "recorded"),
        (5, "b", "known"),
    ]
    assert told.stderr.endswith(
        "1 recorded, 3 already known, 1 refused. Known with other content, which was kept: 1.\n"
    )


@only_embedded
def test_an_erased_result_is_told_of(account: Account, shell: Shell) -> None:
    with account.connect(Scope.ADMIN) as admin:
        admin.post("/graphql", json={"query": 'mutation { eraseDescriptions(ids: ["a"]) { erased } }'})
    told = shell.run("record", "--json", input=text(ONE, ONE | {"id": "b"}))
    assert json.loads(told.stdout.splitlines()[0]) == {"line": 1, "id": "a", "outcome": "erased"}
    assert told.stderr == "1 recorded, 0 already known, 0 refused. Left out, as they were erased before: 1.\n"
    told = shell.run("record", "--id", "a", "--description", "A dog")
    assert (told.stdout, told.stderr) == ("a\n", "It was erased before, and was not recorded again.\n")


@only_embedded
def test_a_known_result_is_replaced_by_who_may(account: Account, shell: Shell) -> None:
    shell.run("record", input=text(ONE))
    given = text(ONE | {"description": "other"})
    assert "admin" in shell.run("record", "--on-conflict", "replace", input=given, code=4).stderr
    admin = Shell(shell.environment | {"SIGHTLOG_API_KEY": account.keys[Scope.ADMIN]})
    told = admin.run("record", "--on-conflict", "replace", input=given)
    assert told.stderr == "0 recorded, 0 already known, 0 refused, 1 replaced.\n"
    assert shell.one("show", "a")["description"] == "other"


def test_one_from_options(shell: Shell) -> None:
    id = shell.run(
        "record",
        *("--description", "A red door", "--image-url", "https://example.org/a.jpg", "--image-id", "img_1"),
        *("--confidence-score", "0.93", "--metadata", "model=m1", "--metadata", "step=3", "--source-id", "op_1"),
        *("--created-at", "2025-01-15T10:30:00Z"),
    ).stdout.strip()
    assert uuid.UUID(id).version == 7
    told = shell.one("show", id)
    assert {name: told[name] for name in ("description", "image_url", "image_id", "source_type", "source_id")} == {
        "description": "A red door",
        "image_url": "https://example.org/a.jpg",
        "image_id": "img_1",
        "source_type": "single",
        "source_id": "op_1",
    }
    assert (told["confidence_score"], told["metadata"]) == (0.93, {"model": "m1", "step": 3})
    assert told["created_at"] == "2025-01-15T10:30:00Z"
    shell.run("record", "--error-message", "timeout", "--source-type", "batch", "--id", "lost")
    assert shell.one("show", "lost")["status"] == "failed"
    assert shell.run("record", "--description", "other", "--id", "lost").stderr == (
        "It is known with other content, which was kept.\n"
    )
    assert shell.one("record", "--id", "x", "--description", "y") == {"id": "x", "outcome": "recorded"}


@only_embedded
def test_one_from_options_that_is_refused(shell: Shell) -> None:
    told = shell.run("record", "--description", "x", "--image-id", "i" * 1000, code=2)
    assert told.stderr.startswith("Error: image_id: ")


@only_embedded
def test_options_without_a_result_do_not_hide_a_pipe(shell: Shell) -> None:
    told = shell.run("record", "--source-type", "batch", "--metadata", "model=m1", input=text(ONE), code=2)
    assert "lines of a pipe name all of their own values" in " ".join(told.stderr.replace("│", "").split())
    assert shell.lines("search") == []


def test_nothing_to_record_is_told(terminal: Any) -> None:
    assert "pipe JSON lines in, or give --description" in " ".join(terminal("record").end(2).replace("│", "").split())


@only_embedded
def test_a_key_that_only_reads(account: Account, shell: Shell) -> None:
    reader = Shell(shell.environment | {"SIGHTLOG_API_KEY": account.keys[Scope.READ]})
    told = reader.run("record", input=text(ONE), code=4)
    assert "scope" in told.stderr
    assert told.stderr.endswith("None of the lines is known to be done.\n")


def is_recorded(shell: Shell, ids: list[str]) -> bool:
    return sorted(one["id"] for one in shell.lines("search")) == ids


@only_embedded
def test_what_trickles_in_is_recorded_as_it_comes(shell: Shell) -> None:
    read, write = os.pipe()
    process = shell.start("record", stdin=read)
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as pipe:
        for ids in (["first"], ["first", "second"]):
            pipe.write(text(ONE | {"id": ids[-1]}).encode())
            patience.until(partial(is_recorded, shell, ids), 30)
    assert process.communicate(timeout=patience.seconds(30))[1] == b"2 recorded, 0 already known, 0 refused.\n"
    assert process.returncode == 0


@only_embedded
def test_ctrl_c_says_what_is_done(shell: Shell) -> None:
    read, write = os.pipe()
    process = shell.start("record", "--json", stdin=read)
    os.close(read)
    assert process.stdout
    with os.fdopen(write, "wb", buffering=0) as pipe:
        pipe.write(text(ONE, "", ONE | {"id": "b"}).encode())
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == ["a", "b"]
        pipe.write(text(ONE | {"id": "c"}).encode())
        assert json.loads(process.stdout.readline())["id"] == "c"  # so the lines before it are known to be done
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=patience.seconds(30))[1]
    assert told in [
        f"The lines up to {last} are done; `tail -n +{last + 1}` gives the others.\n".encode() for last in (3, 4)
    ]
    assert process.returncode == 130


def test_more_than_one_request(shell: Shell) -> None:
    given = [ONE | {"id": f"r{place:05}", "description": "x" * 3000} for place in range(2500)]
    assert shell.run("record", input=text(*given)).stderr == "2,500 recorded, 0 already known, 0 refused.\n"


@only_embedded
def test_a_line_that_is_too_long_is_passed_over(shell: Shell, tmp_path: Path) -> None:
    given = json.dumps(ONE | {"id": "long", "description": "x" * (lines.LONGEST + 1)}) + "\n" + json.dumps(ONE)
    kept = tmp_path / "refused.jsonl"
    told = shell.run("record", "--refused", str(kept), input=given, code=1)
    assert told.stderr == "line 1: It is longer than 8 MiB.\n1 recorded, 0 already known, 1 refused.\n"
    assert kept.read_bytes() == b""


@only_embedded
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_lines_end_in_whatever_way(shell: Shell, ending: str) -> None:
    given = json.dumps(ONE) + "\r\n" + json.dumps(ONE | {"id": "b"}) + ending
    assert shell.run("record", input=given).stderr == "2 recorded, 0 already known, 0 refused.\n"
