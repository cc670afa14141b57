"""Training sets: what is in the Zip, what is in the ledger, and that neither image nor result is lost between them."""

import io
import json
import os
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import select as select_rows

from app.engine.db import Database
from app.exports import claims, images, lifecycle, training
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.exports.training import METADATA
from app.history.columns import COLUMNS, ITEM_COLUMNS
from app.history.filters import DescriptionFilter
from app.models import Export, Scope
from app.settings import Settings
from tests.addresses import Named, serving
from tests.commands import sightlog
from tests.conftest import Account, both_engines, only_embedded
from tests.forked import ForkedStack
from tools import patience
from tools.stack import Stack

STATE = """id status format errorMessage downloadUrl recordCount progress { rowsWritten rowsTotal }
  receipt { rows bytes notes { name count } } ledger { rows downloadUrl }"""
CREATE = f"mutation($input: CreateExportInput!) {{ createExport(input: $input) {{ {STATE} }} }}"
EXPORT = f"query($id: ID!) {{ export(id: $id) {{ {STATE} }} }}"


def png(colour: tuple[int, int, int], *, more: int = 0) -> bytes:
    """One dot, and so many bytes behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\0" + bytes(colour))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", dot) + chunk(b"IEND", b"") + bytes(more)


RED, LARGE = png((255, 0, 0)), png((0, 0, 255), more=150_000)
CONTENTS = {
    "/red.png": RED,
    "/large": LARGE,
    "/gif.jpg": b"GIF89a" + bytes(40),
    "/photo": b"\xff\xd8\xff\xe0" + bytes(40),
    "/page.png": b"<html>secret of the inner network</html>",
    "/picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "/empty.png": b"",
    "/too-large.png": png((0, 255, 0), more=300_000),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Named]:
    with serving(CONTENTS) as named:
        yield named


@pytest.fixture(scope="module", params=both_engines)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One that may fetch from this machine, but not from all of it; images up to 200 kB, 40 of them."""
    settings = {
        "SIGHTLOG_RATE_LIMIT": "0",
        "SIGHTLOG_OUTBOUND_NETWORKS": "127.0.0.1/32",
        "SIGHTLOG_MAX_IMAGE_BYTES": "200000",
        "SIGHTLOG_MAX_IMAGES": "40",
        "SIGHTLOG_MAX_IMAGES_BYTES": "2000000",
        "SIGHTLOG_IMAGES_AT_A_TIME": "4",
        "SIGHTLOG_IMAGE_TIMEOUT": "2s",
    }
    workers = 0
    if request.param == "servers":
        real = request.getfixturevalue("real_servers")
        real.postgres.create_database("training")
        real.s3.create_bucket("training")
        settings |= real.environment("training", "training")
        workers = 1
    with ForkedStack(tmp_path_factory.mktemp("training"), settings, workers=workers).start() as running:
        yield running


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[Database]:
    """That of this module's stack."""
    opened = Database(stack.database_url)
    yield opened
    opened.dispose()


def created(account: Account, **wanted: Any) -> str:
    id: str = account.graphql(CREATE, input={"format": "IMAGEFOLDER"} | wanted)["createExport"]["id"]
    return id


def exported(account: Account, **wanted: Any) -> tuple[dict[str, Any], zipfile.ZipFile]:
    """The state of an export that must be completed, and its file."""
    id = created(account, **wanted)
    assert account.wait(id)["status"] == "completed"
    state: dict[str, Any] = account.graphql(EXPORT, id=id)["export"]
    answer = httpx.get(state["downloadUrl"])
    assert (answer.headers["content-type"], len(answer.content)) == ("application/zip", state["receipt"]["bytes"])
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert len(set(archive.namelist())) == len(archive.namelist())
    return state, archive


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def notes(state: dict[str, Any]) -> dict[str, int]:
    return {note["name"]: note["count"] for note in state["receipt"]["notes"]}


