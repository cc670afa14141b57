"""`sightlog export`, `exports …` and `verify`: files, their states, and whether they are what was exported."""

import csv
import gzip
import hashlib
import json
import re
import uuid
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from app.models import Scope
from sightlog import Client, signatures
from sightlog.errors import Drifted, InvalidInput
from tests.client.commands.conftest import Shell
from tests.commands import sightlog
from tests.conftest import Account


@pytest.fixture
def dogs(account: Account) -> None:
    results = ({"id": f"r{place}", "description": "A dog" if place % 3 else "A cat"} for place in range(30))
    account.record(*results)


def read(file: Path) -> Any:
    return [json.loads(line)["id"] for line in file.read_text().splitlines()]


@pytest.mark.usefixtures("dogs")
def test_a_file_with_its_receipt(shell: Shell, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "dogs.jsonl"
    told = shell.run("export", "dog", "-o", str(file), "--limit", "5", "--fields", "id, description")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    size = file.stat().st_size
    assert told.stdout == f"{file}: 5 rows, {size} bytes, SHA-256 {sha256}\n"
    assert re.match(r"The export [0-9a-f-]{36} has begun\.\n", told.stderr)
    assert [*json.loads(file.read_text().splitlines()[0])] == ["id", "description"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dogs.jsonl", "dogs.jsonl.receipt.json"]

    key = signatures.known()
    [id] = key
    assert f"{shell.environment['SIGHTLOG_URL']} signs receipts; from now on this is trusted: {id}" in caplog.text
    as_it_is = f"{file} is as its receipt says: 5 rows, {size} bytes, SHA-256 {sha256}, signed with the key {id}"
    assert Shell().run("verify", str(file)).stdout == f"{as_it_is} of {shell.environment['SIGHTLOG_URL']}\n"
    (tmp_path / "key").write_text(key[id])
    assert Shell().run("verify", "--key", str(tmp_path / "key"), str(file)).stdout == f"{as_it_is}\n"
    [line] = Shell().lines("verify", str(file))
    assert (line["ok"], line["receipt"]["rows"], line["receipt"]["sha256"]) == (True, 5, sha256)


@pytest.mark.usefixtures("dogs")
def test_a_plan_tells_what_the_file_then_is(shell: Shell, tmp_path: Path) -> None:
    [plan] = shell.lines("export", "dog", "--plan", "--format", "jsonl")
    assert shell.rows("exports", "list") == []
    file = tmp_path / "dogs.jsonl"
    [rows, size, time] = shell.rows("export", "dog", "--plan", "-o", str(file))
    assert not file.exists()
    shell.run("export", "dog", "-o", str(file))
    told = len(read(file)), file.stat().st_size
    assert (plan["rows"], plan["bytes"]["value"], plan["broken_limit"]) == (*told, None)
    assert (rows, size, time[0]) == (["rows", str(told[0])], ["size", str(told[1])], "time")


@pytest.mark.usefixtures("dogs")
def test_what_was_seen_is_exported(account: Account) -> None:
    view = account.graphql('{ descriptions(filter: {search: ["dog"]}) { view } }')["descriptions"]["view"]
    with Client(account.stack.url, account.keys[Scope.READ]) as client:
        assert client.plan_export("jsonl", view=view).rows == 20
        assert client.export("jsonl", view=view).wait().state.record_count == 20
        account.record({"id": "new", "description": "A dog"})
        with pytest.raises(Drifted, match="20 matched then, 21 match now") as refused:
            client.export("jsonl", view=view)
        assert (refused.value.code, refused.value.field) == ("DRIFTED", "view")
        assert client.export("jsonl", view=view, allow_drift=True).wait().state.record_count == 21
        with pytest.raises(InvalidInput, match="a view or a filter, not both"):
            client.export("jsonl", view=view, search="dog")


@pytest.mark.usefixtures("dogs")
def test_a_file_that_is_not_what_was_exported(shell: Shell, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    for file in (good, bad):
        shell.run("export", "-o", str(file))
    bad.write_bytes(bad.read_bytes().replace(b"dog", b"god", 1))
    told = Shell().run("verify", str(bad), str(good), str(tmp_path / "none.csv"), code=1)
    assert told.stderr.splitlines()[0].startswith(f"Error: {bad} is not what was exported: its SHA-256 is ")
    assert told.stderr.splitlines()[1] == f"Error: There is no file {tmp_path / 'none.csv'}."
    assert told.stdout.startswith(f"{good} is as its receipt says: 30 rows")
    lines = [
        json.loads(line) for line in Shell().run("verify", "--json", str(bad), str(good), code=1).stdout.splitlines()
    ]
    assert [(line["file"], line["ok"]) for line in lines] == [(str(bad), False), (str(good), True)]


@pytest.mark.usefixtures("dogs")
@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("a.csv", "", ("csv", "none")),
        ("a.json", "", ("json", "none")),
        ("a.jsonl", "", ("jsonl", "none")),
        ("a.csv.gz", "", ("csv", "gzip")),
        ("a.parquet", "", ("parquet", "none")),
        ("a.b.jsonl.zst", "", ("jsonl", "zstd")),
        ("a.zip", "", ("imagefolder", "none")),
        ("a", "", ("csv", "none")),
        ("a.txt", "--format json", ("json", "none")),
        ("a.csv", "--format jsonl --compression gzip", ("jsonl", "gzip")),
    ],
)
def test_the_name_of_the_file_says_what_it_is(
    shell: Shell, tmp_path: Path, name: str, options: str, kind: tuple[str, str]
) -> None:
    told = shell.one("export", "-o", str(tmp_path / name), *options.split())
    assert (told["format"], told["compression"]) == kind
    assert (told["status"], told["record_count"], told["file"]) == ("completed", 30, str(tmp_path / name))
    if name == "a.csv.gz":
        with gzip.open(tmp_path / name, "rt", newline="") as opened:
            assert len(list(csv.reader(opened))) == 31


def test_what_is_left_out_of_a_training_set_is_told(shell: Shell, account: Account, tmp_path: Path) -> None:
    account.record({"id": "a"}, {"id": "b", "imageUrl": "http://127.0.0.1/b.png"})
    file = tmp_path / "set.zip"
    told = shell.run("export", "-o", str(file), "--images", "--texts")
    assert told.stdout.startswith(f"{file}: 0 rows, ")
    [(id, *_)] = shell.rows("exports", "list")
    said = (
        f"2 results are not in the file, but in its ledger. `sightlog exports show {id}` says why, and where they are."
    )
    assert told.stderr.splitlines()[-1] == said
    shown = dict(shell.rows("exports", "show", id))
    assert {name: shown[name] for name in shown if name.startswith("left out")} == {
        "left out": "2", "left out no address": "1", "left out not public": "1"
    }  # fmt: skip
    ledger = httpx.get(shown["ledger"]).content
    with zipfile.ZipFile(file) as archive:
        assert (archive.namelist(), archive.read("ledger.jsonl")) == (["train/metadata.jsonl", "ledger.jsonl"], ledger)
    told = sightlog(account.stack, "import", "-", "--account", account.name, input=ledger)
    assert told.stdout == "0 recorded, 2 already known, 0 rejected\n"


@pytest.mark.usefixtures("dogs")
def test_an_export_of_its_own_and_its_download(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = shell.run("export", "dog", "--format", "jsonl", "--without-metadata")
    id = told.stdout.strip()
    assert str(uuid.UUID(id)) == id
    name = f"export_{id}.jsonl"
    assert told.stderr == (
        f"It runs on the server: `sightlog exports download {id} -o {name}` waits for it and fetches the file.\n"
    )
    monkeypatch.chdir(tmp_path)
    assert shell.run("exports", "download", id).stdout.startswith(f"{name}: 20 rows, ")
    assert "metadata" not in json.loads((tmp_path / name).read_text().splitlines()[0])
    assert shell.one("exports", "download", id, "-o", "other.jsonl")["file"] == "other.jsonl"
    assert (tmp_path / "other.jsonl").read_bytes() == (tmp_path / name).read_bytes()
    (tmp_path / "folder").mkdir()
    assert shell.one("exports", "download", id, "-o", "folder")["file"] == f"folder/{name}"


@pytest.mark.usefixtures("dogs")
def test_watching_without_a_file(shell: Shell) -> None:
    told = shell.run("export", "--watch")
    assert str(uuid.UUID(told.stdout.strip())) == told.stdout.strip()
    assert "It has 30 rows: `sightlog exports download " in told.stderr


@pytest.mark.usefixtures("dogs")
def test_exports_are_listed_and_shown(shell: Shell, terminal: Any) -> None:
    first = shell.run("export", "--watch", "--format", "json", "--compression", "gzip").stdout.strip()
    second = shell.run("export", "dog", "--watch").stdout.strip()
    shown = shell.one("exports", "show", first)
    rows = shell.rows("exports", "list")
    assert [row[0] for row in rows] == [second, first]
    assert rows[1][1:] == [shown["created_at"], "completed", "30", "json.gz", str(shown["receipt"]["bytes"])]
    assert [one["id"] for one in shell.lines("exports", "list", "-n", "1")] == [second]
    assert shell.lines("exports", "list", "--status", "failed") == []
    assert [one["type"] for one in shown["events"]] == ["created", "started", "completed"]

    table = terminal("exports", "list").end().splitlines()
    assert max(map(len, table)) <= 80
    assert table[0].split() == ["id", "age", "status", "rows", "format", "size"]
    assert table[2].split()[0] == first
    assert table[2].split()[2:5] == ["completed", "30", "json.gz"]
    page = terminal("exports", "show", first).end()
    assert max(map(len, page.splitlines())) <= 80
    assert shown["receipt"]["sha256"] in re.sub(r"\s", "", page)
    assert "created by the key sightlog_" in re.sub(r"\s+", " ", page)


@pytest.mark.usefixtures("dogs")
def test_exports_are_deleted(shell: Shell) -> None:
    ids = [shell.run("export", "--watch").stdout.strip() for _ in range(2)]
    told = shell.run("exports", "delete", *ids)
    assert told.stderr == "".join(f"The export {id} is deleted.\n" for id in ids)
    assert shell.rows("exports", "list") == []
    assert "There is no export" in shell.run("exports", "show", ids[0], code=1).stderr
    assert "There is no export" in shell.run("exports", "download", ids[0], code=1).stderr


@pytest.mark.usefixtures("dogs")
def test_what_its_state_does_not_allow(shell: Shell) -> None:
    id = shell.run("export", "--watch").stdout.strip()
    assert "completed already" in shell.run("exports", "cancel", id, code=1).stderr
    assert "Error: " in shell.run("exports", "retry", id, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["export", "--timeout", "1m"], "--timeout needs --watch or -o"),
        (["export", "--watch", "--timeout", "soon"], "'soon' is no length of time"),
        (["export", "-o", "/nowhere/a.csv"], "There is no folder /nowhere"),
        (["export", "-o", "-"], "so it needs a file"),
        (["export", "--format", "xml"], "--format"),
        (["export", "--fields", "id,colour"], "colour"),
        (["export", "--images"], "Only a training set has images"),
        (["export", "-o", "a.zip", "--texts"], "ask for images too"),
        (["exports", "show", "x"], "UUID"),
        (["exports", "download", "x", "-o", "/nowhere/a.csv"], "There is no folder /nowhere"),
    ],
)
def test_what_cannot_be_meant_begins_no_export(shell: Shell, arguments: list[str], reason: str) -> None:
    told = shell.run(*arguments, code=2)
    assert reason in re.sub(r"[\s│]+", " ", told.stderr)
    assert shell.rows("exports", "list") == []


