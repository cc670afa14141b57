"""What one request may bring along, and what is looked at before the rest of it is."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.http.bodies import LARGE
from app.models import Scope
from graphql_schema import documents
from graphql_schema.bodies import MAX_VALUES
from graphql_schema.schema import schema
from graphql_schema.turns import Turns
from tests.conftest import Account
from tests.graphql_schema.conftest import COUNT

RESPONSE_JSON = {"Accept": "application/graphql-response+json", "Content-Type": "application/json"}
RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"
SEARCH = "query($filter: DescriptionFilter) { descriptions(filter: $filter) { totalCount } }"
FIELDS = """id type status sourceType sourceId createdAt imageUrl imageId description confidenceScore verification
    metadata errorMessage"""
MINIMAL = {"sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}


def send(account: Account, query: str, variables: str, scope: Scope = Scope.WRITE) -> httpx.Response:
    content = f'{{"query": {json.dumps(query)}, "variables": {variables}}}'
    with account.connect(scope) as client:
        return client.post("/graphql", content=content.encode(), headers=RESPONSE_JSON)


def refused(response: httpx.Response) -> tuple[int, Any]:
    [error] = response.json()["errors"]
    error["extensions"].pop("requestId", None)
    return response.status_code, (error["message"], error["extensions"])


# The scope


@pytest.mark.parametrize(
    "query",
    [
        RECORD,
        "mutation($input: [DescriptionInput!]!) { ...F } "
        "fragment F on Mutation { ... { recordDescriptions(input: $input) { recorded } } }",
        "mutation($input: [DescriptionInput!]!) "
        '{ deleteExport(id: "nope") other: recordDescriptions(input: $input) { recorded } }',
    ],
)
def test_the_scope_is_looked_at_before_the_variables(account: Account, query: str) -> None:
    response = send(account, query, '{"input": [{"id": 1.5}]}', Scope.READ)
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert response.json()["data"] is None
    assert error["message"] == "This needs an API key with the scope 'write'; this one has 'read'."
    assert error["path"] in (["recordDescriptions"], ["other"])
    assert error["extensions"] == {"code": "AUTHZ_ERROR"}
    assert send(account, query, '{"input": [{"id": 1.5}]}').status_code == 422


# Sizes


@pytest.mark.parametrize("values", ["{}", "[]", '"a"', "1"])
def test_a_request_has_so_many_values(account: Account, values: str) -> None:
    response = send(account, "{ __typename }", '{"unused": [' + ",".join([values] * (MAX_VALUES + 1)) + "]}")
    message = f"A request holds at most {MAX_VALUES} JSON values: split it into several."
    assert refused(response) == (413, (message, {"code": "PAYLOAD_TOO_LARGE"}))


@pytest.mark.parametrize("text", [",[{" * 300_000, '\\"[,' * 200_000, "\\\\" * 400_000])
def test_what_stands_in_a_text_is_no_value(account: Account, text: str) -> None:
    result = f'{{"id": "a", "sourceType": "s", "createdAt": "2025-01-01", "description": "{text}"}}'
    response = send(account, RECORD, f'{{"input": [{result}]}}')
    assert response.json() == {"data": {"recordDescriptions": {"recorded": 1, "alreadyKnown": 0}}}
    found = account.graphql('{ description(id: "a") { description } }')["description"]["description"]
    assert found == json.loads(f'"{text}"')


@pytest.mark.parametrize("end", ["", '"', "\\", '\\"' * 1000])
def test_a_text_without_an_end_is_no_json(account: Account, end: str) -> None:
    response = send(account, "{ __typename }", '{"a": [' + "1," * MAX_VALUES + '"' + "x," * MAX_VALUES + end)
    assert response.status_code == 413
    response = send(account, "{ __typename }", '{"a": "' + "x," * MAX_VALUES + end)
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("query", "variables", "message", "field"),
    [
        (RECORD, {"input": [{}] * 10_001}, "At most 10000 results may be recorded at once.", "input"),
        (SEARCH, {"filter": {"search": ["a"] * 10_001}}, "At most 10000 values may be given in one list.", "search"),
        (SEARCH, {"filter": {"imageIds": [{}] * 10_001}}, "At most 10000 values may be given in one list.", "imageIds"),
    ],
)
def test_a_list_has_so_many_entries(account: Account, query: str, variables: Any, message: str, field: str) -> None:
    response = send(account, query, json.dumps(variables))
    assert refused(response) == (422, (message, {"code": "VALIDATION_ERROR", "field": field}))


# What is large


def test_a_large_batch_is_recorded_as_small_ones_are(make_account: Callable[[], Account]) -> None:
    small, large = make_account(), make_account()
    given: list[dict[str, Any]] = [
        {"id": 7, **MINIMAL},
        {"id": "b", **MINIMAL, "type": None, "status": None, "confidenceScore": 1, "verification": [1, {"a": None}]},
        {"id": "c", **MINIMAL, "type": "rule", "status": "FAILED", "errorMessage": "no", "confidenceScore": 0.25},
        {"id": "d", "sourceType": "é", "createdAt": "2025-01-15T12:30:00.5+02:00", "metadata": {"k": 2**60}},
        {"id": "e", **MINIMAL, "imageUrl": "u", "imageId": "i", "sourceId": "s", "description": "x" * LARGE},
        *({"id": f"n{place:03}", **MINIMAL} for place in range(200)),
    ]
    for start in range(0, len(given), 50):
        batch = [{name: value for name, value in item.items() if name != "nothing"} for item in given[start:][:50]]
        small.graphql(RECORD, input=batch)
    large.graphql(RECORD, input=given)
    query = f"{{ descriptions(first: 1000, filter: {{includeFailed: true}}) {{ nodes {{ {FIELDS} }} }} }}"
    assert large.graphql(query) == small.graphql(query)
    assert large.graphql(COUNT) == {"descriptions": {"totalCount": 205}}


@pytest.mark.parametrize(
    ("wrong", "message", "field"),
    [
        (
            {"confidenceScore": "0.5"},
            "Variable '$input' has invalid value at [170].confidenceScore: "
            "Float cannot represent non numeric value: '0.5'",
            "input.170.confidenceScore",
        ),
        (
            {"sourceType": None},
            "Variable '$input' has invalid value at [170].sourceType: "
            "Expected value of non-null type 'String!' not to be null.",
            "input.170.sourceType",
        ),
        (
            {"status": "done"},
            "Variable '$input' has invalid value at [170].status: "
            "Value 'done' does not exist in 'DescriptionStatus' enum.",
            "input.170.status",
        ),
    ],
)
@pytest.mark.parametrize("letters", [1, LARGE])
def test_what_is_wrong_is_told_with_its_place(
    account: Account, wrong: dict[str, Any], message: str, field: str, letters: int
) -> None:
    batch: list[dict[str, Any]] = [{"id": str(place), **MINIMAL} for place in range(200)]
    batch[170] |= wrong
    batch[0]["description"] = "x" * letters
    told = refused(send(account, RECORD, json.dumps({"input": batch})))
    assert told == (422, (message, {"code": "VALIDATION_ERROR", "field": field}))
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_missing_and_an_unknown_field_are_named(account: Account) -> None:
    for wrong, name in (({"id": "a"}, "sourceType"), ({"id": "a", **MINIMAL, "x": 1}, "x")):
        error = account.refused(RECORD, input=[{"id": "b", **MINIMAL}, wrong])
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": f"input.1.{name}"}


def test_a_large_request_may_be_streamed(account: Account) -> None:
    body = {"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL, "description": "x" * LARGE}]}}
    answer = account.client.post("/graphql", json=body, headers={"Accept": "text/event-stream"})
    assert answer.text.startswith('event: next\ndata: {"data":{"recordDescriptions":{"recorded":1,"alreadyKnown":0}}}')


def test_no_key_has_all_turns() -> None:
    async def main() -> None:
        turns, ended, running = Turns(3, 2), asyncio.Event(), Counter[str]()

        async def one(key: str) -> None:
            async with turns.one(key):
                running[key] += 1
                await ended.wait()

        waiting = [asyncio.create_task(one(key)) for key in "aaaab"]
        for _ in range(100):
            await asyncio.sleep(0)
        assert running == {"a": 2, "b": 1}
        ended.set()
        await asyncio.gather(*waiting)
        assert running == {"a": 4, "b": 1}

    asyncio.run(main())


# Documents


def test_an_alias_has_so_many_letters(account: Account) -> None:
    assert account.graphql("{ " + "a" * 255 + ": __typename }") == {"a" * 255: "Query"}
    error = account.refused("{ " + "a" * 256 + ": __typename }")
    assert error["message"] == "An alias has at most 255 characters."


@pytest.mark.parametrize("letters", [100, documents.LONG + 1])
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("{ nowhere }", 422, "Cannot query field 'nowhere' on type 'Query'."),
        ("{ nowhere", 400, "Syntax Error: Expected Name, found <EOF>."),
        ("{ __typename }", 200, None),
    ],
)
def test_long_documents_are_answered_as_short_ones_are(
    account: Account, letters: int, accept: str, query: str, status: int, message: str | None
) -> None:
    query = f"#{'x' * letters}\n{query}"
    with account.connect() as client:
        answers = [client.post("/graphql", json={"query": query}, headers={"Accept": accept}) for _ in range(2)]
    for answer in answers:
        assert (message or '{"__typename":"Query"}') in answer.text
        assert answer.status_code == (status if accept.startswith("application/graphql") else answer.status_code)


def test_documents_are_remembered_within_so_many_bytes() -> None:
    def document(number: int) -> str:
        search = ",".join(f'"{place} {number}"' for place in range(2500))
        return f"{{ __typename descriptions(filter: {{search: [{search}]}}) @skip(if: true) {{ totalCount }} }}"

    async def main() -> None:
        for number in range(40):
            result = await schema.execute(document(number))
            assert result.data == {"__typename": "Query"}

    asyncio.run(main())
    remembered = documents.remembered
    assert remembered.maxsize / 2 < remembered.currsize <= remembered.maxsize == 32 * 2**20
    assert len(remembered) < 40
    assert (schema._schema, document(39)) in remembered
    assert (schema._schema, document(0)) not in remembered
