"""Every format of the registry, in every compression, has the same rows: read back by its own readers, and compared
with the JSON lines of the same history. A new format joins with a reader here.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zipfile import ZipFile

import httpx
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from app import jsontext, times
from app.compression import Compression, zstd
from app.exports.formats import FORMATS
from app.history.columns import COLUMNS, JSON_COLUMNS
from tests.conftest import Account
from tests.exports.test_files import everything, import_lines

Rows = list[dict[str, Any]]
"""Times are ISO texts with microseconds, JSON is canonical text, scores are floats, None is null."""

CREATE = "mutation($input: CreateExportInput!) { createExport(input: $input) { id } }"
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    Compression.NONE: bytes, Compression.GZIP: gzip.decompress, Compression.ZSTD: zstd.decompress,
}  # fmt: skip


def of_csv(content: bytes) -> Rows:
    """The module `csv` cannot tell null from an empty text."""
    import pyarrow
    from pyarrow import csv as arrow

    [names] = csv.reader(io.StringIO(content.split(b"\r\n", 1)[0].decode()))
    told = arrow.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()), null_values=[""], strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )  # fmt: skip
    parsed = arrow.ParseOptions(newlines_in_values=True)
    rows = arrow.read_csv(io.BytesIO(content), arrow.ReadOptions(block_size=2**26), parsed, told).to_pylist()
    score = "confidence_score"
    return [row | {score: None if row[score] is None else float(row[score])} for row in rows]


def of_objects(objects: list[dict[str, Any]]) -> Rows:
    return [
        {
            name: jsontext.canonical(value) if name in JSON_COLUMNS and value is not None else value
            for name, value in one.items()
        }
        for one in objects
    ]


def of_parquet(content: bytes) -> Rows:
    from pyarrow import parquet

    return [row | {"created_at": iso(row["created_at"])} for row in parquet.read_table(io.BytesIO(content)).to_pylist()]


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def of_imagefolder(content: bytes) -> Rows:
    """A set of texts: its JSON columns are texts already, and the description has the name that trainers expect."""
    with ZipFile(io.BytesIO(content)) as archive:
        lines = archive.read("train/metadata.jsonl").split(b"\n")[:-1]
    rows: Rows = [json.loads(line) for line in lines]
    return [row | {"description": row.pop("text")} for row in rows]


def of_xlsx(content: bytes) -> Rows:
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    [names, *rows] = sheet.iter_rows(values_only=True)
    return [{str(name): of_cell(value) for name, value in zip(names, row, strict=True)} for row in rows]


def of_cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value.replace(tzinfo=UTC))
    return unescape(value) if isinstance(value, str) else value


def as_in_a_sheet(rows: Rows) -> Rows:
    """To the millisecond; and a time before March 1900, of which a sheet has no dates, as pages show it."""
    shown = []
    for row in rows:
        moment = datetime.fromisoformat(row["created_at"])
        cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        told = times.iso(moment) if moment.year < 1900 else iso(cut)
        shown.append(row | {"created_at": told})
    return shown


READERS: dict[str, Callable[[bytes], Rows]] = {
    "csv": of_csv,
    "json": lambda content: of_objects(json.loads(content)),
    "jsonl": lambda content: of_objects([json.loads(line) for line in content.split(b"\n")[:-1]]),
    "parquet": of_parquet,
    "xlsx": of_xlsx,
    "imagefolder": of_imagefolder,
}


def exported(account: Account, format: str, compression: str = "none", **wanted: Any) -> bytes:
    """The file of an export that must be completed."""
    input = {"format": format.upper(), "compression": compression.upper()} | wanted
    state = account.wait(account.graphql(CREATE, input=input)["createExport"]["id"])
    assert (state["status"], state["format"]) == ("completed", format), state
    return UNPACK[compression](httpx.get(state["download_url"], verify=False).raise_for_status().content)


def test_every_format_has_a_reader() -> None:
    assert READERS.keys() == FORMATS.keys()


def test_every_format_has_the_same_rows(account: Account) -> None:
    import_lines(account, everything(), 40)
    whole: dict[str, Any] = {"fields": list(COLUMNS), "filter": {"includeFailed": True}}
    nothing = whole | {"filter": {"search": ["nowhere to be found"]}}
    expected = READERS["jsonl"](exported(account, "jsonl", **whole))
    assert len(expected) == 40
    for name, format in FORMATS.items():
        for compression in [Compression.NONE] if format.is_packed else list(Compression):
            same = as_in_a_sheet(expected) if name == "xlsx" else expected
            assert READERS[name](exported(account, name, compression, **whole)) == same, (name, compression)
            assert READERS[name](exported(account, name, compression, **nothing)) == [], (name, compression)
