"""The user's document, block by block, as far as a recorded history can say the same."""

import ast
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.engine.db import Database
from app.exports import requests
from app.history import recording
from app.history.recording import Result
from app.models import Scope
from tests.conftest import Account, new_account
from tests.held import Held
from tools.stack import Stack

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
JSON = {"Content-Type": "application/json"}
COMPATIBILITY = Path(__file__).parents[1] / "docs" / "compatibility.md"

LIST_REQUEST = """
?start_date=2025-01-01T00:00:00Z // Filter by start date (ISO format)
&end_date=2025-01-31T23:59:59Z // Filter by end date (ISO format)
&min_confidence=0.8 // Minimum confidence score (0-1) — useful for extraction/rule results
&max_confidence=1.0 // Maximum confidence score (0-1) — descriptions return null
&search=landscape,mountain // Search terms (comma-separated)
&source_types=single,batch // Source types (comma-separated)
&offset=0 // Results to skip (default: 0)
&limit=100 // Max results to return (1-1000, default: 100)
"""

LIST_RESPONSE = """
{
"items": [
{
"id": "desc_001",
"type": "description",
"source_type": "single",
"source_id": "op_abc123",
"created_at": "2025-01-15T10:30:00Z",
"image_url": "https://example.com/image.jpg",
"description": "A mountain landscape with snow-capped peaks...",
"confidence_score": null,
"verification": null,
"image_id": "img_xyz789",
"metadata": {}
}
],
"total_count": 1250,
"limit": 100,
"offset": 0,
"has_more": true,
"statistics": {
"total_count": 1250,
"average_confidence": 0.89,
"confidence_distribution": { "0.8-0.9": 450, "0.9-1.0": 800 },
"daily_counts": [{ "date": "2025-01-15", "count": 42 }],
"source_distribution": { "single": 500, "batch": 750 }
},
"filters_applied": {
"date_range_applied": true,
"confidence_range_applied": true,
"search_applied": true,
"source_types_filtered": false,
"filter_summary": "Date: 2025-01-01 to 2025-01-31, Min confidence: 0.8"
}
}
"""

EXPORT_REQUEST = """
{
"data_type": "descriptions", // "descriptions"
"format": "csv", // "csv" | "json" | "jsonl"
"start_date": "2025-01-01T00:00:00Z", // Optional: filter by start date
"end_date": "2025-01-31T23:59:59Z", // Optional: filter by end date
"min_confidence": 0.8, // Optional: minimum confidence (0-1) — filters on extraction/rule results
"max_confidence": 1.0, // Optional: maximum confidence (0-1) — descriptions have null confidence
"search_terms": ["safety", "equipment"], // Optional: search terms array
"source_types": ["single", "batch"], // Optional: source type filter
"include_metadata": true, // Include metadata in export (default: true)
"include_failed": false, // Include failed results (default: false)
"fields": ["id", "description", "confidence_score"], // Optional: specific fields
"limit": 10000 // Optional: max records (up to 100000)
}
"""

EXPORT_RESPONSE = """
{
"export_id": "550e8400-e29b-41d4-a716-446655440000",
"status": "processing",
"download_url": null,
"record_count": null,
"format": "csv",
"created_at": "2025-01-15T10:30:00Z",
"estimated_completion_time": "2025-01-15T10:31:00Z",
"error_message": null
}
"""

COMPLETED_RESPONSE = """
{
"export_id": "550e8400-e29b-41d4-a716-446655440000",
"status": "completed",
"download_url": "https://storage.scopix.ai/exports/...",
"record_count": 1250,
"format": "csv",
"created_at": "2025-01-15T10:30:00Z",
"estimated_completion_time": null,
"error_message": null
}
"""

FAILED_RESPONSE = """
{
"export_id": "550e8400-e29b-41d4-a716-446655440000",
"status": "failed",
"download_url": null,
"record_count": null,
"format": "csv",
"created_at": "2025-01-15T10:30:00Z",
"estimated_completion_time": null,
"error_message": "Export exceeded maximum record limit"
}
"""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")


def without_comments(block: str) -> str:
    return re.sub(r" // .*", "", block).strip()


def documented(block: str) -> Any:
    return json.loads(without_comments(block))


