"""The bytes of an export: the same ones from either engine, written out here."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import jsontext
from app.engine.db import Database
from app.history.columns import COLUMNS
from tests.commands import sightlog
from tests.conftest import Account, new_account
from tools.stack import Stack

FORMATS = ("csv", "json", "jsonl")

TEXTS: list[tuple[str | None, str, str]] = [
    # what was recorded, its CSV cell, its JSON
    (None, "", "null"),
    ("", '""', '""'),
    ("null", "null", '"null"'),
    (" spaces around ", " spaces around ", '" spaces around "'),
    ("one, two", '"one, two"', '"one, two"'),
    ('say "hi"', '"say ""hi"""', r'"say \"hi\""'),
    ('"', '""""', r'"\""'),
    ("line\nfeed", '"line\nfeed"', r'"line\nfeed"'),
    ("carriage\rreturn", '"carriage\rreturn"', r'"carriage\rreturn"'),
    ("both\r\nof them\r\n", '"both\r\nof them\r\n"', r'"both\r\nof them\r\n"'),
    ("\n", '"\n"', r'"\n"'),
    ("\\.", "\\.", r'"\\."'),
    ('back\\slash \\N \\"', '"back\\slash \\N \\"""', r'"back\\slash \\N \\\""'),
    ("a/b <i>&amp;</i> 'c' #d; e", "a/b <i>&amp;</i> 'c' #d; e", "\"a/b <i>&amp;</i> 'c' #d; e\""),
    ("=1+1", "=1+1", '"=1+1"'),
    ("-5", "-5", '"-5"'),
    ("@SUM(A1)", "@SUM(A1)", '"@SUM(A1)"'),
    ("a\ttab", "a\ttab", r'"a\ttab"'),
    ("\x01\x02\x08\x0b\x0c\x1b\x1f", "\x01\x02\x08\x0b\x0c\x1b\x1f", r'"\u0001\u0002\b\u000b\f\u001b\u001f"'),
    ("\x7f\x80\x85\xa0", "\x7f\x80\x85\xa0", '"\x7f\x80\x85\xa0"'),
    ("\u2028\u2029\ufeff\ufffd", "\u2028\u2029\ufeff\ufffd", '"\u2028\u2029\ufeff\ufffd"'),
    ("😀 👩‍👧 \U0010ffff \xe9 e\u0301", "😀 👩‍👧 \U0010ffff \xe9 e\u0301", '"😀 👩‍👧 \U0010ffff \xe9 e\u0301"'),
    ("x" * 300_000, "x" * 300_000, f'"{"x" * 300_000}"'),
]

