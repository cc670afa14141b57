"""Asking for an export: the body and the idempotency key."""

import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import EXPORT, MINIMAL


def test_unknown_keys_of_a_body_are_ignored(exporting: Account) -> None:
    assert exporting.download(fields=["id"], limit=1, search="nowhere", colour="red") == b'{"id":"full"}\n'


@pytest.mark.parametrize(
    ("change", "place", "kind"),
    [
        ({"data_type": "images"}, ["body", "data_type"], "literal_error"),
        ({"data_type": "Descriptions"}, ["body", "data_type"], "literal_error"),
        ({"data_type": None}, ["body", "data_type"], "literal_error"),
        ({"format": "xml"}, ["body", "format"], "literal_error"),
        ({"format": "CSV"}, ["body", "format"], "literal_error"),
        ({"format": "parquet"}, ["body", "format"], "literal_error"),
        ({"limit": 0}, ["body", "limit"], "greater_than_equal"),
        ({"limit": 100_001}, ["body", "limit"], "less_than_equal"),
        ({"fields": ["id", "colour"]}, ["body", "fields", 1], "field_name"),
        ({"fields": ["createdAt"]}, ["body", "fields", 0], "field_name"),
        ({"min_confidence": 1.5}, ["body", "min_confidence"], "less_than_equal"),
        ({"start_date": "soon"}, ["body", "start_date"], "datetime_parsing"),
        ({"search_terms": "safety"}, ["body", "search_terms"], "list_type"),
        ({"source_types": "single"}, ["body", "source_types"], "list_type"),
        ({"include_failed": "yes"}, ["body", "include_failed"], "bool_type"),
    ],
)
def test_a_wrong_value_in_a_body_is_422_with_its_place(
    exporting: Account, change: dict[str, Any], place: list[str | int], kind: str
) -> None:
    response = exporting.client.post(EXPORT, json=MINIMAL | change)
    [found] = response.json()["detail"]
    assert (response.status_code, found["loc"], found["type"]) == (422, place, kind)


def test_a_body_without_what_it_needs_is_422(exporting: Account) -> None:
    response = exporting.client.post(EXPORT, json={})
    missing = [{"loc": ["body", name], "msg": "Field required", "type": "missing"} for name in ("data_type", "format")]
    assert (response.status_code, response.json()) == (422, {"detail": missing})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_date": "2025-02-01", "end_date": "2025-01-31"}, "start_date"),
        ({"min_confidence": 0.9, "max_confidence": 0.8}, "min_confidence"),
        ({"fields": ["metadata"], "include_metadata": False}, "fields"),
    ],
)
def test_values_of_a_body_that_cannot_be_meant_together_are_422(
    exporting: Account, change: dict[str, Any], field: str
) -> None:
    response = exporting.client.post(EXPORT, json=MINIMAL | change)
    detail = response.json()["detail"]
    assert (response.status_code, detail["code"], detail["field"]) == (422, "VALIDATION_ERROR", field)


def test_the_same_idempotency_key_and_body_give_the_same_export(exporting: Account, stranger: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = MINIMAL | {"fields": ["id"], "start_date": "2025-01-14T00:00:00Z"}
    same = {"start_date": "2025-01-14", "fields": ["id", "id"], "limit": None, "format": "csv"} | MINIMAL
    first = exporting.client.post(EXPORT, json=body, headers=key)
    again = exporting.client.post(EXPORT, json=same, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["status"] == "processing"
    assert again.json()["export_id"] == first.json()["export_id"]

    state = exporting.wait(first.json()["export_id"])
    later = exporting.client.post(EXPORT, json=body, headers=key)
    assert later.status_code == 202
    assert {**later.json(), "download_url": None} == {**state, "download_url": None}
    assert stranger.get(later.json()["download_url"]).content == b"id\r\nfull\r\nbare\r\n"


def test_the_same_idempotency_key_with_another_body_is_422(exporting: Account) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = exporting.client.post(EXPORT, json=MINIMAL, headers=key).json()
    count = export_count(exporting)
    response = exporting.client.post(EXPORT, json=MINIMAL | {"format": "json"}, headers=key)
    assert response.status_code == 422
    assert response.json() == {
        "detail": {
            "code": "VALIDATION_ERROR",
            "message": "This idempotency key was used for another export already.",
            "field": "idempotency_key",
        }
    }
    assert export_count(exporting) == count
    assert exporting.wait(first["export_id"])["format"] == "csv"


def test_an_idempotency_key_belongs_to_its_account(exporting: Account, account: Account) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    ours = exporting.client.post(EXPORT, json=MINIMAL, headers=key).json()["export_id"]
    theirs = account.client.post(EXPORT, json=MINIMAL, headers=key)
    assert (theirs.status_code, theirs.json()["export_id"] != ours) == (202, True)


def test_without_an_idempotency_key_each_request_is_an_export(exporting: Account) -> None:
    made = {exporting.client.post(EXPORT, json=MINIMAL).json()["export_id"] for _ in range(2)}
    assert len(made) == 2


def export_count(account: Account) -> int:
    count: int = account.graphql("{ exports { totalCount } }")["exports"]["totalCount"]
    return count