def list_query() -> str:
    return without_comments(LIST_REQUEST).replace("\n", "").removeprefix("?")


def same_text(found: Any, expected: Any) -> bool:
    """Equal in values, in their types, and in the order of the keys."""
    return json.dumps(found, indent=1) == json.dumps(expected, indent=1)


def sample_item() -> dict[str, Any]:
    item: dict[str, Any] = documented(LIST_RESPONSE)["items"][0]
    return item


def matching_days() -> list[str]:
    """A day for each of the sample's 1250 results: 42 on 15 January, the others spread over the month."""
    others = [f"2025-01-{day:02}" for day in range(1, 32) if day != 15]
    return ["2025-01-15"] * 42 + [others[number % 30] for number in range(1208)]


def matching_results() -> list[dict[str, Any]]:
    return [
        sample_item()
        | {
            "id": f"match_{number:04}",
            "type": "rule",
            "source_type": "single" if number % 5 < 2 else "batch",
            "created_at": f"{day}T12:{number // 60 % 60:02}:{number % 60:02}Z",
            "description": "Safety EQUIPMENT on a mountain" if number % 10 == 0 else "A wide Landscape",
            "confidence_score": 0.85 if number < 450 else 0.9125,
        }
        for number, day in enumerate(matching_days())
    ]


def other_results() -> list[dict[str, Any]]:
    """Each misses one condition of the document's request."""
    near = matching_results()[0]
    return [
        near | {"id": "too_early", "created_at": "2024-12-31T23:59:59.999999Z"},
        near | {"id": "too_late", "created_at": "2025-01-31T23:59:59.000001Z"},
        near | {"id": "too_unsure", "confidence_score": 0.7999999},
        near | {"id": "other_text", "description": "A dog"},
        near | {"id": "other_source", "source_type": "api"},
        near | {"id": "failed", "status": "failed", "error_message": "The model timed out"},
    ]


@pytest.fixture(scope="module")
def sampled(stack: Stack, database: Database) -> Iterator[Account]:
    """An account whose history holds the sample's numbers, and the sample's item."""
    account = new_account(stack, database)
    results = [*matching_results(), *other_results(), sample_item()]
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(result) for result in results])
    yield account
    account.close()


@pytest.fixture(scope="module")
def crowded(stack: Stack, database: Database) -> Iterator[Account]:
    """An account with one result more than an export may hold."""
    account = new_account(stack, database)
    first = Result(id="000000", source_type="single", created_at=datetime(2025, 1, 15, tzinfo=UTC))
    for start in range(0, requests.MAX_ROWS + 1, recording.MAX_BATCH):
        numbers = range(start, min(start + recording.MAX_BATCH, requests.MAX_ROWS + 1))
        results = [
            first.model_copy(update={"id": f"{number:06}", "created_at": first.created_at + timedelta(seconds=number)})
            for number in numbers
        ]
        with database.write() as session:
            recording.record(session, account.id, results)
    yield account
    account.close()


def test_the_documented_list_request_gets_the_documented_answer(sampled: Account) -> None:
    response = sampled.client.get(f"{LIST}?{list_query()}")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    expected = documented(LIST_RESPONSE)
    days = matching_days()
    expected["statistics"]["daily_counts"] = [
        {"date": day, "count": days.count(day)} for day in sorted(set(days))
    ]  # the sample shows one of them
    expected["statistics"]["source_distribution"] = {"batch": 750, "single": 500}  # sources ascend
    newest_first = sorted(matching_results(), key=lambda result: (result["created_at"], result["id"]), reverse=True)
    expected["items"] = newest_first[:100]
    assert {"date": "2025-01-15", "count": 42} in expected["statistics"]["daily_counts"]
    assert same_text(response.json(), expected)


def test_the_documented_item_is_listed_to_the_letter(sampled: Account) -> None:
    moment = sample_item()["created_at"]
    answer = sampled.client.get(LIST, params={"start_date": moment, "end_date": moment}).json()
    assert same_text(answer["items"], [sample_item()])