SCORES = [
    # what was recorded, as every format has it
    ("0", "0"),
    ("1", "1"),
    ("1.0", "1"),
    ("-0.0", "0"),
    ("0.1", "0.1"),
    ("0.5000", "0.5"),
    ("0.0001", "0.0001"),
    ("0.00001", "1e-05"),
    ("1E-5", "1e-05"),
    ("5e-324", "5e-324"),
    ("2.2250738585072014e-308", "2.2250738585072014e-308"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("0.123456789012345678901234567890", "0.12345678901234568"),
    ("0.99999999999999989", "0.9999999999999999"),
]

JSONS = [
    # what was recorded, its canonical text
    ("true", "true"),
    ("0", "0"),
    ('""', '""'),
    ('"null"', '"null"'),
    ("[ ]", "[]"),
    ("1.50", "1.5"),
    ("1.0", "1.0"),
    ("-0.0", "0.0"),
    ("1E-7", "0.0000001"),
    ("1e22", "10000000000000000000000"),
    ("5e-324", "0." + "0" * 323 + "5"),
    ("1.7976931348623157e308", "17976931348623157" + "0" * 292),
    ("9223372036854775808", "9223372036854775808"),
    ("-123456789012345678901234567890", "-123456789012345678901234567890"),
    ("0.1234567890123456789", "0.12345678901234568"),
    ('{ "b": 1, "a": [1, 2 , {"y": { }}], "aa": null, "": 4 }', '{"":4,"a":[1,2,{"y":{}}],"b":1,"aa":null}'),
    ('{"zz": 1, "\u00e4": 2, "e\u0301": 3, "A": 4, "a": 5}', '{"A":4,"a":5,"zz":1,"\u00e4":2,"e\u0301":3}'),
    ('{"a: b, c": "d: e, \\"f\\": g, \\\\", "h": "\\\\\\", "}', '{"h":"\\\\\\", ","a: b, c":"d: e, \\"f\\": g, \\\\"}'),
    (
        r'"\/ \b \f \n \r \t \u0001 \u001F \u007f \u2028 \ud83d\ude00"',
        r'"/ \b \f \n \r \t \u0001 \u001f' + ' \x7f \u2028 😀"',
    ),
]

TIMES = [
    # what was recorded, as every format has it where one of them has a fraction; newest first
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("2025-01-15T23:30:00.5-08:00", "2025-01-16T07:30:00.500000Z"),
    ("2025-01-15T10:30:00.123456", "2025-01-15T10:30:00.123456Z"),
    ("2025-01-15T10:30:00.120000Z", "2025-01-15T10:30:00.120000Z"),
    ("2025-01-15T10:30:00.000001Z", "2025-01-15T10:30:00.000001Z"),
    ("2025-01-15T10:30:00.000Z", "2025-01-15T10:30:00.000000Z"),
    ("2025-01-15", "2025-01-15T00:00:00.000000Z"),
    ("2000-02-29T00:00:00+05:30", "2000-02-28T18:30:00.000000Z"),
    ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
]


def lines(values: Iterable[str]) -> bytes:
    """Results to import, one for each JSON text of some keys; the first is the newest."""
    found = [
        f'{{"id": "{place:02}", "source_type": "single", "created_at": "2025-01-15T10:30:{59 - place}Z", {text}}}\n'
        for place, text in enumerate(values)
    ]
    return "".join(found).encode()


def import_lines(account: Account, data: bytes, count: int) -> None:
    told = sightlog(account.stack, "import", "-", "--account", account.name, input=data)
    assert (told.stdout, told.stderr) == (f"{count} recorded, 0 already known, 0 rejected\n", "")


def csv_file(*rows: str) -> bytes:
    return "".join(row + "\r\n" for row in rows).encode()


def json_files(rows: list[str]) -> dict[str, bytes]:
    return {"json": ("[" + ",\n".join(rows) + "]").encode(), "jsonl": "".join(row + "\n" for row in rows).encode()}


def check(account: Account, fields: list[str], expected: dict[str, bytes]) -> None:
    for format in FORMATS:
        assert account.download(format=format, fields=fields) == expected[format], format


def test_texts(account: Account) -> None:
    import_lines(account, lines(f'"description": {json.dumps(text)}' for text, _, _ in TEXTS), len(TEXTS))
    rows = [f"{place:02},{cell}" for place, (_, cell, _) in enumerate(TEXTS)]
    objects = [f'{{"id":"{place:02}","description":{text}}}' for place, (_, _, text) in enumerate(TEXTS)]
    check(account, ["id", "description"], {"csv": csv_file("id,description", *rows), **json_files(objects)})


def test_a_column_of_its_own(account: Account) -> None:
    """PostgreSQL quotes this one text when it is alone in its line, and so we do."""
    import_lines(account, lines(f'"description": {json.dumps(text)}' for text in ("\\.", None, "", " ")), 4)
    objects = [f'{{"description":{text}}}' for text in (r'"\\."', "null", '""', '" "')]
    check(account, ["description"], {"csv": csv_file("description", '"\\."', "", '""', " "), **json_files(objects)})


def test_scores(account: Account) -> None:
    import_lines(account, lines(f'"confidence_score": {text}' for text, _ in SCORES), len(SCORES))
    objects = [f'{{"confidence_score":{text},"id":"{place:02}"}}' for place, (_, text) in enumerate(SCORES)]
    rows = [f"{text},{place:02}" for place, (_, text) in enumerate(SCORES)]
    fields = ["confidence_score", "id"]
    check(account, fields, {"csv": csv_file("confidence_score,id", *rows), **json_files(objects)})


def test_json(account: Account) -> None:
    texts = [text for _, text in JSONS]
    recorded = lines(f'"verification": {text}, "metadata": {{"of": {text}}}' for text, _ in JSONS)
    import_lines(account, recorded, len(JSONS))
    objects = [f'{{"verification":{text},"metadata":{{"of":{text}}}}}' for text in texts]
    rows = [quoted_if_needed(text) + "," + quoted(f'{{"of":{text}}}') for text in texts]
    fields = ["verification", "metadata"]
    check(account, fields, {"csv": csv_file("verification,metadata", *rows), **json_files(objects)})


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def quoted_if_needed(text: str) -> str:
    return quoted(text) if '"' in text or "," in text else text


def test_times(account: Account) -> None:
    import_lines(account, b"".join(
        f'{{"id": "{place}", "source_type": "single", "created_at": "{time}"}}\n'.encode()
        for place, (time, _) in enumerate(TIMES)
    ), len(TIMES))  # fmt: skip
    rows = [f"{place},{time}" for place, (_, time) in enumerate(TIMES)]
    objects = [f'{{"id":"{place}","created_at":"{time}"}}' for place, (_, time) in enumerate(TIMES)]
    check(account, ["id", "created_at"], {"csv": csv_file("id,created_at", *rows), **json_files(objects)})


RESULT = {
    "id": "desc_001",
    "type": "rule",
    "sourceType": "batch",
    "sourceId": "op_1",
    "createdAt": "2025-01-15T10:30:00Z",
    "imageUrl": "https://example.com/a.jpg?b=1,2",
    "description": "A mountain",
    "confidenceScore": 0.9,
    "verification": {"ok": True},
    "imageId": "img_1",
    "metadata": {"width": 640},
}
FAILED = {"id": "desc_002", "createdAt": "2025-01-15T10:29:00Z", "status": "FAILED", "errorMessage": 'no "image"'}
KEYS = b"id,type,source_type,source_id,created_at,image_url,description,confidence_score,verification,image_id"
ROW = (
    b'desc_001,rule,batch,op_1,2025-01-15T10:30:00Z,"https://example.com/a.jpg?b=1,2",A mountain,0.9,'
    b'"{""ok"":true}",img_1'
)
OBJECT = (
    b'{"id":"desc_001","type":"rule","source_type":"batch","source_id":"op_1","created_at":"2025-01-15T10:30:00Z",'
    b'"image_url":"https://example.com/a.jpg?b=1,2","description":"A mountain","confidence_score":0.9,'
    b'"verification":{"ok":true},"image_id":"img_1"'
)
FAILED_OBJECT = (
    b'{"id":"desc_002","type":"description","source_type":"single","source_id":null,"created_at":"2025-01-15T10:29:00Z",'
    b'"image_url":null,"description":null,"confidence_score":null,"verification":null,"image_id":null,"metadata":{},'
    b'"status":"failed","error_message":"no \\"image\\""}'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"format": "csv"}, KEYS + b",metadata\r\n" + ROW + b',"{""width"":640}"\r\n'),
        ({"format": "csv", "include_metadata": False}, KEYS + b"\r\n" + ROW + b"\r\n"),
        (
            {"format": "csv", "include_failed": True, "include_metadata": False},
            KEYS + b",status,error_message\r\n" + ROW + b",completed,\r\n"
            b'desc_002,description,single,,2025-01-15T10:29:00Z,,,,,,failed,"no ""image"""\r\n',
        ),
        ({"format": "json"}, b"[" + OBJECT + b',"metadata":{"width":640}}]'),
        ({"format": "jsonl", "include_metadata": False}, OBJECT + b"}\n"),
        (
            {"format": "jsonl", "include_failed": True},
            OBJECT + b',"metadata":{"width":640},"status":"completed","error_message":null}\n' + FAILED_OBJECT + b"\n",
        ),
        (
            {"format": "json", "include_failed": True},
            b"[" + OBJECT + b',"metadata":{"width":640},"status":"completed","error_message":null},\n'
            + FAILED_OBJECT + b"]",
        ),
        ({"format": "csv", "fields": ["status", "id", "status"], "limit": 1}, b"status,id\r\ncompleted,desc_001\r\n"),
        ({"format": "csv", "search_terms": ["nothing"], "fields": ["id", "type"]}, b"id,type\r\n"),
        ({"format": "json", "search_terms": ["nothing"]}, b"[]"),
        ({"format": "jsonl", "search_terms": ["nothing"]}, b""),
    ],
)  # fmt: skip
def test_columns(account: Account, body: dict[str, Any], expected: bytes) -> None:
    account.record(RESULT, FAILED)
    assert account.download(**body) == expected