def test_what_is_fetched_is_in_the_zip_and_the_rest_in_the_ledger(
    stack: Stack, make_account: Callable[[], Account], server: Named, tmp_path: Path
) -> None:
    account, url = make_account(), f"http://127.0.0.1:{server.port}"
    good = {
        "red": ("/red.png", "png", RED), "large": ("/large", "png", LARGE), "CON": ("/red.png", "png", RED),
        "a/../b": ("/gif.jpg", "gif", CONTENTS["/gif.jpg"]), "A": ("/photo", "jpg", CONTENTS["/photo"]),
        "a": ("/red.png", "png", RED), "é\n\"": ("/red.png", "png", RED),
    }  # fmt: skip
    bad = {
        "none": (None, "no_address"), "relative": ("a.png", "bad_address"), "user": ("http://a@b/", "bad_address"),
        "inner": (f"http://127.0.0.2:{server.port}/red.png", "not_public"), "name": ("http://x.invalid/", "not_public"),
        "metadata": ("http://169.254.169.254/latest/meta-data", "not_public"),
        **{path[1:]: (f"{url}{path}", "unreachable") for path in
           ("/page.png", "/picture.svg", "/empty.png", "/too-large.png", "/redirect", "/missing", "/broken", "/slow")},
    }  # fmt: skip
    account.record(
        *({"id": id, "imageUrl": url + path, "description": f"{id} = \"ü\"", "confidenceScore": 0.5,
           "metadata": {"model": id, "n": 1.5}} for id, (path, _, _) in good.items()),
        *({"id": id, "imageUrl": address, "description": id, "metadata": {"n": [1]}, "verification": {"ok": True}}
          for id, (address, _) in bad.items()),
    )  # fmt: skip
    state, archive = exported(account, images=True, texts=True)
    everything = len(good) + len(bad)
    told = notes(state)
    assert told.pop("left_out") == len(bad)
    assert told == {
        f"left_out_{reason}": [why for _, why in bad.values()].count(reason)
        for reason in {reason for _, reason in bad.values()}
    }
    assert (state["receipt"]["rows"], state["recordCount"], state["ledger"]["rows"]) == (
        len(good), len(good), len(bad)
    )  # fmt: skip
    assert state["progress"] == {"rowsWritten": len(good), "rowsTotal": everything}

    rows = {row["id"]: row for row in lines(archive.read(METADATA))}
    assert rows.keys() == good.keys()
    files = {row["file_name"] for row in rows.values()}
    assert {path for path in archive.namelist() if path.startswith("train/")} == {
        METADATA, *(f"train/{file}" for file in files), *(f"train/{file.rpartition('.')[0]}.txt" for file in files)
    }  # fmt: skip
    assert len({file.lower() for file in files}) == len(good)
    for id, (_, extension, content) in good.items():
        file = rows[id]["file_name"]
        assert file == f"{training.name(id)}.{extension}"
        assert archive.read(f"train/{file}") == content
        assert archive.read(f"train/{training.name(id)}.txt").decode() == rows[id]["text"] == f'{id} = "ü"'
        expected = {"file_name": file, "text": rows[id]["text"], "id": id, "confidence_score": 0.5}
        assert rows[id] | expected == rows[id]
        assert list(rows[id]) == ["file_name", "text", *(name for name in ITEM_COLUMNS if name != "description")]
        assert json.loads(rows[id]["metadata"]) == {"model": id, "n": 1.5}

    answer = httpx.get(state["ledger"]["downloadUrl"])
    assert f'filename="export_{state["id"]}.ledger.jsonl"' in answer.headers["content-disposition"]
    assert answer.content == archive.read("ledger.jsonl")
    left = {line["id"]: line for line in lines(answer.content)}
    assert {id: (line["image_url"], line["reason"]) for id, line in left.items()} == bad
    assert all(set(line) == {*COLUMNS, "reason"} for line in left.values())
    assert b"secret" not in answer.content

    other, path = make_account(), tmp_path / "ledger.jsonl"
    path.write_bytes(answer.content)
    imported = sightlog(other.stack, "import", str(path), "--account", other.name)
    assert (imported.stdout, imported.stderr) == (f"{len(bad)} recorded, 0 already known, 0 rejected\n", "")
    kept = {row["id"]: row for row in lines(account.download())}
    assert {row["id"]: row for row in lines(other.download())} == {id: kept[id] for id in bad}


def test_a_ledger_stays_and_goes_with_its_file(stack: Stack, account: Account) -> None:
    account.record({"id": "a"})
    deleted, kept = (exported(account, images=True)[0] for _ in range(2))
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=deleted["id"])
    for address in (deleted["downloadUrl"], deleted["ledger"]["downloadUrl"]):
        assert httpx.get(address).status_code in (403, 404)

    def are_tidied() -> bool:
        with account.database.read() as session:
            found = select_rows(Export.dirty).where(Export.account_id == account.id)
            return not any(session.exec(found).all())

    patience.until(are_tidied, 30)
    addresses = kept["downloadUrl"], kept["ledger"]["downloadUrl"]
    assert [httpx.get(address).status_code for address in addresses] == [200, 200]
    with account.database.write() as session:
        claims.expire(session, timedelta(0), account.id)
    patience.until(are_tidied, 30)
    assert {httpx.get(address).status_code for address in addresses} == {404}
    assert account.graphql(EXPORT, id=kept["id"])["export"]["ledger"] == {"rows": 1, "downloadUrl": None}


