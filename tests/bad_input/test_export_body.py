"""Bad bodies, keys and ids of an export."""

import json

import pytest

from tests.bad_input.conftest import (
    DEEP,
    EXPORT,
    HUGE,
    JSON,
    MEGABYTES,
    NUL,
    SURROGATE,
    UNKNOWN,
    assert_helps,
    assert_refused,
)
from tests.conftest import Account


def body(extra: str) -> str:
    return '{"data_type": "descriptions", "format": "csv", ' + extra + "}"


@pytest.mark.parametrize(
    ("extra", "place", "kind"),
    [
        ('"min_confidence": 1e400', ["min_confidence"], "finite_number"),
        ('"min_confidence": -1e400', ["min_confidence"], "finite_number"),
        (f'"min_confidence": {HUGE}', ["min_confidence"], "float_type"),
        ('"min_confidence": true', ["min_confidence"], "float_type"),
        ('"min_confidence": "0.8"', ["min_confidence"], "float_type"),
        ('"min_confidence": "NaN"', ["min_confidence"], "float_type"),
        ('"max_confidence": [1]', ["max_confidence"], "float_type"),
        ('"limit": "1e2"', ["limit"], "int_type"),
        ('"limit": 1e2', ["limit"], "int_type"),
        ('"limit": 1e400', ["limit"], "int_type"),
        ('"limit": "100"', ["limit"], "int_type"),
        ('"limit": true', ["limit"], "int_type"),
        ('"limit": -1', ["limit"], "greater_than_equal"),
        ('"limit": 1000000000000000000000000000000', ["limit"], "less_than_equal"),
        (f'"search_terms": ["{NUL}"]', ["search_terms"], "search_terms"),
        ('"search_terms": [1]', ["search_terms", 0], "string_type"),
        ('"search_terms": [null]', ["search_terms", 0], "string_type"),
        ('"search_terms": [["a"]]', ["search_terms", 0], "string_type"),
        ('"search_terms": {"a": 1}', ["search_terms"], "list_type"),
        (f'"search_terms": ["{MEGABYTES}"]', ["search_terms"], "search_terms"),
        (f'"search_terms": {json.dumps([str(n) for n in range(100_000)])}', ["search_terms"], "search_terms"),
        (f'"source_types": ["single", "{NUL}"]', ["source_types"], "source_types"),
        (f'"source_types": {json.dumps([str(n) for n in range(1001)])}', ["source_types"], "source_types"),
        ('"fields": ["id", "nope"]', ["fields", 1], "field_name"),
        ('"fields": ["ID"]', ["fields", 0], "field_name"),
        (f'"fields": ["id{NUL}"]', ["fields", 0], "field_name"),
        ('"fields": [null]', ["fields", 0], "string_type"),
        ('"fields": "id"', ["fields"], "list_type"),
        ('"include_failed": 1', ["include_failed"], "bool_type"),
        ('"include_failed": "true"', ["include_failed"], "bool_type"),
        ('"include_metadata": null', ["include_metadata"], "bool_type"),
        ('"start_date": 20250101', ["start_date"], "datetime_type"),
        ('"start_date": true', ["start_date"], "datetime_type"),
        ('"start_date": "0000-01-01"', ["start_date"], "datetime_parsing"),
        ('"end_date": "10000-01-01"', ["end_date"], "datetime_parsing"),
        (f'"end_date": "2025-01-01{NUL}"', ["end_date"], "datetime_parsing"),
        ('"format": "xml"', ["format"], "literal_error"),
        ('"format": ["csv"]', ["format"], "literal_error"),
        ('"format": null', ["format"], "literal_error"),
        ('"data_type": "images"', ["data_type"], "literal_error"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bad_value_in_the_body_of_an_export(victim: Account, extra: str, place: list[str | int], kind: str) -> None:
    response = victim.client.post(EXPORT, content=body(extra), headers=JSON)
    assert_refused(response, ["body", *place], kind)


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ('"start_date": "2025-02-01", "end_date": "2025-01-31"', "start_date"),
        ('"min_confidence": 0.9, "max_confidence": 0.1', "min_confidence"),
        ('"fields": ["metadata"], "include_metadata": false', "fields"),
    ],
)
def test_bad_values_in_the_body_of_an_export_together(victim: Account, extra: str, field: str) -> None:
    assert_refused(victim.client.post(EXPORT, content=body(extra), headers=JSON), field, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "The body is no JSON: Expecting property name enclosed in double quotes"),
        (b'{"data_type": "descriptions"', "The body is no JSON: Expecting ',' delimiter"),
        (b"nonsense", "The body is no JSON: Expecting value"),
        (b"\xff\xfe", "The body is no JSON: it is not UTF-8"),
        (b'{"data_type": "caf\xe9"}', "The body is no JSON: it is not UTF-8"),
        (DEEP.encode(), "The body is no JSON: it is nested too deeply"),
        (b'{"a":' * 100_000, "The body is no JSON: it is nested too deeply"),
        (body('"min_confidence": NaN').encode(), "The body is no JSON: it holds NaN, which JSON does not know"),
        (body('"limit": Infinity').encode(), "The body is no JSON: it holds Infinity, which JSON does not know"),
        (body('"unknown": -Infinity').encode(), "The body is no JSON: it holds -Infinity, which JSON does not know"),
        (
            body(f'"search_terms": ["{SURROGATE}"]').encode(),
            "The body is no JSON: it holds a lone surrogate, which is no character",
        ),
        (
            body(f'"{SURROGATE}": 1').encode(),
            "The body is no JSON: it holds a lone surrogate, which is no character",
        ),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_a_body_that_is_no_json(victim: Account, content: bytes, reason: str) -> None:
    response = victim.client.post(EXPORT, content=content, headers=JSON)
    [found] = response.json()["detail"]
    assert (response.status_code, found["loc"][0], found["type"]) == (422, "body", "json_invalid")
    assert found["msg"] == reason


@pytest.mark.parametrize("content", [b"[]", b"3", b"null", b'"x"', b"true", b'[{"data_type": "descriptions"}]'])
def test_a_body_that_is_no_object(victim: Account, content: bytes) -> None:
    response = victim.client.post(EXPORT, content=content, headers=JSON)
    assert_refused(response, ["body"], "model_attributes_type")


@pytest.mark.parametrize("content", [b"", b" "])
def test_an_empty_body(victim: Account, content: bytes) -> None:
    response = victim.client.post(EXPORT, content=content, headers=JSON)
    assert response.status_code == 422
    assert [found["loc"][0] for found in response.json()["detail"]] == ["body"]
    assert_helps(response.json()["detail"][0]["msg"])


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "x", ""],
)
def test_a_body_of_another_content_type(victim: Account, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = victim.client.post(EXPORT, content=body('"limit": 1').encode(), headers=headers)
    assert_refused(response, ["body"], "model_attributes_type")
    assert response.json()["detail"][0]["msg"] == "The body should be a JSON object, sent as application/json"


@pytest.mark.parametrize(("key", "kind"), [("", "string_too_short"), ("x" * 256, "string_too_long")])
def test_a_bad_idempotency_key(victim: Account, key: str, kind: str) -> None:
    response = victim.client.post(EXPORT, content=body('"limit": 1'), headers=JSON | {"Idempotency-Key": key})
    assert_refused(response, ["header", "idempotency-key"], kind)


def test_a_body_over_the_limit_is_413(victim: Account) -> None:
    whole = b"x" * (17 * 2**20)
    pieces = (b"x" * 2**20 for _ in range(17))
    expected = {"detail": {"code": "PAYLOAD_TOO_LARGE", "message": "The request's body is larger than 16777216 bytes."}}
    response = victim.client.post(EXPORT, content=whole, headers=JSON)
    assert (response.status_code, response.json()) == (413, expected)
    response = victim.client.post(EXPORT, content=pieces, headers=JSON)
    assert (response.status_code, response.json()) == (413, expected)


@pytest.mark.parametrize("id", ["nope", "%00", "%ED%A0%80", "x" * 10_000, "%F0%9F%90%95", " ", UNKNOWN + "%00"])
def test_a_bad_export_id(victim: Account, id: str) -> None:
    assert_refused(victim.client.get(f"{EXPORT}/{id}"), ["path", "export_id"], "uuid_parsing")
