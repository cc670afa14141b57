"""exportProgress, over WebSocket (graphql-transport-ws) and over SSE (graphql-sse, distinct connections mode)."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app import auth
from app.models import ExportStatus, Scope
from tests.conftest import Account, code_of
from tests.graphql_schema.conftest import COUNT, put_export
from tests.held import Held
from tools import patience

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
WATCH = """subscription($id: ID!) { exportProgress(id: $id) {
    status progress { rowsWritten rowsTotal } recordCount downloadUrl errorMessage } }"""
RECORD = 'mutation { recordDescriptions(input: [{id: "a", sourceType: "s", createdAt: "2025-01-01"}]) { recorded } }'
UNKNOWN = "00000000-0000-4000-8000-000000000000"


# The two transports


@contextmanager
def opened(
    account: Account,
    authorization: str | None = None,
    protocol: str = "graphql-transport-ws",
    origin: str | None = None,
) -> Iterator[ClientConnection]:
    with connect(
        account.stack.url.replace("http", "ws") + "/graphql",
        subprotocols=[Subprotocol(protocol)],
        additional_headers={"Authorization": authorization} if authorization is not None else {},
        origin=Origin(origin) if origin else None,
        proxy=None,
    ) as socket:
        yield socket


def tell(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=patience.seconds(20)))


@contextmanager
def admitted(account: Account, scope: Scope = Scope.READ) -> Iterator[ClientConnection]:
    with opened(account) as socket:
        tell(socket, type="connection_init", payload={"Authorization": f"Bearer {account.keys[scope]}"})
        assert hear(socket)["type"] == "connection_ack"
        yield socket


def closed(socket: ClientConnection) -> int | None:
    """The code that the server closes with; it may not say anything before."""
    with pytest.raises(ConnectionClosed) as raised:
        socket.recv(timeout=patience.seconds(20))
    return raised.value.rcvd.code if raised.value.rcvd else None


def subscribe(socket: ClientConnection, query: str, as_: str = "1", **variables: Any) -> None:
    tell(socket, type="subscribe", id=as_, payload={"query": query, "variables": variables})


def over_websocket(account: Account, query: str, **variables: Any) -> Generator[Any]:
    """The results of an operation, up to its end."""
    with admitted(account) as socket:
        subscribe(socket, query, **variables)
        while (message := hear(socket)) != {"id": "1", "type": "complete"}:
            assert message["id"] == "1"
            if message["type"] == "error":
                yield {"errors": message["payload"]}
                return
            assert message["type"] == "next"
            yield message["payload"]


def over_sse(account: Account, query: str, **variables: Any) -> Generator[Any]:
    body = {"query": query, "variables": variables}
    with (
        account.connect(Scope.READ) as client,
        client.stream("POST", "/graphql", json=body, headers={"Accept": EVENT_STREAM}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == EVENT_STREAM
        assert "no-cache" in response.headers["cache-control"]
        lines = response.iter_lines()
        for event, data, blank in zip(lines, lines, lines, strict=True):
            assert blank == ""
            if event == "event: complete":
                assert (data, list(lines)) == ("data: ", [])
                return
            assert event == "event: next"
            yield json.loads(data.removeprefix("data: "))


Transport = Callable[..., Generator[Any]]
both = pytest.mark.parametrize("transport", [over_websocket, over_sse])


def refusal(result: Any) -> tuple[str, Any]:
    assert result.get("data") is None
    [error] = result["errors"]
    return error["message"], error["extensions"]


def shown(result: Any) -> tuple[str, int, int | None]:
    assert "errors" not in result
    state = result["data"]["exportProgress"]
    return state["status"], state["progress"]["rowsWritten"], state["progress"]["rowsTotal"]


@both
def test_progress_is_told_until_the_export_is_completed(account: Account, transport: Transport) -> None:
    held = Held(account)
    results = transport(account, WATCH, id=held.id)
    assert shown(next(results)) == ("PROCESSING", 0, None)
    held.move(10, 1000)
    assert shown(next(results)) == ("PROCESSING", 10, 1000)
    held.move(999, 1000)
    assert shown(next(results)) == ("PROCESSING", 999, 1000)
    held.complete(1000)
    last = next(results)
    assert shown(last) == ("COMPLETED", 1000, 1000)
    assert last["data"]["exportProgress"]["recordCount"] == 1000
    assert list(results) == []


@both
@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_the_end_of_an_export_is_told(account: Account, transport: Transport, status: str) -> None:
    held = Held(account)
    results = transport(account, WATCH, id=held.id)
    assert shown(next(results)) == ("PROCESSING", 0, None)
    if status == "FAILED":
        held.fail("No space left.")
    else:
        account.graphql("mutation($id: ID!) { cancelExport(id: $id) { id } }", id=held.id)
    last = next(results)
    assert shown(last) == (status, 0, None)
    message = {"FAILED": "No space left.", "CANCELLED": "The export was cancelled"}[status]
    assert last["data"]["exportProgress"]["errorMessage"] == message
    assert list(results) == []


@both
@pytest.mark.parametrize("status", [ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED])
def test_an_export_that_has_ended_is_told_once(account: Account, transport: Transport, status: ExportStatus) -> None:
    [result] = transport(account, WATCH, id=put_export(account, status))
    assert shown(result) == (status.name, 0, None)


@both
def test_an_export_from_its_start_to_its_file(account: Account, transport: Transport) -> None:
    account.record(*({"id": f"{n:04}", "description": "x" * 500} for n in range(2000)))
    create = 'mutation { createExport(input: {format: JSONL, fields: ["id", "description"]}) { id } }'
    id = account.graphql(create)["createExport"]["id"]
    results = list(transport(account, WATCH, id=id))
    told = [shown(result) for result in results]
    order = ["PENDING", "PROCESSING", "COMPLETED"]
    assert told == sorted(told, key=lambda state: (order.index(state[0]), state[1]))
    assert told[-1] == ("COMPLETED", 2000, 2000)
    assert len(set(told)) == len(told)
    file = httpx.get(results[-1]["data"]["exportProgress"]["downloadUrl"], verify=False).content
    assert file.count(b"\n") == 2000


@both
def test_an_export_that_is_deleted_is_gone_for_those_who_watch(account: Account, transport: Transport) -> None:
    held = Held(account)
    results = transport(account, WATCH, id=held.id)
    assert shown(next(results)) == ("PROCESSING", 0, None)
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=held.id)
    [last] = results
    assert refusal(last) == ("Export not found", {"code": "NOT_FOUND"})


@both
@pytest.mark.parametrize("whose", ["unknown", "another's"])
def test_an_export_that_is_not_there(
    account: Account, make_account: Callable[[], Account], transport: Transport, whose: str
) -> None:
    id = UNKNOWN if whose == "unknown" else put_export(make_account(), ExportStatus.PROCESSING)
    [result] = transport(account, WATCH, id=id)
    assert refusal(result) == ("Export not found", {"code": "NOT_FOUND"})


@both
def test_an_id_that_no_export_can_have(account: Account, transport: Transport) -> None:
    [result] = transport(account, WATCH, id="nope")
    assert refusal(result) == ("The id of an export is a UUID.", {"code": "VALIDATION_ERROR", "field": "id"})


@both
def test_a_key_that_is_revoked_watches_no_longer(account: Account, transport: Transport) -> None:
    held = Held(account)
    with closing(transport(account, WATCH, id=held.id)) as results:
        assert shown(next(results)) == ("PROCESSING", 0, None)
        revoke(account, Scope.READ)
        held.complete(1)
        [last] = results
    assert refusal(last) == ("The API key was deactivated.", {"code": "DEACTIVATED_API_KEY"})


def revoke(account: Account, scope: Scope) -> None:
    with account.database.write() as session:
        auth.revoke_key(session, account.keys[scope][:17])


@both
def test_a_query_is_one_result(account: Account, transport: Transport) -> None:
    assert list(transport(account, "{ __typename }")) == [{"data": {"__typename": "Query"}}]


@both
def test_a_read_key_records_nothing(account: Account, transport: Transport) -> None:
    [result] = transport(account, RECORD)
    assert refusal(result)[1] == {"code": "AUTHZ_ERROR"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


# WebSocket: who may


def keys_that_work(account: Account) -> dict[str, tuple[str | None, Any]]:
    """Header and payload of `connection_init`."""
    key = f"Bearer {account.keys[Scope.READ]}"
    return {
        "payload": (None, {"Authorization": key}),
        "payload in small letters": (None, {"authorization": key}),
        "header": (key, {}),
        "header and no payload": (key, None),
        "header and other things": (key, {"client": "x", "authorization": None}),
        "the payload's comes first": ("Bearer wrong", {"Authorization": key}),
    }


def test_a_key_comes_in_the_payload_or_in_the_header(account: Account) -> None:
    for name, (authorization, payload) in keys_that_work(account).items():
        with opened(account, authorization) as socket:
            tell(socket, type="connection_init", **({} if payload is None else {"payload": payload}))
            assert hear(socket)["type"] == "connection_ack", name
            subscribe(socket, "{ __typename }")
            assert hear(socket) == {"id": "1", "type": "next", "payload": {"data": {"__typename": "Query"}}}
            assert hear(socket) == {"id": "1", "type": "complete"}


def test_without_a_key_that_works_there_is_no_connection(account: Account) -> None:
    revoke(account, Scope.ADMIN)
    key = account.keys[Scope.READ]
    refused: list[tuple[str | None, Any]] = [
        (None, None),
        (None, {}),
        (None, {"Authorization": None}),
        (None, {"Authorization": [f"Bearer {key}"]}),
        (None, {"Authorization": key}),
        (None, {"Authorization": f"Basic {key}"}),
        (None, {"Authorization": f"Bearer {key}x"}),
        (None, {"key": f"Bearer {key}"}),
        (None, {"Authorization": f"Bearer {account.keys[Scope.ADMIN]}"}),
        ("Bearer wrong", None),
        (f"Bearer {key}", {"Authorization": "Bearer wrong"}),
    ]
    for authorization, payload in refused:
        with opened(account, authorization) as socket:
            tell(socket, type="connection_init", **({} if payload is None else {"payload": payload}))
            assert closed(socket) == 4403, (authorization, payload)


def test_nothing_runs_before_the_key_was_looked_at(account: Account) -> None:
    with opened(account, f"Bearer {account.keys[Scope.WRITE]}") as socket:
        subscribe(socket, RECORD)
        assert closed(socket) == 4401
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_key_that_is_revoked_runs_nothing_more(account: Account) -> None:
    with admitted(account, Scope.WRITE) as socket:
        revoke(account, Scope.WRITE)
        subscribe(socket, RECORD)
        error = {"message": "The API key was deactivated.", "extensions": {"code": "DEACTIVATED_API_KEY"}}
        assert hear(socket) == {"id": "1", "type": "error", "payload": [error]}
    with account.connect(Scope.READ) as reader:
        assert reader.post("/graphql", json={"query": COUNT}).json()["data"] == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_cannot_connect(account: Account, origin: str) -> None:
    with pytest.raises(InvalidStatus) as raised, opened(account, origin=origin):
        pass
    assert raised.value.response.status_code == 403


def test_our_own_page_connects(account: Account) -> None:
    with opened(account, f"Bearer {account.keys[Scope.READ]}", origin=account.stack.url) as socket:
        tell(socket, type="connection_init")
        assert hear(socket)["type"] == "connection_ack"


def test_the_old_protocol_is_not_spoken(account: Account) -> None:
    with opened(account, protocol="graphql-ws") as socket:
        assert closed(socket) == 4406


# WebSocket: the protocol


def test_operations_run_side_by_side_on_one_connection(account: Account) -> None:
    held = Held(account)
    with admitted(account, Scope.WRITE) as socket:
        subscribe(socket, WATCH, "watched", id=held.id)
        assert hear(socket)["id"] == "watched"
        tell(socket, type="ping")
        assert hear(socket) == {"type": "pong"}
        subscribe(socket, RECORD, "recorded")
        data = {"recordDescriptions": {"recorded": 1}}
        assert hear(socket) == {"id": "recorded", "type": "next", "payload": {"data": data}}
        assert hear(socket) == {"id": "recorded", "type": "complete"}
        held.fail("enough")
        assert hear(socket)["payload"]["data"]["exportProgress"]["status"] == "FAILED"
        assert hear(socket) == {"id": "watched", "type": "complete"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 1}}


def test_who_has_seen_enough_hears_no_more(account: Account) -> None:
    held = Held(account)
    with admitted(account) as socket:
        subscribe(socket, WATCH, id=held.id)
        assert hear(socket)["type"] == "next"
        tell(socket, type="complete", id="1")
        tell(socket, type="ping")
        assert hear(socket) == {"type": "pong"}
        held.fail("unheard")
        subscribe(socket, WATCH, "2", id=held.id)
        assert hear(socket)["id"] == "2"
        assert hear(socket) == {"id": "2", "type": "complete"}
        subscribe(socket, "{ __typename }", "1")
        assert hear(socket) == {"id": "1", "type": "next", "payload": {"data": {"__typename": "Query"}}}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("", "Syntax Error: Unexpected <EOF>."),
        ("{ nope }", "Cannot query field 'nope' on type 'Query'."),
        ("subscription { exportProgress { id } }", "Argument 'Subscription.exportProgress(id:)' of type 'ID!'"),
        ("subscription($id: ID!) { exportProgress(id: $id) { id } }", "Variable '$id' has invalid value"),
        ("query A { __typename } query B { __typename }", "There are several operations"),
    ],
)
def test_what_cannot_be_executed_is_an_error_of_that_operation(account: Account, query: str, message: str) -> None:
    with admitted(account) as socket:
        subscribe(socket, query)
        told = hear(socket)
        assert (told["id"], told["type"]) == ("1", "error")
        assert told["payload"][0]["message"].startswith(message)
        subscribe(socket, "{ __typename }")
        assert hear(socket)["payload"] == {"data": {"__typename": "Query"}}


def test_a_query_of_great_length_is_refused(account: Account) -> None:
    with admitted(account) as socket:
        subscribe(socket, "{ __typename }" + " " * 200_000)
        message = "A query has at most 200000 characters: send what is large as variables."
        error = {"message": message, "extensions": {"code": "PAYLOAD_TOO_LARGE"}}
        assert hear(socket) == {"id": "1", "type": "error", "payload": [error]}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ("null", 4400),
        ('"connection_init"', 4400),
        ("{}", 4400),
        ('{"type": 1}', 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "complete"}', 4400),
        ('{"type": "complete", "id": 1}', 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": "1"}', 4400),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": []}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": {"a": NaN}}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "operationName": 1}}', 4400),
        ('{"type": "connection_init"}', 4429),
        (b"\x00", 4400),
    ],
)
def test_a_message_that_breaks_the_protocol_ends_the_connection(
    account: Account, message: str | bytes, code: int
) -> None:
    with admitted(account) as socket:
        socket.send(message)
        assert closed(socket) == code


def test_an_id_is_used_once_at_a_time(account: Account) -> None:
    held = Held(account)
    with admitted(account) as socket:
        subscribe(socket, WATCH, id=held.id)
        assert hear(socket)["type"] == "next"
        subscribe(socket, WATCH, id=held.id)
        assert closed(socket) == 4409


# SSE


def test_a_subscription_by_get(account: Account) -> None:
    params = {"query": WATCH, "variables": json.dumps({"id": put_export(account, ExportStatus.FAILED)})}
    response = account.client.get("/graphql", params=params, headers={"Accept": EVENT_STREAM})
    assert "\r" not in response.text
    first, last, rest = response.text.split("\n\n")
    assert first.startswith('event: next\ndata: {"data":{"exportProgress":{"status":"FAILED",')
    assert (last, rest) == ("event: complete\ndata: ", "")


def test_what_may_be_json_is_json_but_for_a_subscription(account: Account) -> None:
    headers = {"Accept": f"{JSON}, {EVENT_STREAM}"}
    response = account.client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.json() == {"data": {"__typename": "Query"}}
    body = {"query": WATCH, "variables": {"id": put_export(account, ExportStatus.FAILED)}}
    response = account.client.post("/graphql", json=body, headers=headers)
    assert response.headers["content-type"].startswith(EVENT_STREAM)
    assert response.text.endswith("event: complete\ndata: \n\n")
    response = account.client.post("/graphql", json=body, headers={"Accept": f"{JSON}, {EVENT_STREAM};q=0"})
    assert response.status_code == 406


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nope }", "Cannot query field 'nope' on type 'Query'."),
        ("query A { __typename } query B { __typename }", "There are several operations: say which one"),
        ("subscription { exportProgress { id } }", "Argument 'Subscription.exportProgress(id:)' of type 'ID!'"),
        (WATCH, "Variable '$id' has invalid value"),
    ],
)
def test_what_cannot_be_executed_is_told_in_the_stream(account: Account, query: str, message: str) -> None:
    [result] = over_sse(account, query)
    assert list(result) == ["errors"]
    assert result["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize("authorization", [None, "Bearer wrong"])
def test_a_stream_needs_a_key(account: Account, authorization: str | None) -> None:
    headers = {"Accept": EVENT_STREAM} | ({"Authorization": authorization} if authorization else {})
    body = {"query": WATCH, "variables": {"id": put_export(account, ExportStatus.FAILED)}}
    response = httpx.post(f"{account.stack.url}/graphql", json=body, headers=headers, verify=False)
    assert response.status_code == 401
    assert code_of(response) == "INVALID_API_KEY"