def everything() -> bytes:
    """Results with the values above in all of the columns that can have them."""
    texts = [text for text, _, _ in TEXTS[:-1]]
    names = [text for text in texts if text]
    rows = []
    for place in range(40):
        name = json.dumps(f"{names[place % len(names)]}{place}")
        text, value = json.dumps(texts[place % len(texts)]), JSONS[place % len(JSONS)][0]
        keys = dict.fromkeys(("id", "type", "source_type", "source_id", "image_id"), name)
        keys |= dict.fromkeys(("image_url", "description", "error_message"), text)
        keys |= {"verification": value, "metadata": f'{{"of": {value}}}'}
        keys |= {"created_at": f'"{TIMES[place % len(TIMES)][0]}"', "confidence_score": SCORES[place % len(SCORES)][0]}
        keys |= {"status": ('"completed"', '"failed"')[place % 2]}
        rows.append("{" + ", ".join(f'"{key}": {text}' for key, text in keys.items()) + "}\n")
    return "".join(rows).encode()


WHOLE = {"include_failed": True, "fields": list(COLUMNS)}


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_imported_and_exported_again_is_the_same(
    make_account: Callable[[], Account], tmp_path: Path, format: str
) -> None:
    first = make_account()
    import_lines(first, everything(), 40)
    exported = first.download(format=format, **WHOLE)
    for name, packed in ((f"export.{format}", exported), (f"export.{format}.gz", gzip.compress(exported, 1))):
        (tmp_path / name).write_bytes(packed)
        other = make_account()
        told = sightlog(other.stack, "import", str(tmp_path / name), "--account", other.name)
        assert (told.stdout, told.stderr) == ("40 recorded, 0 already known, 0 rejected\n", "")
        assert other.download(format=format, **WHOLE) == exported


