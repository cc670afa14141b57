"""Exports that are packed: the same file, but for the packing, and imported again as it is."""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import pandas
import pytest

from app.compression import PACKINGS, Compression
from app.exports.formats import FORMATS
from tests.commands import sightlog
from tests.conftest import Account, only_embedded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = 3000
STATE = "id status compression downloadUrl receipt { rows bytes sha256 }"
CREATE = f"mutation($input: CreateExportInput!) {{ createExport(input: $input) {{ {STATE} }} }}"
EXPORT = f"query($id: ID!) {{ export(id: $id) {{ {STATE} }} }}"
UNPACK: dict[str, Callable[[bytes], bytes]] = {"GZIP": gzip.decompress, "ZSTD": zstd.decompress}
SUFFIX = {"GZIP": ".gz", "ZSTD": ".zst"}
TEXTS = [name for name, format in FORMATS.items() if not format.is_packed]


def exported(account: Account, **wanted: Any) -> dict[str, Any]:
    """The state of an export that must be completed."""
    id = account.graphql(CREATE, input={"format": "JSONL"} | wanted)["createExport"]["id"]
    assert account.wait(id)["status"] == "completed"
    state: dict[str, Any] = account.graphql(EXPORT, id=id)["export"]
    return state


def raw(url: str) -> tuple[httpx.Headers, bytes]:
    with httpx.stream("GET", url) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


@pytest.fixture
def filled(account: Account) -> Account:
    """Its files take several chunks."""
    snow = "snow " * 40
    lines = (
        f'{{"id": "{n:05}", "source_type": "single", "created_at": "2025-01-15", "description": "{n} {snow}"}}\n'
        for n in range(ROWS)
    )
    sightlog(account.stack, "import", "-", "--account", account.name, input="".join(lines).encode())
    return account


@pytest.mark.parametrize("compression", UNPACK)
@pytest.mark.parametrize("format", TEXTS)
def test_a_packed_file_is_the_plain_one_packed(
    filled: Account, make_account: Callable[[], Account], tmp_path: Path, format: str, compression: str
) -> None:
    plain = filled.download(format=format)
    state = exported(filled, format=format.upper(), compression=compression)
    headers, content = raw(state["downloadUrl"])
    assert UNPACK[compression](content) == plain
    assert len(content) < len(plain) / 5
    assert state["compression"] == compression
    assert state["receipt"] == {
        "rows": ROWS, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()
    }  # fmt: skip
    name = f"export_{state['id']}.{format}{SUFFIX[compression]}"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert headers["content-type"] == FORMATS[format].content_type
    assert headers["content-length"] == str(len(content))
    assert "content-encoding" not in headers
    (tmp_path / name).write_bytes(content)
    other = make_account()
    told = sightlog(other.stack, "import", str(tmp_path / name), "--account", other.name)
    assert (told.stdout, told.stderr) == (f"{ROWS} recorded, 0 already known, 0 rejected\n", "")
    assert other.download(format=format) == plain


@only_embedded
@pytest.mark.parametrize("compression", UNPACK)
def test_others_read_a_packed_file_by_its_name(account: Account, tmp_path: Path, compression: str) -> None:
    texts = ['snow, "wet"', "two\r\nlines", "=1+1", "\U0001f600"]
    account.record(*({"id": f"{place}", "description": text} for place, text in enumerate(texts)))
    paths = {}
    for format in ("csv", "jsonl"):
        path = tmp_path / f"export.{format}{SUFFIX[compression]}"
        state = exported(account, format=format.upper(), compression=compression, fields=["id", "description"])
        path.write_bytes(raw(state["downloadUrl"])[1])
        paths[format] = path
    by_newest = texts[::-1]
    assert pandas.read_csv(paths["csv"])["description"].tolist() == by_newest
    assert pandas.read_json(paths["jsonl"], lines=True)["description"].tolist() == by_newest
    with duckdb.connect() as connection:
        for path in paths.values():
            assert connection.execute(f"SELECT description FROM '{path}'").fetchall() == [(text,) for text in by_newest]
    if program := shutil.which({"GZIP": "zcat", "ZSTD": "zstdcat"}[compression]):
        told = subprocess.run([program, paths["jsonl"]], capture_output=True, check=True)
        assert [json.loads(line)["description"] for line in told.stdout.splitlines()] == by_newest


@pytest.mark.parametrize("compression", UNPACK)
def test_the_same_rows_give_the_same_bytes(account: Account, compression: str) -> None:
    account.record({"id": "a", "description": "é"}, {"id": "b"})
    receipts = [exported(account, compression=compression)["receipt"] for _ in range(2)]
    assert receipts[0] == receipts[1]


@pytest.mark.parametrize("compression", UNPACK)
def test_a_packed_file_without_rows(account: Account, compression: str) -> None:
    state = exported(account, compression=compression)
    _, content = raw(state["downloadUrl"])
    assert content != b""
    assert UNPACK[compression](content) == b""


@pytest.mark.parametrize("wanted", [{}, {"compression": None}, {"compression": "NONE"}])
def test_a_file_is_not_packed_unless_that_was_asked_for(account: Account, wanted: dict[str, Any]) -> None:
    account.record({"id": "a"})
    state = exported(account, fields=["id"], **wanted)
    headers, content = raw(state["downloadUrl"])
    assert (state["compression"], content) == ("NONE", b'{"id":"a"}\n')
    assert headers["content-type"] == "application/x-ndjson"
    assert urlsplit(state["downloadUrl"]).path.endswith(f"/{state['id']}/1.jsonl")


def test_a_part_of_a_packed_file(filled: Account) -> None:
    url = exported(filled, compression="GZIP")["downloadUrl"]
    _, content = raw(url)
    answer = httpx.get(url, headers={"Range": "bytes=10-99"})
    assert (answer.status_code, answer.content) == (206, content[10:100])
    assert answer.headers["content-range"] == f"bytes 10-99/{len(content)}"


def test_another_compression_is_another_export(account: Account) -> None:
    create = 'mutation($input: CreateExportInput!) { createExport(input: $input, idempotencyKey: "k") { id } }'
    first = account.graphql(create, input={"format": "CSV", "compression": "GZIP"})["createExport"]
    assert account.graphql(create, input={"format": "CSV", "compression": "GZIP"})["createExport"] == first
    for other in ({}, {"compression": "ZSTD"}):
        error = account.refused(create, input={"format": "CSV"} | other)
        assert error["extensions"]["field"] == "idempotencyKey", error


DATA = b'{"id": "a", "source_type": "s", "created_at": "2025-01-01"}\n'
PACKED = {"gzip": gzip.compress(DATA, mtime=0), "zstd": zstd.compress(DATA)}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("end", [5, 15, -1])
def test_a_packed_file_that_ends_too_early(account: Account, kind: str, end: int) -> None:
    told = sightlog(account.stack, "import", "-", "--account", account.name, input=PACKED[kind][:end])
    assert told.exit_code == 1
    assert told.stderr == f"standard input: the {kind} data is damaged or ends too early\n"


@pytest.mark.parametrize("kind", PACKED)
def test_packed_files_behind_each_other_are_one(account: Account, kind: str) -> None:
    data = PACKED[kind] + {"gzip": gzip.compress, "zstd": zstd.compress}[kind](DATA.replace(b'"a"', b'"b"'))  # type: ignore[operator]
    told = sightlog(account.stack, "import", "-", "--account", account.name, input=data)
    assert (told.stdout, told.stderr) == ("2 recorded, 0 already known, 0 rejected\n", "")


def test_every_compression_has_a_packing() -> None:
    assert {Compression.NONE, *PACKINGS} == set(Compression)
