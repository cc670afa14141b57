"""What the file of an export holds."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import KEYS, ids, listed

CSV = (
    "id,type,source_type,source_id,created_at,image_url,description,confidence_score,verification,image_id,metadata\r\n"
    'full,rule,batch,op_1,2025-01-15T10:30:00.500000Z,https://example.com/1.jpg,"A ""dog"",\nrunning",0.75,'
    '"{""ok"":true}",img_1,"{""a"":[1.5,""ä""],""b"":1}"\r\n'
    "bare,description,single,,2025-01-14T00:00:00.000000Z,,,,,,{}\r\n"
    'whole,description,single,,2025-01-13T00:00:00.000000Z,,"",1,,,{}\r\n'
)
OBJECTS = [
    '{"id":"full","type":"rule","source_type":"batch","source_id":"op_1",'
    '"created_at":"2025-01-15T10:30:00.500000Z",'
    '"image_url":"https://example.com/1.jpg","description":"A \\"dog\\",\\nrunning","confidence_score":0.75,'
    '"verification":{"ok":true},"image_id":"img_1","metadata":{"a":[1.5,"ä"],"b":1}}',
    '{"id":"bare","type":"description","source_type":"single","source_id":null,'
    '"created_at":"2025-01-14T00:00:00.000000Z",'
    '"image_url":null,"description":null,"confidence_score":null,"verification":null,"image_id":null,"metadata":{}}',
    '{"id":"whole","type":"description","source_type":"single","source_id":null,'
    '"created_at":"2025-01-13T00:00:00.000000Z",'
    '"image_url":null,"description":"","confidence_score":1,"verification":null,"image_id":null,"metadata":{}}',
]


@pytest.mark.parametrize(
    ("format", "content", "content_type"),
    [
        ("csv", CSV, "text/csv; charset=utf-8"),
        ("json", "[" + ",\n".join(OBJECTS) + "]", "application/json"),
        ("jsonl", "".join(line + "\n" for line in OBJECTS), "application/x-ndjson"),
    ],
)
def test_a_file_of_each_format(
    exporting: Account, format: str, content: str, content_type: str, stranger: httpx.Client
) -> None:
    state = exporting.export(format=format)
    file = stranger.get(state["download_url"])
    assert (state["status"], state["record_count"], state["error_message"]) == ("completed", 3, None)
    assert (file.status_code, file.content.decode()) == (200, content)
    assert file.headers["content-type"] == content_type
    assert file.headers["content-disposition"] == f'attachment; filename="export_{state["export_id"]}.{format}"'
    assert file.headers["content-length"] == str(len(content.encode()))


@pytest.mark.parametrize(("format", "content"), [("csv", f"{','.join(KEYS)}\r\n"), ("json", "[]"), ("jsonl", "")])
def test_no_match_gives_a_valid_empty_file(
    exporting: Account, format: str, content: str, stranger: httpx.Client
) -> None:
    state = exporting.export(format=format, search_terms=["nowhere"])
    assert (state["status"], state["record_count"]) == ("completed", 0)
    assert stranger.get(state["download_url"]).text == content


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ({}, KEYS),
        ({"fields": []}, KEYS),
        ({"fields": None}, KEYS),
        ({"fields": ["description", "id"]}, ["description", "id"]),
        ({"fields": ["id", "type", "id", "id", "type"]}, ["id", "type"]),
        ({"fields": ["error_message", "status"]}, ["error_message", "status"]),
        ({"fields": [*reversed(KEYS), "status", "error_message"]}, [*reversed(KEYS), "status", "error_message"]),
        ({"include_failed": True}, [*KEYS, "status", "error_message"]),
        ({"include_failed": True, "fields": ["id"]}, ["id"]),
        ({"include_metadata": False}, KEYS[:-1]),
        ({"include_metadata": False, "fields": ["metadata", "id"]}, ["id"]),
        ({"include_metadata": False, "include_failed": True}, [*KEYS[:-1], "status", "error_message"]),
        ({"include_metadata": True, "fields": ["metadata", "id"]}, ["metadata", "id"]),
    ],
)
def test_the_columns_of_a_file(exporting: Account, body: dict[str, Any], columns: list[str]) -> None:
    header = exporting.download(format="csv", limit=1, **body).split(b"\r\n")[0]
    assert header.decode().split(",") == columns


def test_failed_results_come_with_their_reason(exporting: Account) -> None:
    body = {"include_failed": True, "fields": ["id", "description", "status", "error_message"]}
    assert exporting.download(format="csv", **body).decode().endswith(
        "\r\n"
        "bare,,completed,\r\n"
        'whole,"",completed,\r\n'
        'failed,,failed,"The model, timed out"\r\n'
    )  # fmt: skip


@pytest.mark.parametrize(("limit", "expected"), [(1, ["full"]), (2, ["full", "bare"]), (3, ["full", "bare", "whole"])])
def test_a_limit_takes_the_newest(exporting: Account, limit: int, expected: list[str], stranger: httpx.Client) -> None:
    state = exporting.export(limit=limit, fields=["id"])
    assert (state["status"], state["record_count"]) == ("completed", limit)
    lines = stranger.get(state["download_url"]).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == expected


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"start_date": "2025-01-14"}, {"start_date": "2025-01-14"}),
        ({"end_date": "2025-01-14T02:00:00+02:00"}, {"end_date": "2025-01-14T02:00:00 02:00"}),
        ({"min_confidence": 0.75}, {"min_confidence": 0.75}),
        ({"max_confidence": 1}, {"max_confidence": 1}),
        ({"search": "DOG,nowhere"}, {"search_terms": [" DOG ", "nowhere", ""]}),
        ({"source_types": "batch,api"}, {"source_types": ["batch", "api"]}),
        ({}, {"start_date": None, "min_confidence": None, "search_terms": [], "source_types": []}),
    ],
)
def test_an_export_holds_what_the_list_shows(exporting: Account, query: dict[str, Any], body: dict[str, Any]) -> None:
    lines = exporting.download(fields=["id"], **body).splitlines()
    shown = ids(listed(exporting, **query))
    assert [json.loads(line)["id"] for line in lines] == shown
    assert shown != []


def test_a_search_term_of_an_export_may_hold_a_comma(exporting: Account) -> None:
    assert exporting.download(fields=["id"], search_terms=['"dog",']) == b'{"id":"full"}\n'