def test_every_format_gives_the_values_back(account: Account) -> None:
    import_lines(account, everything(), 40)
    recorded = {found["id"]: found for found in map(json.loads, everything().splitlines())}
    rows = list(csv.reader(io.StringIO(account.download(format="csv", **WHOLE).decode(), newline=""), strict=True))
    array = json.loads(account.download(format="json", **WHOLE))
    assert array == [json.loads(line) for line in account.download(format="jsonl", **WHOLE).split(b"\n")[:-1]]
    assert rows[0] == list(COLUMNS)
    assert [row[0] for row in rows[1:]] == [found["id"] for found in array]
    assert len(array) == 40
    for row, found in zip(rows[1:], array, strict=True):
        expected = recorded[row[0]] | {"created_at": found["created_at"]}
        assert row == [as_cell(name, expected[name]) for name in COLUMNS]
        assert row == [as_cell(name, found[name]) for name in COLUMNS]
        assert [found[name] is None for name in COLUMNS] == [expected[name] is None for name in COLUMNS]


def as_cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in ("verification", "metadata"):
        return jsontext.canonical(value)
    return jsontext.number(abs(value)) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class File:
    url: str
    content: bytes


@pytest.fixture(scope="module")
def file(stack: Stack, database: Database) -> Iterator[File]:
    """The download of an export."""
    account = new_account(stack, database)
    account.record(*({"id": f"{place:03}", "description": "🏔️ snow"} for place in range(200)))
    state = account.export(format="csv", fields=["id", "description"])
    yield File(state["download_url"], httpx.get(state["download_url"]).content)
    account.close()


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-49", 10, 50), ("bytes=2000-", 2000, None), ("bytes=-25", -25, None)],
)
def test_a_part_of_a_file(file: File, asked: str, start: int, end: int | None) -> None:
    answer = httpx.get(file.url, headers={"Range": asked})
    size = len(file.content)
    first, behind, _ = slice(start, end).indices(size)
    assert (answer.status_code, answer.content) == (206, file.content[start:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{behind - 1}/{size}"
    assert answer.headers["Content-Length"] == str(behind - first)


def test_a_part_behind_the_end_of_a_file(file: File) -> None:
    assert httpx.get(file.url, headers={"Range": "bytes=1000000-"}).status_code == 416


def test_the_headers_of_a_file(account: Account) -> None:
    for format, content_type in (
        ("csv", "text/csv; charset=utf-8"), ("json", "application/json"), ("jsonl", "application/x-ndjson"),
    ):  # fmt: skip
        state = account.export(format=format)
        headers = httpx.get(state["download_url"]).headers
        assert headers["Content-Type"] == content_type
        assert headers["Content-Disposition"] == f'attachment; filename="export_{state["export_id"]}.{format}"'
        assert headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("format", FORMATS)
def test_the_receipt_of_a_file(account: Account, format: str) -> None:
    account.record({"id": "a", "description": "é"}, {"id": "b", "status": "FAILED"}, {"id": "c"})
    state = account.export(format=format)
    content = httpx.get(state["download_url"]).content
    query = "query($id: ID!) { export(id: $id) { recordCount receipt { rows bytes sha256 } } }"
    assert account.graphql(query, id=state["export_id"])["export"] == {
        "recordCount": 2,
        "receipt": {"rows": 2, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
    }
