"""A saved file is compared with the receipt beside it, without a server."""

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sightlog
from sightlog import Client, contents, errors

TEXTS = ['plain, "quoted"', "two\r\nlines", "", 'ends with "', "=1+1", "ä\u2028b", '""', "[{},\n{}]"]


@pytest.fixture
def save(client: Client, tmp_path: Path) -> Callable[..., Path]:
    client.record(
        {"id": str(place), "source_type": "single", "description": text, "metadata": {"text": text}}
        for place, text in enumerate(TEXTS)
    )

    def save(format: str, compression: str = "none", **filter: str) -> Path:
        return client.export(format, compression=compression, **filter).save(tmp_path)  # type: ignore[arg-type]

    return save


FORMATS = ["csv", "json", "jsonl"]
FILES = [
    *((format, compression) for format in FORMATS for compression in ("none", "gzip", "zstd")),
    ("parquet", "none"),
]


@pytest.mark.parametrize(("format", "compression"), FILES)
def test_rows_are_counted_whatever_they_hold(save: Callable[..., Path], format: str, compression: str) -> None:
    path = save(format, compression)
    told = json.loads(path.with_name(path.name + ".receipt.json").read_text())
    receipt = sightlog.verify(path)
    assert (receipt.rows, receipt.bytes, receipt.format, receipt.compression) == (
        len(TEXTS),
        path.stat().st_size,
        format,
        compression,
    )
    assert (told["rows"], told["sha256"], told["fields"]) == (len(TEXTS), receipt.sha256, list(receipt.fields))
    assert sightlog.verify(save(format, compression, search="nowhere to be found")).rows == 0


def test_it_is_read_as_the_module_csv_does(save: Callable[..., Path]) -> None:
    """So is what is counted."""
    path = save("csv")
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert sorted(row["description"] for row in rows) == sorted(TEXTS)
    assert sightlog.verify(path).rows == len(rows)


HARMS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda content: content[:-1], "bytes, its receipt says"),
    "longer": (lambda content: content + b"\n", "bytes, its receipt says"),
    "altered": (lambda content: content.replace(b"plain", b"plane"), "is not what was exported: its SHA-256 is"),
}


@pytest.mark.parametrize("how", HARMS)
def test_a_file_that_is_not_what_was_exported(save: Callable[..., Path], how: str) -> None:
    harm, sentence = HARMS[how]
    path = save("csv")
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(errors.Damaged, match=sentence):
        sightlog.verify(path)


def receipt_with(path: Path, **changes: object) -> None:
    place = path.with_name(path.name + ".receipt.json")
    place.write_text(json.dumps(json.loads(place.read_text()) | changes))


@pytest.mark.parametrize("file", [("jsonl", "gzip"), ("parquet",), ("xlsx",)])
def test_a_receipt_of_other_rows(save: Callable[..., Path], file: tuple[str, ...]) -> None:
    path = save(*file)
    receipt_with(path, rows=7, signature=None)
    with pytest.raises(errors.Damaged, match="has 8 rows, its receipt says 7"):
        sightlog.verify(path)


@pytest.mark.parametrize("changes", [{"rows": None}, {"snapshot_at": "soon"}, {"fields": 3}, {"bytes": "many"}])
def test_a_receipt_that_cannot_be_understood(save: Callable[..., Path], changes: dict[str, object]) -> None:
    path = save("csv")
    receipt_with(path, **changes)
    with pytest.raises(errors.Damaged, match=r"The receipt .* cannot be understood"):
        sightlog.verify(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff"])
def test_a_receipt_that_is_none(save: Callable[..., Path], text: str) -> None:
    path = save("csv")
    path.with_name(path.name + ".receipt.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(errors.Damaged, match=r"The receipt .* cannot be understood"):
        sightlog.verify(path)


def test_a_parquet_file_where_there_is_no_pyarrow(save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are compared, its rows cannot be counted."""
    path = save("parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    receipt_with(path, rows=7, signature=None)
    assert sightlog.verify(path).rows == 7
    with pytest.raises(errors.InvalidInput, match="Reading Parquet needs `pip install pyarrow`"):
        list(contents.rows_of(path, "parquet", "none"))


def test_nothing_to_compare(save: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match="There is no file"):
        sightlog.verify(tmp_path / "nowhere.csv")
    path = save("csv")
    path.with_name(path.name + ".receipt.json").unlink()
    with pytest.raises(errors.NotFound, match="There is no receipt of"):
        sightlog.verify(path)


def test_several_packed_pieces_are_one_file(tmp_path: Path) -> None:
    """As gzip allows; each is larger than what is unpacked at a time."""
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a":1}\n' * 300_000) + gzip.compress(b'{"a":2}\n'))
    assert sum(1 for _ in contents.rows_of(path, "jsonl", "gzip")) == 300_001
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(errors.Damaged, match="ends too early"):
        list(contents.rows_of(path, "jsonl", "gzip"))
    path.write_bytes(b"plain")
    with pytest.raises(errors.Damaged, match="not packed as it should be"):
        list(contents.rows_of(path, "jsonl", "gzip"))