@pytest.mark.parametrize(
    ("parameter", "total", "shown"),
    [
        ("", 1256, 100),
        ("start_date=2025-01-01T00:00:00Z", 1255, 100),
        ("end_date=2025-01-31T23:59:59Z", 1255, 100),
        ("min_confidence=0.8", 1254, 100),
        ("max_confidence=1.0", 1255, 100),
        ("max_confidence=0.85", 455, 100),
        ("search=landscape,mountain", 1255, 100),
        ("search=mountain", 130, 100),
        ("source_types=single,batch", 1255, 100),
        ("source_types=single", 505, 100),
        ("offset=0", 1256, 100),
        ("offset=1250", 1256, 6),
        ("limit=100", 1256, 100),
        ("limit=1000", 1256, 1000),
    ],
)
def test_each_documented_parameter_of_the_list(sampled: Account, parameter: str, total: int, shown: int) -> None:
    answer = sampled.client.get(f"{LIST}?{parameter}").json()
    assert (answer["total_count"], answer["statistics"]["total_count"], len(answer["items"])) == (total, total, shown)


def test_the_documented_export_request_is_accepted(sampled: Account) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    response = sampled.client.post(EXPORT, content=without_comments(EXPORT_REQUEST), headers=JSON)
    assert (response.status_code, response.headers["content-type"]) == (202, "application/json")
    answer = response.json()
    varying = {name: answer[name] for name in ("export_id", "created_at", "estimated_completion_time")}
    assert same_text(answer, documented(EXPORT_RESPONSE) | varying)
    assert str(uuid.UUID(answer["export_id"])) == answer["export_id"]
    assert TIME.fullmatch(answer["created_at"])
    assert TIME.fullmatch(answer["estimated_completion_time"])
    created_at, estimated = map(datetime.fromisoformat, (answer["created_at"], answer["estimated_completion_time"]))
    assert before < created_at < estimated < created_at + timedelta(minutes=1)

    state = sampled.wait(answer["export_id"])
    assert (state["status"], state["record_count"]) == ("completed", 125)
    rows = httpx.get(state["download_url"], verify=False).text.split("\r\n")
    assert rows[:2] == ["id,description,confidence_score", "match_1240,Safety EQUIPMENT on a mountain,0.9125"]
    assert len(rows) == 127


def test_a_completed_export_gets_the_documented_answer(sampled: Account) -> None:
    body = documented(EXPORT_REQUEST) | {"search_terms": ["landscape", "mountain"]}
    answer = sampled.client.post(EXPORT, json=body).json()
    sampled.wait(answer["export_id"])
    response = sampled.client.get(f"{EXPORT}/{answer['export_id']}")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    state = response.json()
    varying = {
        "export_id": answer["export_id"],
        "download_url": state["download_url"],
        "created_at": answer["created_at"],
    }
    assert same_text(state, documented(COMPLETED_RESPONSE) | varying)
    file = httpx.get(state["download_url"], verify=False)
    assert (file.status_code, file.text.count("\r\n")) == (200, 1251)


