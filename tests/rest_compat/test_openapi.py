"""The OpenAPI document says what the documented paths really answer."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator, FormatChecker

from app import auth
from app.engine.db import Database
from app.errors import Unavailable
from app.main import create_app
from app.models import Account as AccountRow
from app.models import Scope
from app.settings import Settings
from graphql_schema import resolvers
from tests import test_contract
from tests.conftest import Account, new_account
from tools.stack import Stack

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
STATE = "/api/v2/data/export/{export_id}"
DOWNLOAD = "/api/v2/data/export/{export_id}/download"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
OPERATIONS = {
    (LIST, "get"): {"200", "401", "413", "422", "429", "500", "503"},
    (EXPORT, "post"): {"202", "401", "413", "422", "429", "500", "503"},
    (STATE, "get"): {"200", "401", "404", "422", "429", "500", "503"},
}
MINIMAL = {"data_type": "descriptions", "format": "csv"}


@pytest.fixture(scope="module")
def document(stack: Stack) -> dict[str, Any]:
    response = httpx.get(f"{stack.url}/openapi.json", verify=False)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = response.json()
    return found


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def errors_of(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(value)]


def answer_schema(document: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    assert list(content) == ["application/json"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPI.model_validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = {found["$ref"] for found in walk(document) if "$ref" in found}
    assert len(references) > 10
    assert [reference for reference in references if resolve(document, reference) is None] == []
    ids = [found["operationId"] for found in walk(document["paths"]) if "operationId" in found]
    assert len(set(ids)) == len(ids)


def test_the_documented_paths_are_all_there(document: dict[str, Any]) -> None:
    data = {path: set(found) for path, found in document["paths"].items() if path.startswith("/api/")}
    assert data == {LIST: {"get"}, EXPORT: {"post"}, STATE: {"get"}, DOWNLOAD: {"get"}}


def test_the_download_of_a_file(document: dict[str, Any]) -> None:
    """Ours, beside the documented paths."""
    operation = document["paths"][DOWNLOAD]["get"]
    statuses = {"200", "206", "302", "304", "401", "404", "409", "416", "422", "429", "500", "503"}
    assert set(operation["responses"]) == statuses
    assert all(response["description"] for response in operation["responses"].values())
    assert list(operation["responses"]["200"]["content"]) == ["application/octet-stream"]
    assert [(one["name"], one["in"], one["required"]) for one in operation["parameters"]] == [
        ("export_id", "path", True),
        ("receipt", "query", False),
    ]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_operation_lists_its_statuses_and_needs_a_bearer_key(
    document: dict[str, Any], path: str, method: str
) -> None:
    operation = document["paths"][path][method]
    assert set(operation["responses"]) == OPERATIONS[path, method]
    [requirement] = operation["security"]
    [scheme] = [document["components"]["securitySchemes"][name] for name in requirement]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert operation["summary"]
    assert operation["description"]
    for response in operation["responses"].values():
        assert response["description"]
        assert set(response["content"]) == {"application/json"}


def test_the_parameters_of_the_list(document: dict[str, Any]) -> None:
    found = {parameter["name"]: parameter for parameter in document["paths"][LIST]["get"]["parameters"]}
    names = ["start_date", "end_date", "min_confidence", "max_confidence", "search", "source_types", "offset", "limit"]
    assert list(found) == names
    for parameter in found.values():
        assert (parameter["in"], parameter["required"]) == ("query", False)
        assert parameter["description"]
    limit, offset = found["limit"]["schema"], found["offset"]["schema"]
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == ("integer", 1, 1000, 100)
    assert (offset["type"], offset["minimum"], offset["default"]) == ("integer", 0, 0)
    assert found["search"]["schema"]["type"] == found["source_types"]["schema"]["type"] == "string"
    assert {"type": "number", "minimum": 0, "maximum": 1, "examples": [0.8]} in found["min_confidence"]["schema"][
        "anyOf"
    ]


def test_the_body_of_an_export(document: dict[str, Any]) -> None:
    body = document["paths"][EXPORT]["post"]["requestBody"]
    assert body["required"] is True
    schema = resolve(document, body["content"]["application/json"]["schema"]["$ref"])
    assert schema["required"] == ["data_type", "format"]
    assert "additionalProperties" not in schema, "types made from it would let a misspelt key pass"
    assert list(schema["properties"]) == list(schema["example"])
    assert list(schema["properties"]) == [
        *("data_type", "format", "start_date", "end_date", "min_confidence", "max_confidence"),
        *("search_terms", "source_types", "include_metadata", "include_failed", "fields", "limit"),
    ]
    assert schema["properties"]["data_type"]["const"] == "descriptions"
    assert schema["properties"]["format"]["enum"] == ["csv", "json", "jsonl"]
    assert schema["properties"]["include_metadata"]["default"] is True
    assert schema["properties"]["include_failed"]["default"] is False


def test_every_example_validates_against_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for schema in walk([document["components"]["schemas"], document["paths"]]):
        examples = [schema["example"]] if "example" in schema else schema.get("examples", [])
        if not ({"type", "anyOf", "$ref"} & set(schema)):
            continue
        for example in examples:
            assert errors_of(document, schema, example) == []
            checked += 1
    assert checked > 15


@pytest.mark.parametrize("name", ["ExportBody", "DescriptionList", "ExportAnswer"])
def test_the_documented_blocks_are_the_examples(document: dict[str, Any], name: str) -> None:
    block = {
        "ExportBody": test_contract.EXPORT_REQUEST,
        "DescriptionList": test_contract.LIST_RESPONSE,
        "ExportAnswer": test_contract.EXPORT_RESPONSE,
    }[name]
    assert document["components"]["schemas"][name]["example"] == test_contract.documented(block)


@pytest.mark.parametrize(
    "name", ["Envelope", "EnvelopedError", "Detail", "Forbids", "CodedDetail", "Refusal", "Place", "RuleDetail"]
)
def test_every_part_of_the_error_shapes_has_an_example(document: dict[str, Any], name: str) -> None:
    properties = document["components"]["schemas"][name]["properties"]
    plain = [found for found in properties.values() if "$ref" not in json.dumps(found)]
    assert [found for found in plain if not found.get("examples")] == []
    assert set(document["components"]["schemas"][name]["required"]) >= set(properties) - {"field"}


# Real answers


def assert_documented(document: dict[str, Any], path: str, method: str, response: httpx.Response, status: int) -> None:
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    schema = answer_schema(document, path, method, status)
    assert errors_of(document, schema, response.json()) == []
    assert_no_more_keys(document, schema, response.json())


def assert_no_more_keys(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """A schema allows further keys; an answer must have none."""
    schema = resolve(document, schema["$ref"]) if "$ref" in schema else schema
    if isinstance(value, dict) and "properties" in schema:
        assert list(value) == list(schema["properties"])
        for name, item in value.items():
            assert_no_more_keys(document, schema["properties"][name], item)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            assert_no_more_keys(document, schema["items"], item)


@pytest.fixture(scope="module")
def filled(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    account.record(
        {},
        {"confidenceScore": 0.5, "verification": {"ok": True}, "metadata": {"a": [1]}, "description": "A dog"},
        {"sourceType": "batch", "sourceId": "op", "imageId": "i", "imageUrl": "http://i", "confidenceScore": 1},
    )
    yield account
    account.close()


@pytest.mark.parametrize("query", ["", "limit=1", "offset=5", "search=dog", "min_confidence=0.5&start_date=2025-01-01"])
def test_real_lists_validate(document: dict[str, Any], filled: Account, query: str) -> None:
    assert_documented(document, LIST, "get", filled.client.get(f"{LIST}?{query}"), 200)


@pytest.mark.parametrize("format", ["csv", "json", "jsonl"])
def test_real_states_of_an_export_validate(document: dict[str, Any], filled: Account, format: str) -> None:
    started = filled.client.post(EXPORT, json=MINIMAL | {"format": format})
    assert_documented(document, EXPORT, "post", started, 202)
    filled.wait(started.json()["export_id"])
    state = filled.client.get(f"{EXPORT}/{started.json()['export_id']}")
    assert_documented(document, STATE, "get", state, 200)


def test_real_requests_validate(document: dict[str, Any], filled: Account) -> None:
    schema = document["paths"][EXPORT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    example = resolve(document, schema["$ref"])["example"]
    assert errors_of(document, schema, example) == []
    assert filled.client.post(EXPORT, json=example).status_code == 202
    for wrong in ({}, MINIMAL | {"format": "xml"}, MINIMAL | {"limit": 0}, MINIMAL | {"min_confidence": 2}):
        assert errors_of(document, schema, wrong) != []
        assert_documented(document, EXPORT, "post", filled.client.post(EXPORT, json=wrong), 422)


def test_real_refusals_validate(document: dict[str, Any], filled: Account) -> None:
    client, stranger = filled.client, httpx.Client(base_url=filled.stack.url, verify=False)
    wrong_order = {"start_date": "2025-02-01", "end_date": "2025-01-01"}
    with stranger:
        assert_documented(document, LIST, "get", stranger.get(LIST), 401)
        assert_documented(document, EXPORT, "post", stranger.post(EXPORT, json=MINIMAL), 401)
        assert_documented(document, STATE, "get", stranger.get(f"{EXPORT}/{UNKNOWN}"), 401)
    assert_documented(document, LIST, "get", client.get(LIST, params={"limit": 0}), 422)
    assert_documented(document, LIST, "get", client.get(LIST, params=wrong_order), 422)
    assert_documented(document, EXPORT, "post", client.post(EXPORT, content=b"{"), 422)
    assert_documented(document, EXPORT, "post", client.post(EXPORT, json=MINIMAL | wrong_order), 422)
    assert_documented(document, EXPORT, "post", client.post(EXPORT, content=b"x" * (17 * 2**20)), 413)
    assert_documented(document, STATE, "get", client.get(f"{EXPORT}/{UNKNOWN}"), 404)
    assert_documented(document, STATE, "get", client.get(f"{EXPORT}/nope"), 422)


def test_a_real_429_validates(document: dict[str, Any], account: Account) -> None:
    with account.database.write() as session:
        row = session.get(AccountRow, account.id)
        assert row is not None
        row.rate_limit = 1
    assert account.client.get(LIST).status_code == 200
    assert_documented(document, LIST, "get", account.client.get(LIST), 429)
    assert_documented(document, EXPORT, "post", account.client.post(EXPORT, json=MINIMAL), 429)
    assert_documented(document, STATE, "get", account.client.get(f"{EXPORT}/{UNKNOWN}"), 429)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("a secret of ours"), 500, "INTERNAL_ERROR"),
        (Unavailable("The database does not answer."), 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_real_failures_of_ours_validate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    for name in ("descriptions", "create_export", "unexpired_export"):
        monkeypatch.setattr(resolvers, name, fail)
    app = create_app(Settings(data_dir=tmp_path, rate_limit=5, embedded_worker=False))
    for (path, method), response in asyncio.run(ask_all(app)).items():
        assert_documented(app.openapi(), path, method, response, status)
        assert response.json()["error"]["code"] == code
        assert response.json()["request_id"] == response.headers["x-request-id"] == "of-the-caller"
        assert response.headers["x-ratelimit-limit"] == "5"
        assert "secret" not in response.text


async def ask_all(app: FastAPI) -> dict[tuple[str, str], httpx.Response]:
    """An answer of each operation, from a server in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        with app.state.runtime.database.write() as session:
            key = auth.create_key(session, auth.account_id(session, "failing", create=True), Scope.READ)
        client.headers.update({"Authorization": f"Bearer {key}", "X-Request-ID": "of-the-caller"})
        return {
            (LIST, "get"): await client.get(LIST),
            (EXPORT, "post"): await client.post(EXPORT, json=MINIMAL),
            (STATE, "get"): await client.get(f"{EXPORT}/{UNKNOWN}"),
        }
