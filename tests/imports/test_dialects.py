"""Files as other programs write them: read where what they mean is certain."""

from pathlib import Path

import pytest

from tests.conftest import Account
from tests.imports.test_import import GOOD, JSONL, TOLD, ids, items, read

COMMAS = 'id,source_type,created_at,description\na,s,2025-01-01,"One, zwei"\nb,s,2025-01-02,"Größe\r\n; 2"\n'
READ = [("b", "Größe\r\n; 2"), ("a", "One, zwei")]


def separated(by: str) -> str:
    """The same results, with another separator."""
    return (
        f"id{by}source_type{by}created_at{by}description\n"
        f'a{by}s{by}2025-01-01{by}"One, zwei"\nb{by}s{by}2025-01-02{by}"Größe\r\n; 2"\n'
    )


@pytest.mark.parametrize(
    "data",
    [
        COMMAS.encode(),
        separated(";").encode(),
        separated("\t").encode(),
        b"sep=;\r\n" + separated(";").encode(),
        b'"sep=,"\n' + COMMAS.encode(),
        b"\xef\xbb\xbfsep=\t\n" + separated("\t").encode(),
        b"sep=|\n" + separated("|").encode(),
        COMMAS.replace("id,source_type", " ID , Source_Type").encode(),
        COMMAS.replace("id,source_type", '"id","SOURCE_TYPE"').encode(),
        COMMAS.encode("utf-16"),
        b"\xfe\xff" + separated(";").encode("utf-16-be"),
        COMMAS.replace("\r\n", "|").replace("\n", "\r").replace("|", "\r\n").encode(),
    ],
    ids=[
        "commas", "semicolons", "tabs", "sep and semicolons", "sep and commas", "sep and tabs", "sep and bars",
        "a header in capitals", "a quoted header", "UTF-16", "UTF-16 of the other order", "CR",
    ],
)  # fmt: skip
def test_a_csv_as_spreadsheets_write_it(account: Account, data: bytes) -> None:
    assert read(account, data) == (0, TOLD, "")
    assert [(item["id"], item["description"]) for item in items(account)] == READ


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "-"])
@pytest.mark.parametrize("is_array", [False, True])
def test_json_is_told_from_json_lines_by_how_it_begins(
    account: Account, tmp_path: Path, name: str, is_array: bool
) -> None:
    data = b" \n[" + JSONL.strip().replace(b"\n", b",") + b"]" if is_array else JSONL
    assert read(account, data, name if name == "-" else tmp_path / name) == (0, TOLD, "")
    assert ids(account) == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_lines_behind_a_byte_order_mark(account: Account, encoding: str) -> None:
    assert read(account, JSONL.decode().encode(encoding)) == (0, TOLD, "")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (GOOD[:-1] + b', "id": "other"}', "id"),
        (GOOD[:-1] + b', "metadata": {"a": {"b": 1, "c": 2, "b": 1}}}', "b"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(account: Account, line: bytes, key: str) -> None:
    told = f"file: 1: is no JSON: has the key '{key}' twice in one object\n"
    assert read(account, line + b"\n") == (1, "0 recorded, 0 already known, 1 rejected\n", told)


def test_other_content_of_a_known_result_is_told_of(account: Account) -> None:
    assert read(account, JSONL)[0] == 0
    other = JSONL.replace(b"One, two", b"Three")
    told = "2 already known (1 of them with other content)"
    assert read(account, other) == (0, f"0 recorded, {told}, 0 rejected\n", "known with other content: b\n")
    assert items(account)[0]["description"] == "One, two"


def test_other_content_replaces_what_is_known_if_asked_to(account: Account) -> None:
    assert read(account, JSONL)[0] == 0
    other = JSONL.replace(b"One, two", b"Three")
    told = "0 recorded, 1 already known, 1 replaced, 0 rejected\n"
    assert read(account, other, options=("--on-conflict", "replace")) == (0, told, "")
    assert items(account)[0]["description"] == "Three"
