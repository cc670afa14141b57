"""What bad input gets: the documented shape and a sentence that helps. Nothing is written, no traceback is logged."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.engine.db import Database
from tests.conftest import Account, new_account
from tools.stack import Stack

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
JSON = {"Content-Type": "application/json"}
MEGABYTES = "x" * 10_000_000
SURROGATE = r"\ud800"
NUL = r"\u0000"
HUGE = "1" + "0" * 400
DEEP = "[" * 100_000
SENTENCE = re.compile(r"[A-Z][^\n]* [^\n]*")
INNER_WORKS = re.compile(r"Traceback|File \"|sqlalchemy|psycopg|sqlite|pydantic|object at 0x|<class", re.IGNORECASE)


@pytest.fixture(scope="module")
def victim(stack: Stack, database: Database) -> Iterator[Account]:
    """An account in which nothing may ever be written."""
    account = new_account(stack, database)
    yield account
    account.close()


@pytest.fixture(scope="module")
def read_so_far(stack: Stack) -> dict[Path, int]:
    return {log: log.stat().st_size for log in stack.folder.glob("*.log")}


@pytest.fixture(autouse=True)
def nothing_happens(victim: Account, stack: Stack, read_so_far: dict[Path, int]) -> Iterator[None]:
    yield
    written = victim.graphql("{ descriptions(filter: {includeFailed: true}) { totalCount } exports { totalCount } }")
    assert written == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}
    for log in stack.folder.glob("*.log"):
        with log.open("rb") as file:
            file.seek(read_so_far.get(log, 0))
            news = file.read()
        read_so_far[log] = read_so_far.get(log, 0) + len(news)
        assert b"Traceback" not in news, news.decode()


def assert_helps(message: str) -> None:
    assert SENTENCE.fullmatch(message), message
    assert not INNER_WORKS.search(message), message
    assert len(message) < 600, message


def assert_refused(response: httpx.Response, place: list[str | int] | str | None, kind: str) -> None:
    """422 in one of the two documented shapes: a place and its kind of error, or a field and a code."""
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/json"
    detail = response.json()["detail"]
    assert list(response.json()) == ["detail"]
    if isinstance(place, list):
        assert [(found["loc"], found["type"]) for found in detail] == [(place, kind)]
        assert list(detail[0]) == ["loc", "msg", "type"]
        assert_helps(detail[0]["msg"])
    else:
        assert (detail["field"], detail["code"]) == (place, kind)
        assert list(detail) == ["code", "message", "field"]
        assert_helps(detail["message"])


# The list


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("limit=1e2", "int_parsing"),
        ("limit=0x10", "int_parsing"),
        ("limit=true", "int_parsing"),
        ("limit=None", "int_parsing"),
        ("limit=%D9%A1", "int_parsing"),
        ("limit=%00", "int_parsing"),
        ("limit=1000000000000000000", "less_than_equal"),
        ("limit=NaN", "int_parsing"),
        ("offset=1e3", "int_parsing"),
        ("offset=-1000000000000000000", "greater_than_equal"),
        ("offset=Infinity", "int_parsing"),
        ("offset=" + "9" * 5000, "int_parsing_size"),
        ("min_confidence=nan", "finite_number"),
        ("min_confidence=NaN", "finite_number"),
        ("min_confidence=inf", "finite_number"),
        ("min_confidence=-Infinity", "finite_number"),
        ("min_confidence=1e400", "finite_number"),
        ("max_confidence=nan", "finite_number"),
        ("max_confidence=" + HUGE, "finite_number"),
        ("max_confidence=true", "float_parsing"),
        ("max_confidence=0,8", "float_parsing"),
        ("max_confidence=", "float_parsing"),
        ("start_date=0000-01-01", "datetime_parsing"),
        ("start_date=10000-01-01", "datetime_parsing"),
        ("start_date=-2025-01-01", "datetime_parsing"),
        ("start_date=9999-12-31T23:59:59-23:59", "datetime_parsing"),
        ("end_date=0001-01-01T00:00:00%2B23:59", "datetime_parsing"),
        ("end_date=2025-13-01", "datetime_parsing"),
        ("end_date=1735689600", "datetime_parsing"),
        ("end_date=NaN", "datetime_parsing"),
        ("end_date=2025-01-01%00", "datetime_parsing"),
        ("search=%00", "search_terms"),
        ("search=fine,a%00b", "search_terms"),
        ("search=" + "x" * 1001, "search_terms"),
        ("search=" + "x" * 60_000, "search_terms"),
        ("search=" + ",".join(map(str, range(51))), "search_terms"),
        ("source_types=%00", "source_types"),
        ("source_types=" + ",".join(map(str, range(1001))), "source_types"),
    ],
    ids=lambda value: value[:30],
)
def test_a_bad_parameter_of_the_list(victim: Account, query: str, kind: str) -> None:
    assert_refused(victim.client.get(f"{LIST}?{query}"), ["query", query.partition("=")[0]], kind)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start_date=2025-02-01&end_date=2025-01-31", "start_date"),
        ("start_date=2025-01-01T00:00:00.000001Z&end_date=2025-01-01", "start_date"),
        ("min_confidence=0.9&max_confidence=0.1", "min_confidence"),
        ("search=%ED%A0%80", None),
        ("search=%ff", None),
        ("source_types=caf%e9", None),
        ("start_date=2025-01-01%80", None),
    ],
)
def test_bad_parameters_of_the_list_together(victim: Account, query: str, field: str | None) -> None:
    assert_refused(victim.client.get(f"{LIST}?{query}"), field, "VALIDATION_ERROR")


def test_several_bad_parameters_are_all_named(victim: Account) -> None:
    detail = victim.client.get(f"{LIST}?limit=x&offset=y&min_confidence=nan&start_date=z").json()["detail"]
    places = [found["loc"][1] for found in detail]
    assert places == ["start_date", "min_confidence", "offset", "limit"]


# The body of an export


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
    for path in (EXPORT, "/graphql"):
        response = victim.client.post(path, content=whole, headers=JSON)
        assert (response.status_code, response.json()) == (413, expected)
    response = victim.client.post(EXPORT, content=pieces, headers=JSON)
    assert (response.status_code, response.json()) == (413, expected)


@pytest.mark.parametrize("id", ["nope", "%00", "%ED%A0%80", "x" * 10_000, "%F0%9F%90%95", " ", UNKNOWN + "%00"])
def test_a_bad_export_id(victim: Account, id: str) -> None:
    assert_refused(victim.client.get(f"{EXPORT}/{id}"), ["path", "export_id"], "uuid_parsing")


# Bytes that are hardly HTTP


def send_raw(stack: Stack, data: bytes, *, wait: bool = True) -> bytes:
    """The answer to these bytes; with `wait` false none: the connection is dropped at once."""
    address = urlsplit(stack.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=10) as connection:
        with contextlib.suppress(OSError):  # refused before the end
            connection.sendall(data)
        answer = b""
        while wait and (read := connection.recv(65536)):
            answer += read
    return answer


def headers(account: Account, *more: str) -> bytes:
    authorization = account.client.headers["Authorization"]
    return "\r\n".join(["Host: test", f"Authorization: {authorization}", *more, "", ""]).encode()


def test_a_url_of_ten_megabytes_is_refused(victim: Account) -> None:
    request = f"GET {LIST}?search={MEGABYTES} HTTP/1.1\r\n".encode() + headers(victim, "Connection: close")
    assert send_raw(victim.stack, request).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", [EXPORT, "/graphql"])
def test_a_body_that_ends_too_early_is_dropped_quietly(victim: Account, path: str) -> None:
    half = f"POST {path} HTTP/1.1\r\n".encode() + headers(
        victim, "Content-Type: application/json", "Content-Length: 99"
    )
    send_raw(victim.stack, half + b'{"data_type":', wait=False)
    time.sleep(0.1)
    assert victim.client.get("/health/live").status_code == 200


# GraphQL


COUNT = "query($f: DescriptionFilter) { descriptions(filter: $f) { totalCount } }"
CREATE = "mutation($i: CreateExportInput!) { createExport(input: $i) { id } }"
RECORD = "mutation($i: [DescriptionInput!]!) { recordDescriptions(input: $i) { recorded } }"


def ask(account: Account, query: str, variables: str = "{}") -> httpx.Response:
    content = '{"query": ' + json.dumps(query) + ', "variables": ' + variables + "}"
    return account.client.post("/graphql", content=content, headers=JSON)


def assert_error(response: httpx.Response, field: str | None) -> str:
    """One that a client understands: of a field with a code, or of a request that was never executed."""
    answer = response.json()
    assert response.status_code == 200, response.text
    assert not (answer.get("data") or {}).get("recordDescriptions")
    error = answer["errors"][0]
    assert_helps(error["message"])
    if field is None:
        assert set(answer) == {"errors"}
        assert set(error) == {"message", "locations"}
    else:
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
    message: str = error["message"]
    return message


def assert_no_request(response: httpx.Response, message: str) -> None:
    assert (response.status_code, response.json()) == (400, {"errors": [{"message": message}]})


@pytest.mark.parametrize(
    ("filter", "field"),
    [
        ('{"minConfidence": 1e400}', None),
        (f'{{"minConfidence": {HUGE}}}', None),
        ('{"minConfidence": true}', None),
        ('{"minConfidence": "0.5"}', None),
        ('{"minConfidence": "NaN"}', None),
        ('{"minConfidence": [0.5]}', None),
        ('{"minConfidence": 1.5}', "minConfidence"),
        ('{"maxConfidence": -0.1}', "maxConfidence"),
        ('{"minConfidence": 0.9, "maxConfidence": 0.1}', "minConfidence"),
        ('{"startDate": "0000-01-01"}', None),
        ('{"startDate": "10000-01-01"}', None),
        ('{"startDate": "yesterday"}', None),
        ('{"startDate": 20250101}', None),
        ('{"startDate": true}', None),
        ('{"endDate": "9999-12-31T23:59:59-01:00"}', None),
        (f'{{"endDate": "2025-01-01{NUL}"}}', None),
        ('{"startDate": "2025-02-01", "endDate": "2025-01-31"}', "startDate"),
        (f'{{"search": ["{NUL}"]}}', "search"),
        ('{"search": [null]}', None),
        ('{"search": [1]}', None),
        ('{"search": {"term": "x"}}', None),
        (f'{{"search": ["{MEGABYTES}"]}}', "search"),
        (f'{{"search": {json.dumps([str(n) for n in range(51)])}}}', "search"),
        (f'{{"search": {json.dumps([str(n) for n in range(100_000)])}}}', "search"),
        ('{"searchMode": "SOME"}', None),
        (f'{{"sourceTypes": ["{NUL}"]}}', "sourceTypes"),
        (f'{{"types": {json.dumps([str(n) for n in range(1001)])}}}', "types"),
        (f'{{"imageIds": ["{NUL}"]}}', "imageIds"),
        ('{"includeFailed": 1}', None),
        ('{"start_date": "2025-01-01"}', None),
        ("3", None),
        ("[{}, {}]", None),
    ],
    ids=lambda value: value[:40] if value else "",
)
def test_a_bad_filter(victim: Account, filter: str, field: str | None) -> None:
    assert_error(ask(victim, COUNT, f'{{"f": {filter}}}'), field)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("filter: {minConfidence: 1e400}", "minConfidence"),
        (f"filter: {{minConfidence: {HUGE}}}", "minConfidence"),
        ("filter: {minConfidence: NaN}", None),
        ("filter: {minConfidence: true}", None),
        (f'filter: {{search: ["{NUL}"]}}', "search"),
        (f'filter: {{search: ["{SURROGATE}"]}}', None),
        (r'filter: {search: ["\u{D800}"]}', None),
        (r'filter: {search: ["\u{110000}"]}', None),
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ("first: 1e2", None),
        ('first: "1e2"', None),
        ("first: true", None),
        ("first: 1, last: 1", "last"),
        ("offset: -1", "offset"),
        ("offset: 1000000000000000000", None),
        ("offset: 1000000000000000000000000000000", None),
        ("last: 1, offset: 1", "offset"),
        ('after: "x"', "after"),
        ('after: ""', "after"),
        (f'after: "{NUL}"', "after"),
        ('before: "é"', "before"),
        ('before: "AAAA"', "before"),
    ],
    ids=lambda value: value[:40] if value else "",
)
def test_bad_arguments_of_the_list(victim: Account, arguments: str, field: str | None) -> None:
    assert_error(ask(victim, f"{{ descriptions({arguments}) {{ nodes {{ id }} }} }}"), field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ export(id: "nope") { id } }', "id"),
        (f'{{ export(id: "{NUL}") {{ id }} }}', "id"),
        ("{ export(id: 1) { id } }", "id"),
        ("{ export(id: true) { id } }", None),
        ('{ exports(after: "nope") { nodes { id } } }', "after"),
        (f'{{ exports(after: "{UNKNOWN}") {{ nodes {{ id }} }} }}', "after"),
        ("{ exports(status: NOPE) { nodes { id } } }", None),
        ("{ exports(first: -1) { nodes { id } } }", "first"),
        ("{ nowhere }", None),
        ("{ descriptions { nodes { nope } } }", None),
        ("{ descriptions", None),
        ("nonsense", None),
        ("{ descriptions { nodes " + "{ id " * 5000 + "}" * 5000 + " } }", None),
        ("{ descriptions(filter: {search: " + "[" * 5000 + "]" * 5000 + "}) { totalCount } }", None),
        ("query($x: " + "[" * 5000 + "Int" + "]" * 5000 + ") { descriptions { totalCount } }", None),
        ('mutation { cancelExport(id: "nope") { id } }', "id"),
        ('mutation { retryExport(id: "") { id } }', "id"),
        (f'mutation {{ deleteExport(id: "{NUL}") }}', "id"),
        (f'mutation {{ createExport(input: {{format: CSV}}, idempotencyKey: "{NUL}") {{ id }} }}', "idempotencyKey"),
        (
            f'mutation {{ createExport(input: {{format: CSV}}, idempotencyKey: "{"x" * 256}") {{ id }} }}',
            "idempotencyKey",
        ),
    ],
    ids=lambda value: value[:40] if value else "",
)
def test_a_bad_document(victim: Account, query: str, field: str | None) -> None:
    assert_error(ask(victim, query), field)


def test_a_search_of_ten_megabytes_in_a_document_is_413(victim: Account) -> None:
    for length, status in ((199_000, 200), (10_000_000, 413)):
        response = ask(victim, '{ descriptions(filter: {search: ["' + "x" * length + '"]}) { totalCount } }')
        assert response.status_code == status
        assert_helps(response.json()["errors"][0]["message"])


def test_an_id_that_no_result_can_have_is_null(victim: Account) -> None:
    for id in (NUL, "x" * 100_000, r"\uD83D\uDC15", ""):
        response = ask(victim, "query($id: ID!) { description(id: $id) { id } }", f'{{"id": "{id}"}}')
        assert response.json() == {"data": {"description": None}}


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ("{}", None),
        ('{"format": "XML"}', None),
        ('{"format": "csv"}', None),
        ('{"format": 1}', None),
        ('{"format": "CSV", "fields": ["id", "nope"]}', "fields"),
        ('{"format": "CSV", "fields": ["createdAt"]}', "fields"),
        ('{"format": "CSV", "fields": ["metadata"], "includeMetadata": false}', "fields"),
        ('{"format": "CSV", "limit": 0}', "limit"),
        ('{"format": "CSV", "limit": 100001}', "limit"),
        ('{"format": "CSV", "limit": "1e2"}', None),
        ('{"format": "CSV", "limit": 1e400}', None),
        ('{"format": "CSV", "limit": true}', None),
        ('{"format": "CSV", "limit": 1000000000000000000}', None),
        ('{"format": "CSV", "filter": {"minConfidence": 2}}', "minConfidence"),
        ('{"format": "CSV", "filter": {"startDate": "2025-02-01", "endDate": "2025-01-31"}}', "startDate"),
        ('{"format": "CSV", "colour": "red"}', None),
    ],
)
def test_a_bad_export(victim: Account, input: str, field: str | None) -> None:
    assert_error(ask(victim, CREATE, f'{{"i": {input}}}'), field)


GOOD = '"id": "bad", "sourceType": "single", "createdAt": "2025-01-15"'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ('"confidenceScore": 1.01', "confidence_score: Input should be less than or equal to 1"),
        ('"confidenceScore": -1e-300', "confidence_score: Input should be greater than or equal to 0"),
        ('"confidenceScore": 1e400', None),
        (f'"confidenceScore": {HUGE}', None),
        ('"confidenceScore": true', None),
        ('"confidenceScore": "0.5"', None),
        (f'"id": "a{NUL}"', "id: must not hold a NUL character"),
        ('"id": ""', "id: String should have at least 1 character"),
        (f'"id": "{"x" * 256}"', "id: String should have at most 255 characters"),
        ('"id": true', None),
        ('"id": null', None),
        (f'"description": "{NUL}"', "description: must not hold a NUL character"),
        (f'"description": "{MEGABYTES}"', "description: String should have at most 1000000 characters"),
        ('"description": 1', None),
        ('"sourceType": ""', "source_type: String should have at least 1 character"),
        (f'"sourceType": "{NUL}"', "source_type: must not hold a NUL character"),
        (f'"sourceId": "{NUL}"', "source_id: must not hold a NUL character"),
        (f'"imageId": "{"x" * 256}"', "image_id: String should have at most 255 characters"),
        (f'"imageUrl": "{"x" * 8193}"', "image_url: String should have at most 8192 characters"),
        (f'"errorMessage": "{NUL}"', "error_message: must not hold a NUL character"),
        ('"type": ""', "type: String should have at least 1 character"),
        ('"metadata": []', "metadata: Input should be a valid dictionary"),
        ('"metadata": "x"', "metadata: Input should be a valid dictionary"),
        ('"metadata": {"a": 1e400}', "metadata: holds a number that JSON has no text for"),
        (f'"metadata": {{"a": ["{NUL}"]}}', "metadata: holds a NUL character"),
        (f'"metadata": {{"{NUL}": 1}}', "metadata: holds a NUL character"),
        (f'"metadata": {{"a": {"[" * 100}{"]" * 100}}}', "metadata: is nested too deeply: 100 levels are allowed"),
        (
            '"metadata": ' + '{"a":' * 101 + "1" + "}" * 101,
            "metadata: is nested too deeply: 100 levels are allowed",
        ),
        (f'"metadata": {{"a": {"[" * 480}{"]" * 480}}}', "metadata: is nested too deeply: 100 levels are allowed"),
        ('"verification": 1e400', "verification: holds a number that JSON has no text for"),
        (f'"verification": "{NUL}"', "verification: holds a NUL character"),
        ('"createdAt": "yesterday"', None),
        ('"createdAt": "0000-01-01"', None),
        ('"createdAt": "10000-01-01"', None),
        ('"createdAt": 1735689600', None),
        ('"status": "NOPE"', None),
        ('"colour": "red"', None),
    ],
    ids=lambda value: value[:40] if value else "",
)
def test_a_batch_with_one_bad_result_is_refused_whole(victim: Account, change: str, reason: str | None) -> None:
    good = '{"id": "good", "sourceType": "single", "createdAt": "2025-01-15"}'
    message = assert_error(ask(victim, RECORD, f'{{"i": [{good}, {{{GOOD}, {change}}}]}}'), reason and "input")
    if reason:
        assert message.startswith("Result 1 (id '")
        assert message.endswith(reason)


def test_nesting_up_to_the_limit_is_kept(account: Account) -> None:
    lists: Any = []
    objects: dict[str, Any] = {}
    for _ in range(98):
        lists = [lists]
    for _ in range(99):
        objects = {"a": objects}
    account.record({"id": "lists", "metadata": {"a": lists}}, {"id": "objects", "metadata": objects})
    answer = account.client.get(LIST).json()
    assert [item["metadata"] for item in answer["items"]] == [objects, {"a": lists}]


def test_an_id_twice_in_one_batch_is_refused_whole(victim: Account) -> None:
    other = GOOD.replace("bad", "other")
    response = ask(victim, RECORD, f'{{"i": [{{{GOOD}}}, {{{other}}}, {{{GOOD}}}]}}')
    assert assert_error(response, "input") == "The id 'bad' comes twice in one batch."


def test_a_batch_over_the_limit_is_refused_whole(victim: Account) -> None:
    results = [{"id": f"{n}", "sourceType": "single", "createdAt": "2025-01-15"} for n in range(10_001)]
    response = ask(victim, RECORD, json.dumps({"i": results}))
    assert assert_error(response, "input") == "At most 10000 results may be recorded at once."


@pytest.mark.parametrize(
    "variables", ['{"i": null}', "{}", '{"i": 3}', '{"i": ["x"]}', '{"i": {"id": "x"}}', '{"i": [[]]}']
)
def test_a_batch_of_another_shape(victim: Account, variables: str) -> None:
    assert_error(ask(victim, RECORD, variables), None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The request is no JSON: Expecting value."),
        (b"{", "The request is no JSON: Expecting property name enclosed in double quotes."),
        (b"\xff", "The request is no JSON: is not UTF-8."),
        (DEEP.encode(), "The request is no JSON: is nested too deeply."),
        (b"[]", "The request must be a JSON object."),
        (b"3", "The request must be a JSON object."),
        (b"null", "The request must be a JSON object."),
        (b'[{"query": "{ __typename }"}]', "The request must be a JSON object."),
        (b"{}", "The request has no query."),
        (b'{"query": null}', "The request has no query."),
        (b'{"query": "\\ud800"}', "The request is no JSON: holds a lone surrogate, which is no character."),
        (
            b'{"query": "{ __typename }", "variables": {"a": NaN}}',
            "The request is no JSON: holds NaN, which JSON does not know.",
        ),
        (
            b'{"query": "{ __typename }", "variables": {"a": "\\udfff"}}',
            "The request is no JSON: holds a lone surrogate, which is no character.",
        ),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_is_no_graphql_request(victim: Account, content: bytes, message: str) -> None:
    assert_no_request(victim.client.post("/graphql", content=content, headers=JSON), message)


@pytest.mark.parametrize(
    "part", [b'"query": 1', b'"variables": []', b'"variables": "x"', b'"operationName": 3', b'"extensions": 3']
)
def test_a_graphql_request_with_a_part_of_the_wrong_type(victim: Account, part: bytes) -> None:
    query = b"" if b"query" in part else b'"query": "{ __typename }", '
    response = victim.client.post("/graphql", content=b"{" + query + part + b"}", headers=JSON)
    assert (response.status_code, list(response.json())) == (400, ["errors"])
    assert_helps(response.json()["errors"][0]["message"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_graphql_request_of_another_content_type(victim: Account, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = victim.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert response.status_code == 415
    assert_helps(response.json()["errors"][0]["message"])
