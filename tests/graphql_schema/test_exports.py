"""Exports: created, cancelled, tried again and deleted."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.models import ExportStatus
from tests.conftest import Account
from tests.graphql_schema.conftest import EXPORT, put_export

CREATE = "mutation($input: CreateExportInput!, $key: String) { createExport(input: $input, idempotencyKey: $key) %s }"


def create(account: Account, key: str | None = None, **input: Any) -> Any:
    return account.graphql(CREATE % EXPORT, input=input, key=key)["createExport"]


def export(account: Account, id: str) -> Any:
    return account.graphql(f"query($id: ID!) {{ export(id: $id) {EXPORT} }}", id=id)["export"]


ITEM_COLUMNS = (
    "id", "type", "source_type", "source_id", "created_at", "image_url", "description", "confidence_score",
    "verification", "image_id", "metadata",
)  # fmt: skip
ALL_COLUMNS = (*ITEM_COLUMNS, "status", "error_message")


def test_a_new_export(account: Account) -> None:
    state = create(account, format="JSONL", filter={"search": ["dog"]})
    created = datetime.fromisoformat(state.pop("createdAt"))
    estimated = datetime.fromisoformat(state.pop("estimatedCompletionTime"))
    assert timedelta(0) < estimated - created < timedelta(minutes=5)
    assert state == {
        "id": state["id"],
        "status": "PENDING",
        "format": "JSONL",
        "fields": [*ITEM_COLUMNS],
        "progress": {"rowsWritten": 0, "rowsTotal": None},
        "recordCount": None,
        "downloadUrl": None,
        "completedAt": None,
        "expiredAt": None,
        "errorMessage": None,
        "receipt": None,
    }


NOTHING = {"types": ["none"]}
JSON_OF_BOTH = '[{"id":"b","confidence_score":null},\n{"id":"a","confidence_score":0.5}]'
METADATA_OF_BOTH = '{"metadata":{}}\n{"metadata":{"k":1}}\n'
EXPORTED: list[dict[str, Any]] = [
    {"id": "a", "description": "Dog", "confidenceScore": 0.5, "metadata": {"k": 1}},
    {"id": "b", "description": "Cat, sat"},
    {"id": "f", "status": "FAILED", "errorMessage": "timeout"},
]


@pytest.mark.parametrize(
    ("format", "input", "expected"),
    [
        ("CSV", {"fields": ["description", "id", "id"]}, 'description,id\r\n"Cat, sat",b\r\nDog,a\r\n'),
        ("JSON", {"fields": ["id", "confidence_score"]}, JSON_OF_BOTH),
        ("JSON", {"filter": NOTHING}, "[]"),
        ("JSONL", {"fields": ["id"], "filter": {"search": ["dog"]}}, '{"id":"a"}\n'),
        ("JSONL", {"filter": NOTHING}, ""),
        ("JSONL", {"fields": ["id"], "limit": 1}, '{"id":"b"}\n'),
        ("JSONL", {"fields": ["status"], "filter": {"includeFailed": True}, "limit": 1}, '{"status":"failed"}\n'),
        ("CSV", {"fields": ["metadata", "id"], "includeMetadata": False, "limit": 100000}, "id\r\nb\r\na\r\n"),
        ("JSONL", {"fields": ["metadata"], "includeMetadata": None, "limit": None}, METADATA_OF_BOTH),
        ("CSV", {"fields": [], "filter": NOTHING, "includeMetadata": False}, ",".join(ITEM_COLUMNS[:-1]) + "\r\n"),
        ("CSV", {"fields": None, "filter": NOTHING | {"includeFailed": True}}, ",".join(ALL_COLUMNS) + "\r\n"),
    ],
)
def test_what_an_export_holds_and_its_receipt(
    account: Account, format: str, input: dict[str, Any], expected: str
) -> None:
    account.record(*EXPORTED)
    started = create(account, format=format, **input)
    account.wait(started["id"])
    ended = export(account, started["id"])
    file = httpx.get(ended["downloadUrl"], verify=False).content
    assert file == expected.encode()
    rows = len(json.loads(expected)) if format == "JSON" else expected.count("\n") - (format == "CSV")
    receipt = ended["receipt"]
    assert receipt == {
        "rows": rows,
        "bytes": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
        "snapshotAt": receipt["snapshotAt"],
    }
    times = [started["createdAt"], receipt["snapshotAt"], ended["completedAt"]]
    assert sorted(times, key=datetime.fromisoformat) == times
    changed = {
        "status": "COMPLETED",
        "progress": {"rowsWritten": rows, "rowsTotal": rows},
        "recordCount": rows,
        "downloadUrl": ended["downloadUrl"],
        "completedAt": ended["completedAt"],
        "estimatedCompletionTime": None,
        "receipt": receipt,
    }
    assert ended == started | changed


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 100_001}, "limit"),
        ({"fields": ["id", "createdAt"]}, "fields"),
        ({"fields": [""]}, "fields"),
        ({"fields": ["metadata"], "includeMetadata": False}, "fields"),
        ({"filter": {"minConfidence": 2}}, "minConfidence"),
        ({"filter": {"startDate": "2025-02-01", "endDate": "2025-01-01"}}, "startDate"),
        ({"key": "x" * 256}, "idempotencyKey"),
        ({"key": "a\0b"}, "idempotencyKey"),
    ],
)
def test_an_export_that_cannot_be_meant(filtered: Account, input: dict[str, Any], field: str) -> None:
    given = {"format": "CSV", "key": None} | input
    key = given.pop("key")
    error = filtered.refused(CREATE % "{ id }", input=given, key=key)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
    assert filtered.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}


@pytest.mark.parametrize(
    "input",
    [
        {},
        {"format": "XML"},
        {"format": "csv"},
        {"format": None},
        {"limit": "1e2"},
        {"limit": 1.5},
        {"limit": 10**18},
        {"fields": [1]},
        {"other": 1},
    ],
)
def test_an_export_of_a_wrong_type(filtered: Account, input: dict[str, Any]) -> None:
    error = filtered.refused(CREATE % "{ id }", input=({"format": "CSV"} | input) if input else {})
    assert error["message"].startswith("Variable '$input' has invalid value")
    assert filtered.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}


def test_the_same_idempotency_key_and_input_give_the_same_export(account: Account) -> None:
    input: dict[str, Any] = {"format": "CSV", "filter": {"search": ["a"], "types": None}}
    first = create(account, "key", **input)
    assert create(account, "key", **input)["id"] == first["id"]
    assert create(account, "key", format="CSV", filter={"search": [" a "]}, fields=[])["id"] == first["id"]
    for other in ({"format": "JSON"}, {"limit": 1}, {"fields": ["id"]}, {"filter": {"search": ["b"]}}):
        error = account.refused(CREATE % "{ id }", input=input | other, key="key")
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "idempotencyKey"}
    assert account.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 1}}
    assert create(account, "another", **input)["id"] != first["id"]
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=first["id"])
    assert create(account, "key", **input)["id"] != first["id"]


@pytest.mark.parametrize("key", [None, ""])
def test_no_idempotency_key_is_a_new_export_each_time(account: Account, key: str | None) -> None:
    assert create(account, key, format="CSV")["id"] != create(account, key, format="CSV")["id"]


ENDED = {ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED}


@pytest.mark.parametrize("status", ExportStatus)
def test_cancelling(account: Account, status: ExportStatus) -> None:
    id = put_export(account, status)
    before = export(account, id)
    cancel = f"mutation($id: ID!) {{ cancelExport(id: $id) {EXPORT} }}"
    if status in (ExportStatus.COMPLETED, ExportStatus.FAILED):
        error = account.refused(cancel, id=id)
        assert error["extensions"] == {"code": "CONFLICT"}
        assert f"The export is {status} already" in error["message"]
        assert export(account, id) == before
        return
    told = account.graphql(cancel, id=id)["cancelExport"]
    assert (told["status"], told["estimatedCompletionTime"]) == ("CANCELLED", None)
    assert export(account, id) == told
    if status is ExportStatus.CANCELLED:
        assert told == before
    else:
        assert (before["completedAt"], before["errorMessage"]) == (None, None)
        assert (told["completedAt"] is None, told["errorMessage"]) == (False, "The export was cancelled")
    assert account.graphql(cancel, id=id)["cancelExport"] == told


@pytest.mark.parametrize("status", ExportStatus)
def test_retrying(account: Account, status: ExportStatus) -> None:
    account.record({"id": "a"})
    id = put_export(account, status)
    before = export(account, id)
    selected = "id status completedAt errorMessage progress { rowsWritten rowsTotal }"
    retry = f"mutation($id: ID!) {{ retryExport(id: $id) {{ {selected} }} }}"
    if status not in (ExportStatus.FAILED, ExportStatus.CANCELLED):
        error = account.refused(retry, id=id)
        assert error["extensions"] == {"code": "CONFLICT"}
        assert f"The export is {status}; only one that has failed or was cancelled" in error["message"]
        unchanged = export(account, id)
        assert unchanged | {"estimatedCompletionTime": None} == before | {"estimatedCompletionTime": None}
        return
    assert account.graphql(retry, id=id)["retryExport"] == {
        "id": id,
        "status": "PENDING",
        "completedAt": None,
        "errorMessage": None,
        "progress": {"rowsWritten": 0, "rowsTotal": None},
    }
    account.wait(id)
    ended = export(account, id)
    assert (ended["status"], ended["recordCount"], ended["errorMessage"]) == ("COMPLETED", 1, None)
    assert httpx.get(ended["downloadUrl"], verify=False).text.splitlines()[1].startswith("a,")


@pytest.mark.parametrize("status", ExportStatus)
def test_deleting(account: Account, status: ExportStatus) -> None:
    id, kept = put_export(account, status), put_export(account, ExportStatus.COMPLETED)
    delete = "mutation($id: ID!) { deleteExport(id: $id) }"
    assert account.graphql(delete, id=id) == {"deleteExport": id}
    assert export(account, id) is None
    assert account.graphql("{ exports { nodes { id } totalCount } }")["exports"] == {
        "nodes": [{"id": kept}],
        "totalCount": 1,
    }
    for operation in ("deleteExport(id: $id)", "cancelExport(id: $id) { id }", "retryExport(id: $id) { id }"):
        error = account.refused(f"mutation($id: ID!) {{ {operation} }}", id=id)
        assert (error["message"], error["extensions"]) == ("Export not found", {"code": "NOT_FOUND"})
    assert account.client.get(f"/api/v2/data/export/{id}").status_code == 404


@pytest.mark.parametrize(
    "operation", ["export(id: $id)", "cancelExport(id: $id)", "retryExport(id: $id)", "deleteExport(id: $id)"]
)
@pytest.mark.parametrize("id", ["nope", "", "\0", "00000000-0000-0000-0000-00000000000"])
def test_an_id_that_no_export_can_have(filtered: Account, operation: str, id: str) -> None:
    kind = "query" if operation.startswith("export") else "mutation"
    selected = "" if operation.startswith("delete") else "{ id }"
    error = filtered.refused(f"{kind}($id: ID!) {{ {operation} {selected} }}", id=id)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "id"}


def test_an_export_that_is_not_there(filtered: Account) -> None:
    assert export(filtered, "00000000-0000-0000-0000-000000000000") is None