@pytest.mark.parametrize(
    ("parameters", "count", "columns"),
    [
        ({"format": "csv"}, 1256, 11),
        ({"start_date": "2025-01-01T00:00:00Z"}, 1255, 11),
        ({"end_date": "2025-01-31T23:59:59Z"}, 1255, 11),
        ({"min_confidence": 0.8}, 1254, 11),
        ({"max_confidence": 0.85}, 455, 11),
        ({"search_terms": ["safety", "equipment"]}, 129, 11),
        ({"source_types": ["single"]}, 505, 11),
        ({"include_metadata": True}, 1256, 11),
        ({"include_metadata": False}, 1256, 10),
        ({"include_failed": False}, 1256, 11),
        ({"include_failed": True}, 1257, 13),
        ({"fields": ["id", "description", "confidence_score"]}, 1256, 3),
        ({"limit": 10}, 10, 11),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_documented_parameter_of_an_export(
    sampled: Account, parameters: dict[str, Any], count: int, columns: int
) -> None:
    lines = sampled.download(**({"format": "jsonl"} | parameters)).splitlines()
    if parameters.get("format") == "csv":
        assert (len(lines), len(lines[0].split(b","))) == (count + 1, columns)
    else:
        assert (len(lines), len(json.loads(lines[0]))) == (count, columns)


@pytest.mark.parametrize("format", ["csv", "json", "jsonl"])
def test_each_documented_format_of_an_export(sampled: Account, format: str) -> None:
    state = sampled.export(format=format, limit=1)
    assert (state["status"], state["format"], state["record_count"]) == ("completed", format, 1)
    file = httpx.get(state["download_url"], verify=False)
    assert file.headers["content-disposition"] == f'attachment; filename="export_{state["export_id"]}.{format}"'
    starts = {"csv": b"id,type,source_type,", "json": b'[{"id":', "jsonl": b'{"id":'}
    assert file.content.startswith(starts[format])


def test_an_export_over_the_limit_fails_with_the_documented_answer(crowded: Account) -> None:
    response = crowded.client.post(EXPORT, json={"data_type": "descriptions", "format": "csv"})
    assert (response.status_code, response.json()["status"]) == (202, "processing")
    answer = response.json()
    state = crowded.wait(answer["export_id"])
    varying = {name: answer[name] for name in ("export_id", "created_at")}
    assert same_text(state, documented(FAILED_RESPONSE) | varying)
    assert crowded.client.get(f"{EXPORT}/{answer['export_id']}").status_code == 200


def test_an_export_with_the_largest_limit_holds_the_newest(crowded: Account) -> None:
    lines = crowded.download(limit=100_000, fields=["id"]).splitlines()
    assert (len(lines), lines[0], lines[-1]) == (100_000, b'{"id":"100000"}', b'{"id":"000001"}')


@pytest.mark.parametrize(
    ("limit", "rows"), [(None, 100_001), (100_000, 100_000), (100_001, 100_001), (200_000, 100_001)]
)
def test_an_admin_exports_any_number_of_rows_through_graphql(crowded: Account, limit: int | None, rows: int) -> None:
    created = 'createExport(input: {format: JSONL, fields: ["id"], limit: $limit}) { id }'
    mutation = f"mutation($limit: Int) {{ {created} }}"
    with crowded.connect(Scope.ADMIN) as admin:
        answer = admin.post("/graphql", json={"query": mutation, "variables": {"limit": limit}})
        id = answer.json()["data"]["createExport"]["id"]
        refused = admin.post(EXPORT, json={"data_type": "descriptions", "format": "csv", "limit": 100_001})
    state = crowded.wait(id)
    assert (state["status"], state["record_count"]) == ("completed", rows)
    assert httpx.get(state["download_url"], verify=False).content.count(b"\n") == rows
    assert refused.status_code == 422
    if limit and limit > 100_000:
        error = crowded.refused(mutation, limit=limit)
        assert (error["message"], error["extensions"]["field"]) == ("The limit of an export is 1 to 100000.", "limit")


def test_the_four_documented_states(account: Account) -> None:
    account.record({})
    completed = account.export()["export_id"]
    claimed = [Held(account).id for _ in range(2)]  # all that one account may have running
    body = {"data_type": "descriptions", "format": "csv"}
    waiting = account.client.post(EXPORT, json=body).json()["export_id"]

    def states() -> list[str]:
        ids = (waiting, claimed[0], completed, claimed[1])
        return [account.client.get(f"{EXPORT}/{id}").json()["status"] for id in ids]

    assert states() == ["pending", "processing", "completed", "processing"]
    cancel = "mutation($id: ID!) { cancelExport(id: $id) { status } }"
    for id in (waiting, *claimed):
        account.graphql(cancel, id=id)
    assert states() == ["failed", "failed", "completed", "failed"]


def test_a_running_export_has_the_documented_keys(account: Account) -> None:
    id = Held(account).id
    state = account.client.get(f"{EXPORT}/{id}").json()
    varying = {name: state[name] for name in ("export_id", "created_at", "estimated_completion_time")}
    assert same_text(state, documented(EXPORT_RESPONSE) | varying)
    assert state["estimated_completion_time"] > state["created_at"]
    account.graphql("mutation($id: ID!) { cancelExport(id: $id) { status } }", id=id)


def test_the_compatibility_table_names_tests_that_exist() -> None:
    named = set(re.findall(r"`([\w/]*test_\w+\.py)::(\w+)`", COMPATIBILITY.read_text()))
    assert len(named) > 40
    folder = Path(__file__).parent
    existing = {
        (path.relative_to(folder).as_posix(), node.name)
        for path in folder.rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named - existing == set()