@pytest.mark.usefixtures("dogs")
def test_progress_is_shown_on_a_terminal_and_goes_when_it_is_done(shell: Shell, terminal: Any, tmp_path: Path) -> None:
    opened = terminal("export", "-o", str(tmp_path / "a.csv"))
    shown = opened.end()
    assert "Downloading" in shown
    assert "30 rows" in shown
    assert opened.shown.rstrip().splitlines()[-1].startswith("\x1b[1A\x1b[2K")  # the bar is wiped out


@pytest.mark.usefixtures("dogs")
def test_a_program_gets_json_alone_on_standard_output(shell: Shell, tmp_path: Path) -> None:
    told = shell.run("export", "--json", "-o", str(tmp_path / "a.csv"))
    assert len(told.stdout.splitlines()) == 1
    assert json.loads(told.stdout)["receipt"]["rows"] == 30
    assert re.search(r"^Writing: \d+ (of 30 )?rows$", told.stderr, re.MULTILINE)
    assert "Downloading: " in told.stderr


def test_files_for_people_have_the_columns_that_they_are_given(shell: Shell, account: Account, tmp_path: Path) -> None:
    text = "=1+1" + "x" * 40_000
    account.record({"id": "a", "description": text, "metadata": {"model": "m-1"}}, {"id": "-b"})
    columns = ("--columns", "id, description AS the text, metadata.model as model")
    sheet, excel = tmp_path / "a.xlsx", tmp_path / "a.csv"
    told = shell.run("export", "-o", str(sheet), *columns)
    assert told.stdout.startswith(f"{sheet}: 2 rows, ")
    assert told.stdout.endswith(", 1 texts cut\n")
    assert [[cell.value for cell in row] for row in load_workbook(sheet)["Results"].iter_rows()] == [
        ["id", "the text", "model"], ["-b", None, None], ["a", text[:32_767], "m-1"]
    ]  # fmt: skip
    receipt = tmp_path / "a.xlsx.receipt.json"
    assert json.loads(receipt.read_text())["notes"] == {"texts_cut": 1}
    assert Shell().run("verify", str(sheet)).stdout.startswith(f"{sheet} is as its receipt says: 2 rows, ")

    shell.run("export", "-o", str(excel), *columns, "--dialect", "excel")
    assert excel.read_bytes() == f"\ufeffid,the text,model\r\n'-b,,\r\na,'{text},m-1\r\n".encode()
    with Client(account.stack.url, account.keys[Scope.WRITE]) as client:
        wanted = {"id": "id", "description": "text", "created_at": "at", "metadata": "all", "metadata.model": "model"}
        made = client.export("csv", dialect="excel", columns=wanted)
        table = made.to_polars()
    assert table["text"].to_list() == [None, text]
    assert table["id"].to_list() == ["-b", "a"]
    assert (table["all"].to_list(), str(table["at"].dtype)[:8]) == (["{}", '{"model":"m-1"}'], "Datetime")
