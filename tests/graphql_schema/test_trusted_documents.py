"""Documents of a folder, which clients name by their ids, and the hashes of clients that hope for more."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.engine.db import Database
from app.models import Scope
from tests.commands import invoke
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tests.graphql_schema.test_subscriptions import admitted, hear, tell
from tools.servers import free_port

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
COUNT = "query Count($types: [String!]) {\r\n  descriptions(filter: {types: $types}) { totalCount }\r\n}\n"
RECORD = 'mutation { recordDescriptions(input: [{id: "a", sourceType: "s", createdAt: "2025-01-01"}]) { recorded } }'
HASH = f"sha256:{hashlib.sha256(COUNT.encode()).hexdigest()}"
EMPTY = {"data": {"descriptions": {"totalCount": 0}}}
NOT_HERE = "There is no document 'nope' on this server."
ONLY = "With this API key only the documents of this server may be executed: send the documentId of one."


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of a server on which keys that only read may execute nothing but two documents."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "Count.graphql").write_bytes(COUNT.encode())
    (folder / "record.graphql").write_text(RECORD)
    (folder / "README.md").write_text("{")
    settings = {"SIGHTLOG_DOCUMENTS": str(folder), "SIGHTLOG_DOCUMENTS_ONLY": "true", "SIGHTLOG_RATE_LIMIT": "0"}
    with ForkedStack(tmp_path_factory.mktemp("trusting"), settings) as stack:
        database = Database(stack.database_url)
        account = new_account(stack, database)
        yield account
        account.close()
        database.dispose()


def send(account: Account, scope: Scope = Scope.READ, accept: str = RESPONSE_JSON, **body: Any) -> httpx.Response:
    with account.connect(scope) as client:
        return client.post("/graphql", json=body, headers={"Accept": accept})


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    [error] = response.json()["errors"]
    return response.status_code, error["message"], error["extensions"]["code"]


@pytest.mark.parametrize("id", ["Count", HASH])
@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_document_is_named_by_its_id(trusting: Account, id: str, scope: Scope) -> None:
    variables = {"types": ["none"]}
    assert send(trusting, scope, documentId=id, variables=variables).json() == EMPTY
    with trusting.connect(scope) as client:
        params = {"documentId": id, "variables": '{"types": ["none"]}'}
        for accept in (RESPONSE_JSON, "text/html, */*;q=0.8"):
            assert client.get("/graphql", params=params, headers={"Accept": accept}).json() == EMPTY


def test_a_document_is_named_on_a_websocket(trusting: Account) -> None:
    with admitted(trusting) as socket:
        for id, payload in (("1", {"documentId": "Count", "operationName": "Count"}), ("2", {"documentId": "nope"})):
            tell(socket, type="subscribe", id=id, payload=payload)
        told = sorted((hear(socket) for _ in range(3)), key=lambda message: (message["id"], message["type"]))
    assert told[0] == {"id": "1", "type": "complete"}
    assert told[1] == {"id": "1", "type": "next", "payload": EMPTY}
    assert told[2]["payload"] == [{"message": NOT_HERE, "extensions": {"code": "NOT_FOUND"}}]


def test_a_trusted_mutation_needs_the_scope_and_a_post(trusting: Account) -> None:
    assert refusal(send(trusting, documentId="record"))[2] == "AUTHZ_ERROR"
    with trusting.connect(Scope.WRITE) as client:
        assert client.get("/graphql", params={"documentId": "record"}).status_code == 405
        client.post("/graphql", json={"query": "{ __typename }"})
    assert send(trusting, documentId="Count").json() == EMPTY


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"query": "{ __typename }"}, (403, ONLY, "AUTHZ_ERROR")),
        ({"query": COUNT}, (403, ONLY, "AUTHZ_ERROR")),
        ({"documentId": "nope"}, (404, NOT_HERE, "NOT_FOUND")),
        ({"documentId": "README"}, (404, "There is no document 'README' on this server.", "NOT_FOUND")),
        ({"documentId": "../Count"}, (404, "There is no document '../Count' on this server.", "NOT_FOUND")),
        (
            {"documentId": "Count", "query": "{ __typename }"},
            (422, "Send a query or the documentId of one, not both.", "VALIDATION_ERROR"),
        ),
    ],
)
def test_what_a_key_that_only_reads_may_not_send(trusting: Account, body: Any, told: tuple[int, str, str]) -> None:
    assert refusal(send(trusting, **body)) == told


def test_other_keys_send_what_they_like(trusting: Account) -> None:
    assert send(trusting, Scope.WRITE, query="{ __typename }").json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (RESPONSE_JSON, 422)])
def test_a_hash_alone_is_not_found(account: Account, accept: str, status: int) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(b"{ __typename }").hexdigest()}}
    response = send(account, accept=accept, extensions=extensions)
    assert refusal(response) == (status, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    response = send(account, accept=accept, query="{ __typename }", extensions=extensions)
    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


def test_where_there_is_no_folder_there_are_no_documents(account: Account) -> None:
    assert refusal(send(account, documentId="nope")) == (404, NOT_HERE, "NOT_FOUND")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ nope }", "The document {path} cannot be executed: Cannot query field 'nope' on type 'Query'."),
        ("{", "The document {path} cannot be executed: Syntax Error: Expected Name, found <EOF>."),
        ("", "The document {path} cannot be executed: Syntax Error: Unexpected <EOF>."),
        ("{ __typename }" + " " * 200_000, "The document {path} cannot be executed: A query has at most 200000"),
        (b"\xff", "The document {path} cannot be read: "),
    ],
)
def test_a_bad_document_stops_the_start(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "bad.graphql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = {"SIGHTLOG_DOCUMENTS": str(tmp_path), "SIGHTLOG_DATA_DIR": str(tmp_path / "data")}
    result = invoke(settings, "serve", "--port", str(free_port()))
    assert result.exit_code == 2
    assert message.format(path=path) in result.stderr.replace("\n", " ")


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    data = {"SIGHTLOG_DATA_DIR": str(tmp_path / "data")}
    result = invoke(data | {"SIGHTLOG_DOCUMENTS": str(tmp_path / "nope")}, "serve", "--port", str(free_port()))
    assert (result.exit_code, "SIGHTLOG_DOCUMENTS is no folder" in result.stderr) == (2, True)
    result = invoke(data | {"SIGHTLOG_DOCUMENTS_ONLY": "true"}, "serve", "--port", str(free_port()))
    assert (result.exit_code, "SIGHTLOG_DOCUMENTS_ONLY needs SIGHTLOG_DOCUMENTS" in result.stderr) == (2, True)