LOADING = """
import json, sys
from datasets import load_dataset

folder, file, texts = sys.argv[1:]
for given in ({"data_dir": folder}, {"data_files": {"train": file}}):
    rows = load_dataset("imagefolder", **given)["train"]
    print(json.dumps([[row["id"], row["text"], row["image"].size, row["confidence_score"]] for row in rows]))
print(json.dumps([row["id"] for row in load_dataset("json", data_files=texts)["train"]]))
"""


@only_embedded
def test_hugging_face_loads_it(stack: Stack, account: Account, server: Named, tmp_path: Path) -> None:
    """As a folder and as the Zip that it is; without images, as lines."""
    url = f"http://127.0.0.1:{server.port}"
    account.record(
        {"id": "B/b", "imageUrl": f"{url}/large", "description": "blue", "metadata": {"a": 1}, "confidenceScore": 1},
        {"id": "gone", "imageUrl": f"{url}/gone", "description": "none"},
        {"id": "r", "imageUrl": f"{url}/red.png", "description": "red", "metadata": {"a": "x"}, "confidenceScore": 0.5},
        {"id": "again", "imageUrl": f"{url}/red.png", "metadata": {"a": [{"b": None}]}},
    )  # fmt: skip
    _, archive = exported(account, images=True, texts=True)
    archive.extractall(tmp_path / "set")
    assert archive.fp is not None
    archive.fp.seek(0)
    (tmp_path / "set.zip").write_bytes(archive.fp.read())
    _, texts = exported(account)
    texts.extractall(tmp_path / "texts")
    arguments = [str(tmp_path / "set"), str(tmp_path / "set.zip"), str(tmp_path / "texts" / METADATA)]
    environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    loaded = subprocess.run(
        [sys.executable, "-c", LOADING, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    expected = [["again", None, [1, 1], None], ["r", "red", [1, 1], 0.5], ["B/b", "blue", [1, 1], 1.0]]
    assert lines(loaded.stdout.encode()) == [expected, expected, ["again", "r", "gone", "B/b"]]


def test_without_images_it_is_a_set_of_texts(stack: Stack, account: Account) -> None:
    account.record({"id": "b", "imageUrl": "http://a.example/1.png", "description": "a\nb"}, {"id": "a"})
    state, archive = exported(account, fields=["image_url", "id"])
    assert (state["ledger"], notes(state), state["receipt"]["rows"]) == (None, {}, 2)
    assert archive.namelist() == [METADATA]
    expected = [
        {"text": None, "image_url": None, "id": "a"},
        {"text": "a\nb", "image_url": "http://a.example/1.png", "id": "b"},
    ]
    assert lines(archive.read(METADATA)) == expected
    state, archive = exported(account, filter={"search": ["nothing"]})
    assert (archive.read(METADATA), state["receipt"]["rows"]) == (b"", 0)


def test_what_cannot_be_meant_is_refused(stack: Stack, account: Account) -> None:
    for wanted, field in (
        ({"format": "CSV", "images": True}, "images"), ({"texts": True}, "texts"),
        ({"limit": 41, "images": True}, "limit"), ({"compression": "GZIP"}, "compression"),
    ):  # fmt: skip
        error = account.refused(CREATE, input={"format": "IMAGEFOLDER"} | wanted)
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("VALIDATION_ERROR", field)
    with account.connect(Scope.READ) as reading:
        asked = {"query": CREATE, "variables": {"input": {"format": "IMAGEFOLDER", "images": True}}}
        refused = reading.post("/graphql", json=asked).json()
        assert refused["errors"][0]["extensions"]["code"] == "AUTHZ_ERROR"
        options = {"images": True}
        ordered = ExportRequest(format=ExportFormat.IMAGEFOLDER, filter=DescriptionFilter(), options=options)
        with account.database.write() as session:
            id = lifecycle.create(session, account.id, ordered).id
            lifecycle.cancel(session, account.id, id)
        again = {"query": f'mutation {{ retryExport(id: "{id}") {{ id }} }}'}
        assert reading.post("/graphql", json=again).json()["errors"][0]["extensions"]["code"] == "AUTHZ_ERROR"
        asked["variables"] = {"input": {"format": "IMAGEFOLDER"}}
        assert "errors" not in reading.post("/graphql", json=asked).json()


def test_bounds_of_one_export(stack: Stack, account: Account, server: Named) -> None:
    """Of 16 images of 150 kB, 13 fit into 2 MB; of 41 results, none is looked at."""
    url = f"http://127.0.0.1:{server.port}/large"
    server.most_open = 0
    account.record(*({"id": f"r{number:02}", "imageUrl": url} for number in range(16)))
    state, archive = exported(account, images=True)
    assert (state["receipt"]["rows"], notes(state)) == (13, {"left_out": 3, "left_out_over_limit": 3})
    assert [row["id"] for row in lines(archive.read(METADATA))] == [f"r{number:02}" for number in range(15, 2, -1)]
    assert server.most_open <= 4
    account.record(*({"id": f"s{number:02}", "imageUrl": url} for number in range(25)))
    asked = len(server.asked)
    id = created(account, images=True)
    assert account.wait(id)["status"] == "failed"
    assert account.graphql(EXPORT, id=id)["export"]["errorMessage"] == "Export exceeded maximum record limit"
    assert len(server.asked) == asked


def snapshots(account: Account) -> int:
    """Transactions in PostgreSQL that wait for who began them."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    )
    with account.database.read() as session:
        return session.connection().scalar(text(waiting)) or 0


def test_it_is_cancelled_while_it_waits_for_an_image(stack: Stack, account: Account) -> None:
    with serving() as silent:
        account.record(*({"imageUrl": f"http://127.0.0.1:{silent.port}/held"} for _ in range(8)))
        id = created(account, images=True)
        patience.until(lambda: silent.open, 10)
        time.sleep(1.2)  # its lease is renewed meanwhile
        assert account.graphql(EXPORT, id=id)["export"]["status"] == "PROCESSING"
        if not account.database.is_sqlite:
            patience.until(lambda: not snapshots(account), 5, what="a snapshot is held meanwhile")
        account.graphql("mutation($id: ID!) { cancelExport(id: $id) { id } }", id=id)
        assert account.graphql(EXPORT, id=id)["export"]["status"] == "CANCELLED"
        account.record({"id": "next", "imageUrl": None})
        began = time.monotonic()
        exported(account, fields=["id"])
        assert time.monotonic() - began < patience.seconds(5)


def test_time_is_bounded_and_what_broke_off_is_tried_again(server: Named) -> None:
    url, before = f"http://127.0.0.1:{server.port}", len(server.asked)
    bounds = {"outbound_networks": ("127.0.0.1/32",), "images_at_a_time": 1, "images_timeout": timedelta(seconds=0.5)}
    began = time.monotonic()
    found = list(images.fetched([f"{url}/broken", *[f"{url}/slow"] * 3], Settings(**bounds), lambda: None))  # type: ignore[arg-type]
    assert found == ["unreachable", "over_limit", "over_limit", "over_limit"]
    assert time.monotonic() - began < patience.seconds(5)
    assert [path for _, path in server.asked[before:]] == ["/broken", "/broken", "/slow"]


def test_names_are_safe_and_of_one_id_each() -> None:
    ids = [
        "a",
        "A",
        "a b",
        "a/b",
        "../a",
        ".a",
        "-a",
        "con",
        "com1",
        "NUL",
        "é",
        "",
        "x" * 500,
        "X" * 500,
        "a.b",
        "a-b",
    ]
    ids += [training.name(id) for id in ids]
    names = [training.name(id) for id in ids]
    assert len({name.lower() for name in names}) == len(set(ids))
    assert all(name.isascii() and name[0].isalnum() and len(name) <= 80 for name in names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for name in names)
    assert training.name("desc_0193f0c2-1a2b") == "desc_0193f0c2-1a2b"


def test_a_large_archive_is_zip64(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it is over 4 GiB, which is set lower here."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 5000)
    archive, content = training._Archive(), b""
    for number in range(20):
        with archive.entry(f"train/{number}.png", packed=False) as file:
            file.write(RED + bytes(400))
        content += archive.taken()
    archive.add(METADATA, [b"{}\n"] * 3000)
    content += archive.closed()
    monkeypatch.undo()
    assert content.count(b"PK\x06\x06") == 1
    read = zipfile.ZipFile(io.BytesIO(content))
    assert read.testzip() is None
    assert read.read(METADATA) == b"{}\n" * 3000
