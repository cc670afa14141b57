"""The GraphQL-over-HTTP specification, its SHOULDs too: https://graphql.github.io/graphql-over-http/draft/"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app import auth
from app.engine.db import Database
from app.models import Scope
from tests.conftest import Account, new_account
from tools.stack import Stack

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
COUNT = "{ descriptions { totalCount } exports { totalCount } }"
RECORD = 'mutation { recordDescriptions(input: [{id: "a", sourceType: "s", createdAt: "2025-01-01"}]) { recorded } }'


@pytest.fixture(scope="module")
def caller(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    yield account
    account.close()


def send(caller: Account, method: str = "POST", content: Any = None, **headers: str | None) -> httpx.Response:
    """With these headers, their names written with underscores; None leaves one out that httpx would send."""
    body = content if isinstance(content, bytes | str | None) else json.dumps(content)
    request = caller.client.build_request(method, "/graphql", content=body)
    for name, value in ({"content_type": JSON} | headers).items():
        request.headers.pop(name.replace("_", "-"), None)
        if value is not None:
            request.headers[name.replace("_", "-")] = value
    return caller.client.send(request)


def get(caller: Account, params: Any, accept: str = RESPONSE_JSON) -> httpx.Response:
    return caller.client.get("/graphql", params=params, headers={"Accept": accept})


# Media types


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (RESPONSE_JSON, RESPONSE_JSON),
        (RESPONSE_JSON.upper(), RESPONSE_JSON),
        (f"{RESPONSE_JSON}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE_JSON),
        (f"{JSON};q=0.5, {RESPONSE_JSON};q=0.9", RESPONSE_JSON),
        (f"{RESPONSE_JSON};q=0.5, {JSON};q=0.9", JSON),
        (f"{RESPONSE_JSON};q=0, {JSON};q=0.1", JSON),
        (f"text/html, {RESPONSE_JSON};q=0.1", RESPONSE_JSON),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"*/*;q=0.5, {RESPONSE_JSON}", RESPONSE_JSON),
        (f"{RESPONSE_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", RESPONSE_JSON),
        (None, RESPONSE_JSON),
        ("", RESPONSE_JSON),
    ],
)
def test_the_answer_has_the_media_type_that_is_accepted_best(
    caller: Account, accept: str | None, answered: str
) -> None:
    response = send(caller, content=TYPENAME, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.content == b'{"data":{"__typename":"Query"}}'


@pytest.mark.parametrize("accept", ["text/html", "text/plain, image/*", f"{RESPONSE_JSON};q=0", f"{JSON};q=x", "*"])
def test_what_is_not_accepted_is_not_sent(caller: Account, accept: str) -> None:
    for response in (send(caller, content=TYPENAME, accept=accept), get(caller, TYPENAME, accept)):
        assert response.status_code == 406
        assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
        assert response.json() == {"errors": [{"message": f"This endpoint answers with {RESPONSE_JSON} or {JSON}."}]}


def test_what_is_not_accepted_is_not_executed(account: Account) -> None:
    assert send(account, content={"query": RECORD}, accept="text/html").status_code == 406
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "Application/JSON",
        f"{JSON}; charset=utf-8",
        f'{JSON};charset="UTF-8"',
        f"{JSON} ; charset=utf-8; profile=x",
        f"{JSON}; charset=utf8",
        f"{JSON}; charset=UTF8",
    ],
)
def test_a_request_is_json_in_utf_8(caller: Account, content_type: str) -> None:
    query = {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}
    body = json.dumps(query, ensure_ascii=False).encode()
    response = send(caller, content=body, content_type=content_type, accept=RESPONSE_JSON)
    assert (response.status_code, response.json()) == (200, {"data": {"__type": None}})


def test_an_answer_is_in_utf_8(account: Account) -> None:
    account.record({"id": "a", "description": "é🏃"})
    response = send(account, content={"query": '{ description(id: "a") { description } }'}, accept=JSON)
    assert response.json() == {"data": {"description": {"description": "é🏃"}}}
    assert '"é🏃"'.encode() in response.content


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/graphql",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        RESPONSE_JSON,
        f"{JSON}; charset=utf-16",
        f"{JSON}; charset=iso-8859-1",
    ],
)
def test_a_request_of_another_media_type_is_refused(account: Account, content_type: str | None) -> None:
    response = send(account, content={"query": RECORD}, content_type=content_type, accept=RESPONSE_JSON)
    assert response.status_code == 415
    assert response.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"
    assert response.json() == {"errors": [{"message": "Send the request as application/json, encoded in UTF-8."}]}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}


# Requests that are not well-formed


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request is no JSON: Expecting value."),
        (b"NONSENSE", "The request is no JSON: Expecting value."),
        (b'{"query":', "The request is no JSON: Expecting value."),
        (b'{"query": "{ __typename }"} x', "The request is no JSON: Extra data."),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "NaN"),
        (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', "-Infinity"),
        (rb'{"query": "{ __typename }", "variables": {"a": "\ud800"}}', "lone surrogate"),
        (b'{"query": "{ __typename }", "variables": {"a": "\xff"}}', "is not UTF-8"),
        (b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "too deeply"),
    ],
)
def test_what_is_no_json_is_400(caller: Account, body: bytes, message: str, accept: str) -> None:
    response = send(caller, content=body, accept=accept)
    assert response.status_code == 400
    check_that_it_is_malformed(response, message, accept)


@pytest.mark.parametrize(("accept", "status"), [(JSON, 400), (RESPONSE_JSON, 422)])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "The request must be a JSON object."),
        (b'[{"query": "{ __typename }"}]', "The request must be a JSON object."),
        (b'"{ __typename }"', "The request must be a JSON object."),
        (b"null", "The request must be a JSON object."),
        (b"{}", "The request has no query."),
        (b'{"qeury": "{ __typename }"}', "The request has no query."),
        (b'{"query": null}', "The request has no query."),
        *(
            (b'{"query": %b}' % value, "The query must be a string or null.")
            for value in (b"1", b"false", b"[]", b"{}")
        ),
        *(
            (b'{"query": "{ __typename }", "operationName": %b}' % value, "The operationName must be a string or null.")
            for value in (b"0", b"false", b"[]", b"{}", b'["A"]')
        ),
        *(
            (b'{"query": "{ __typename }", "variables": %b}' % value, "The variables must be an object or null.")
            for value in (b"0", b"false", b'"{}"', b"[]", b"[7]")
        ),
        *(
            (b'{"query": "{ __typename }", "extensions": %b}' % value, "The extensions must be an object or null.")
            for value in (b"0", b"true", b'"{}"', b"[]")
        ),
    ],
)
def test_json_that_is_no_request_is_422(caller: Account, body: bytes, message: str, accept: str, status: int) -> None:
    response = send(caller, content=body, accept=accept)
    assert response.status_code == status
    check_that_it_is_malformed(response, message, accept)


def check_that_it_is_malformed(response: httpx.Response, message: str, accept: str) -> None:
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    answer = response.json()
    assert list(answer) == ["errors"]
    assert [list(error) for error in answer["errors"]] == [["message"]]
    assert message in answer["errors"][0]["message"]


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
def test_null_is_as_if_absent(caller: Account, name: str, accept: str) -> None:
    response = send(caller, content=TYPENAME | {name: None}, accept=accept)
    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize(
    "more",
    [
        {"variables": {}},
        {"variables": {"unused": [1]}},
        {"extensions": {"a": {"b": 1}}},
        {"operationName": "A"},
        {"operationName": ""},
        {"documentId": None},
    ],
)
def test_the_parameters_of_a_request(caller: Account, more: dict[str, Any]) -> None:
    response = send(caller, content={"query": "query A { __typename }"} | more, accept=RESPONSE_JSON)
    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


# Well-formed requests that cannot be executed

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"query": ""}, "Syntax Error: Unexpected <EOF>."),
    ({"query": "{"}, "Syntax Error: Expected Name, found <EOF>."),
    ({"query": "{ nope }"}, "Cannot query field 'nope' on type 'Query'."),
    ({"query": "{ description { id } }"}, "Argument 'Query.description(id:)' of type 'ID!' is required, but"),
    ({"query": "query($a: Int) { __typename }"}, "Variable '$a' is never used."),
    (
        {"query": "query($a: ID!) { description(id: $a) { id } }"},
        "Variable '$a' has invalid value: Expected a value of",
    ),
    (
        {"query": "query($a: Int) { descriptions(first: $a) { totalCount } }", "variables": {"a": "x"}},
        "Variable '$a' has invalid value: Int cannot represent non-integer value: 'x'",
    ),
    (
        {"query": "query($a: Int) { descriptions(first: $a) { totalCount } }", "variables": {"a": 2**31}},
        "Variable '$a' has invalid value: Int cannot represent non 32-bit signed integer value",
    ),
    ({"query": "query A { __typename }", "operationName": "B"}, 'Unknown operation named "B".'),
    ({"query": "fragment A on Query { __typename }"}, "Can't get GraphQL operation type"),
    ({"query": "query A { __typename } query B { __typename }"}, "There are several operations: say which one"),
    ({"query": "query A { __typename } mutation B { __typename }"}, "There are several operations: say which one"),
]


@pytest.mark.parametrize("accept", [RESPONSE_JSON, JSON])
@pytest.mark.parametrize(("body", "message"), REFUSED, ids=[repr(body) for body, _ in REFUSED])
def test_a_request_error_has_no_data(caller: Account, body: dict[str, Any], message: str, accept: str) -> None:
    response = send(caller, content=body, accept=accept)
    is_parsed = not message.startswith("Syntax Error")
    assert response.status_code == (200 if accept == JSON else 422 if is_parsed else 400)
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    answer = response.json()
    assert list(answer) == ["errors"]
    assert answer["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize(
    ("query", "data", "path"),
    [
        ('{ a: __typename b: export(id: "nope") { id } }', {"a": "Query", "b": None}, ["b"]),
        ("{ a: __typename b: descriptions(first: -1) { totalCount } }", None, ["b"]),
        ('mutation { cancelExport(id: "nope") { id } }', None, ["cancelExport"]),
    ],
)
def test_a_field_error_is_200_and_has_data(
    caller: Account, query: str, data: Any, path: list[str], accept: str
) -> None:
    response = send(caller, content={"query": query}, accept=accept)
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ["data", "errors"]
    assert answer["data"] == data
    assert [list(error) for error in answer["errors"]] == [["message", "locations", "path", "extensions"]]
    assert answer["errors"][0]["path"] == path
    assert answer["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"


def test_an_answer_is_in_the_order_of_the_request(caller: Account) -> None:
    query = "{ z: __typename statistics { scoredCount totalCount } a: __typename ... { m: __typename } b: __typename }"
    response = send(caller, content={"query": query}, accept=RESPONSE_JSON)
    assert response.content == (
        b'{"data":{"z":"Query","statistics":{"scoredCount":0,"totalCount":0},"a":"Query","m":"Query","b":"Query"}}'
    )


def test_the_operation_is_chosen_by_its_name(account: Account) -> None:
    query = f"query A {{ a: __typename }} query B {{ b: __typename }} {RECORD.replace('mutation', 'mutation C')}"
    response = send(account, content={"query": query, "operationName": "B"}, accept=RESPONSE_JSON)
    assert (response.status_code, response.json()) == (200, {"data": {"b": "Query"}})
    assert account.graphql(COUNT)["descriptions"] == {"totalCount": 0}
    response = send(account, content={"query": query, "operationName": "C"}, accept=RESPONSE_JSON)
    assert (response.status_code, response.json()) == (200, {"data": {"recordDescriptions": {"recorded": 1}}})


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_subscription_needs_a_stream(caller: Account, method: str, accept: str) -> None:
    query = {"query": f'subscription {{ exportProgress(id: "{uuid.uuid4()}") {{ id }} }}'}
    response = get(caller, query, accept) if method == "GET" else send(caller, content=query, accept=accept)
    assert response.status_code == 406
    message = "A subscription needs a stream: accept text/event-stream, or open a WebSocket."
    assert response.json() == {"errors": [{"message": message}]}


# GET


@pytest.mark.parametrize(
    ("params", "data"),
    [
        ({}, {"a": "Query"}),
        ({"operationName": "A"}, {"a": "Query"}),
        ({"operationName": ""}, {"a": "Query"}),
        ({"variables": ""}, {"a": "Query"}),
        ({"variables": "null"}, {"a": "Query"}),
        ({"variables": "{}", "extensions": "{}"}, {"a": "Query"}),
        ({"extensions": ""}, {"a": "Query"}),
        ({"variables": '{"no": true}'}, {}),
        ({"unknown": "x"}, {"a": "Query"}),
    ],
)
def test_a_query_by_get(caller: Account, params: dict[str, str], data: dict[str, str]) -> None:
    query = {"query": "query A($no: Boolean = false) { a: __typename @skip(if: $no) }"}
    for accept in (JSON, RESPONSE_JSON, BROWSER):
        response = get(caller, query | params, accept)
        assert (response.status_code, response.json()) == (200, {"data": data})


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"query": ""}, 422),
        ({"query": "{ __typename }", "variables": "{"}, 400),
        ({"query": "{ __typename }", "variables": "[1]"}, 422),
        ({"query": "{ __typename }", "variables": '"x"'}, 422),
        ({"query": "{ __typename }", "extensions": "NaN"}, 400),
        ({"query": "{"}, 400),
        ({"query": "{ nope }"}, 422),
        ({"query": "query null { __typename }", "operationName": "null "}, 422),
    ],
)
def test_a_query_by_get_that_cannot_be_executed(caller: Account, params: dict[str, str], status: int) -> None:
    response = get(caller, params)
    assert response.status_code == status
    assert list(response.json()) == ["errors"]


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON, BROWSER, "text/event-stream"])
@pytest.mark.parametrize(
    "params",
    [
        {"query": RECORD},
        {"query": "mutation { createExport(input: {format: CSV}) { id } }"},
        {"query": f"query A {{ __typename }} {RECORD.replace('mutation', 'mutation B')}", "operationName": "B"},
    ],
    ids=["record", "export", "named"],
)
def test_a_mutation_by_get_is_405(account: Account, params: dict[str, str], accept: str) -> None:
    response = get(account, params, accept)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    message = "A mutation changes something, and a GET must not: send it by POST."
    assert response.json() == {"errors": [{"message": message}]}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}


def test_a_mutation_beside_a_query_is_not_executed_by_get(account: Account) -> None:
    query = f"{RECORD.replace('mutation', 'mutation A')} query B {{ __typename }}"
    assert get(account, {"query": query}).status_code == 422
    assert get(account, {"query": query, "operationName": "B"}).json() == {"data": {"__typename": "Query"}}
    assert account.graphql(COUNT)["descriptions"] == {"totalCount": 0}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405(account: Account, method: str) -> None:
    response = send(account, method, content={"query": RECORD}, accept=JSON)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert account.graphql(COUNT)["descriptions"] == {"totalCount": 0}


# Who may


def refused_keys(account: Account) -> dict[str, tuple[str | None, str]]:
    key = account.keys[Scope.READ]
    with account.database.write() as session:
        revoked = auth.create_key(session, account.id, Scope.WRITE)
        auth.revoke_key(session, revoked[:17])
    return {
        "missing": (None, "INVALID_API_KEY"),
        "empty": ("", "INVALID_API_KEY"),
        "no scheme": (key, "INVALID_API_KEY"),
        "another scheme": (f"Basic {key}", "INVALID_API_KEY"),
        "no key": ("Bearer", "INVALID_API_KEY"),
        "altered": (f"Bearer {key[:-1]}{'a' if key[-1] != 'a' else 'b'}", "INVALID_API_KEY"),
        "unknown": ("Bearer sightlog_" + "a" * 51, "INVALID_API_KEY"),
        "twice": (f"Bearer {key}, Bearer {key}", "INVALID_API_KEY"),
        "revoked": (f"Bearer {revoked}", "DEACTIVATED_API_KEY"),
    }


def test_every_wrong_key_is_refused_in_the_shape_of_graphql(account: Account) -> None:
    for name, (authorization, code) in refused_keys(account).items():
        headers = {} if authorization is None else {"Authorization": authorization}
        with httpx.Client(base_url=account.stack.url, headers=headers, verify=False) as client:
            responses = [
                (JSON, client.post("/graphql", json={"query": RECORD})),
                (RESPONSE_JSON, client.post("/graphql", json=TYPENAME, headers={"Accept": RESPONSE_JSON})),
                (JSON, client.post("/graphql", json=TYPENAME, headers={"Accept": "text/event-stream"})),
                (JSON, client.post("/graphql", content=b"{", headers={"Accept": BROWSER})),
                (JSON, client.get("/graphql", params=TYPENAME, headers={"Accept": BROWSER})),
                (JSON, client.get("/graphql")),
            ]
        for media_type, response in responses:
            assert response.status_code == 401, name
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
            [error] = response.json()["errors"]
            extensions = {"code": code, "requestId": response.headers["x-request-id"]}
            assert response.json() == {"errors": [{"message": error["message"], "extensions": extensions}]}
            assert uuid.UUID(extensions["requestId"]).version == 4
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}


def test_a_key_in_the_query_string_is_none(account: Account) -> None:
    key = account.keys[Scope.WRITE]
    for name in ("key", "api_key", "access_token", "authorization", "Authorization"):
        params = {"query": "{ __typename }", name: f"Bearer {key}" if name.lower() == "authorization" else key}
        response = httpx.get(f"{account.stack.url}/graphql", params=params, verify=False)
        assert response.status_code == 401


@pytest.mark.parametrize("accept", [BROWSER, "text/html", f"text/html, {JSON};q=0.9"])
def test_a_browser_gets_the_explorer_without_a_key(stack: Stack, accept: str) -> None:
    response = httpx.get(f"{stack.url}/graphql", headers={"Accept": accept}, verify=False)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert re.search(r"<title>.*GraphQL.*</title>", response.text)
    assert "script-src 'self';" in response.headers["content-security-policy"]


@pytest.mark.parametrize("accept", ["*/*", JSON, f"{JSON}, text/html;q=0.9", "text/event-stream"])
def test_nobody_else_does(caller: Account, accept: str) -> None:
    assert httpx.get(f"{caller.stack.url}/graphql", headers={"Accept": accept}, verify=False).status_code == 401
    assert get(caller, {}, accept).status_code in (400, 422)


def test_two_accounts_never_share_an_answer(make_account: Callable[[], Account]) -> None:
    first, second = make_account(), make_account()
    first.record({"id": "mine"})
    query = {"query": "{ descriptions { nodes { id } } }"}
    assert get(first, query).json() == {"data": {"descriptions": {"nodes": [{"id": "mine"}]}}}
    assert get(second, query).json() == {"data": {"descriptions": {"nodes": []}}}
