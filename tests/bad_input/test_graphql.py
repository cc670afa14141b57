"""Bad filters, documents, exports, batches and requests of GraphQL."""

import json
from typing import Any

import httpx
import pytest

from tests.bad_input.conftest import DEEP, HUGE, JSON, LIST, MEGABYTES, NUL, SURROGATE, UNKNOWN, assert_helps
from tests.conftest import Account

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
        of_variable = error["message"].startswith("Variable '$")
        assert set(error) == {"message", "locations"} | ({"extensions"} if of_variable else set())
        assert error.get("extensions", {"code": "VALIDATION_ERROR"})["code"] == "VALIDATION_ERROR"
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


@pytest.mark.parametrize(
    "query",
    [
        "{ descriptions(first: %s) { totalCount } }",
        "{ descriptions(first: -%s) { totalCount } }",
        "{ descriptions(filter: {minConfidence: %s}) { totalCount } }",
        "query($n: Int = %s) { descriptions(first: $n) { totalCount } }",
        'mutation { recordDescriptions(input: [{sourceType: "batch", metadata: {n: %s}}]) { recorded } }',
    ],
)
def test_an_integer_of_too_many_digits(victim: Account, query: str) -> None:
    error = ask(victim, query % ("9" * 5000)).json()["errors"][0]
    assert error["message"] == "An integer has at most 4300 digits."


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
        ('"confidenceScore": 1.01', "confidenceScore: Input should be less than or equal to 1"),
        ('"confidenceScore": -1e-300', "confidenceScore: Input should be greater than or equal to 0"),
        ('"confidenceScore": 1e400', None),
        (f'"confidenceScore": {HUGE}', None),
        ('"confidenceScore": true', None),
        ('"confidenceScore": "0.5"', None),
        (f'"id": "a{NUL}"', "id: must not hold a NUL character"),
        ('"id": ""', "id: String should have at least 1 character"),
        (f'"id": "{"x" * 256}"', "id: String should have at most 255 characters"),
        ('"id": true', None),
        (f'"description": "{NUL}"', "description: must not hold a NUL character"),
        (f'"description": "{MEGABYTES}"', "description: String should have at most 1000000 characters"),
        ('"description": 1', None),
        ('"sourceType": ""', "sourceType: String should have at least 1 character"),
        (f'"sourceType": "{NUL}"', "sourceType: must not hold a NUL character"),
        (f'"sourceId": "{NUL}"', "sourceId: must not hold a NUL character"),
        (f'"imageId": "{"x" * 256}"', "imageId: String should have at most 255 characters"),
        (f'"imageUrl": "{"x" * 8193}"', "imageUrl: String should have at most 8192 characters"),
        (f'"errorMessage": "{NUL}"', "errorMessage: must not hold a NUL character"),
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
    name = change.split('"')[1]
    others = ", ".join(part for part in GOOD.split(", ") if not part.startswith(f'"{name}"'))
    response = ask(victim, RECORD, f'{{"i": [{good}, {{{others}, {change}}}]}}')
    message = assert_error(response, reason and f"input.1.{name}")
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
    assert assert_error(response, "input.2.id") == "Result 2 (id 'bad'): id: comes twice in one batch"


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
