"""WebSockets within bounds, and what is wrong with one operation."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from app.engine.db import Database
from app.models import ExportStatus, Scope
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tests.graphql_schema.conftest import put_export
from tests.graphql_schema.test_subscriptions import WATCH, admitted, hear, opened, over_sse, subscribe, tell

TYPENAME = {"data": {"__typename": "Query"}}


def reason(socket: ClientConnection) -> tuple[int, str]:
    """What the server closes with, whatever it says before."""
    with pytest.raises(ConnectionClosed) as raised:
        _drain(socket)
    assert raised.value.rcvd is not None
    return raised.value.rcvd.code, raised.value.rcvd.reason


def _drain(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=20)


@pytest.mark.parametrize(
    "message",
    [
        json.dumps({"type": "ping", "payload": {"a": [[]] * 5000}}),
        json.dumps({"type": "connection_init", "payload": {"a": "x" * 9000}}),
        "[" * 9000,
    ],
)
def test_little_is_read_before_a_key_was_shown(account: Account, message: str) -> None:
    with opened(account) as socket:
        socket.send(message)
        assert reason(socket) == (1009, "Until a key was shown, a message has at most 8192 characters.")


def test_a_small_ping_is_answered_before_a_key_was_shown(account: Account) -> None:
    with opened(account) as socket:
        tell(socket, type="ping", payload={"a": "x" * 8000})
        assert hear(socket) == {"type": "pong"}


def test_who_shows_no_key_within_seconds_is_let_go(account: Account) -> None:
    with opened(account) as socket:
        tell(socket, type="ping")
        assert reason(socket) == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("type", ["ping", "pong"])
def test_a_ping_is_small(account: Account, type: str) -> None:
    with admitted(account) as socket:
        tell(socket, type=type, payload={"a": "x" * 9000})
        assert reason(socket) == (1009, "A ping has at most 8192 characters.")


def test_a_message_has_so_many_values(account: Account) -> None:
    with admitted(account) as socket:
        values = ",".join(["1"] * 500_001)
        socket.send(f'{{"id":"1","type":"subscribe","payload":{{"query":"{{a}}","variables":{{"a":[{values}]}}}}}}')
        assert reason(socket) == (1009, "A request holds at most 500000 JSON values: split it into several.")


def test_a_large_message_is_executed(account: Account) -> None:
    record = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded } }"
    result = {"id": "a", "sourceType": "s", "createdAt": "2025-01-01", "description": "x" * 300_000}
    with admitted(account, Scope.WRITE) as socket:
        subscribe(socket, record, input=[result])
        assert hear(socket)["payload"] == {"data": {"recordDescriptions": {"recorded": 1}}}


def test_what_one_operation_has_wrong_does_not_end_the_others(account: Account) -> None:
    with admitted(account) as socket:
        subscribe(socket, WATCH, "watched", id=put_export(account, ExportStatus.PENDING))
        assert hear(socket)["id"] == "watched"
        for payload, message in (
            ({"query": "{"}, "Syntax Error: Expected Name, found <EOF>."),
            ({"query": "{ __typename }", "operationName": "A"}, 'Unknown operation named "A".'),
            ({"query": "fragment A on Query { __typename }"}, "Can't get GraphQL operation type"),
        ):
            tell(socket, type="subscribe", id="wrong", payload=payload)
            told = hear(socket)
            assert (told["id"], told["type"], told["payload"][0]["message"]) == ("wrong", "error", message)
        tell(socket, type="subscribe", id="right", payload={"query": "{ __typename }", "operationName": ""})
        assert hear(socket) == {"id": "right", "type": "next", "payload": TYPENAME}
        assert hear(socket) == {"id": "right", "type": "complete"}


def test_a_connection_has_so_many_operations(account: Account) -> None:
    id = put_export(account, ExportStatus.PENDING)
    with admitted(account) as socket:
        for number in range(100):
            subscribe(socket, WATCH, str(number), id=id)
        assert {hear(socket)["type"] for _ in range(100)} == {"next"}
        subscribe(socket, "{ __typename }", "over")
        message = "At most 100 operations run on one connection: wait for one to end."
        error = {"message": message, "extensions": {"code": "RATE_LIMIT_ERROR"}}
        assert hear(socket) == {"id": "over", "type": "error", "payload": [error]}
        tell(socket, type="complete", id="0")
        subscribe(socket, "{ __typename }", "again")
        assert hear(socket) == {"id": "again", "type": "next", "payload": TYPENAME}


def test_what_a_client_breaks_off_is_no_error_of_ours(account: Account) -> None:
    log = account.stack.api_processes[0].log
    start = log.stat().st_size
    id = put_export(account, ExportStatus.PENDING)
    for message in ("{", "[]", b"\x00", '{"type": "subscribe"}', json.dumps({"type": "x" * 5000})):
        with admitted(account) as socket:
            subscribe(socket, WATCH, id=id)
            socket.send(message)
            assert reason(socket)[0] == 4400
    for _ in range(5):
        with admitted(account) as socket:
            for number in range(20):
                subscribe(socket, "{ descriptions { totalCount } }", str(number))
            socket.socket.close()
    next(results := over_sse(account, WATCH, id=id))
    results.close()
    with admitted(account) as socket:
        subscribe(socket, "{ __typename }")
        assert hear(socket)["type"] == "next"
    told = log.read_text()[start:]
    assert "Traceback" not in told
    assert "ERROR" not in told


# Bounds for each key


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of a server that lets each key have two of everything open."""
    settings = {"SIGHTLOG_RATE_LIMIT": "0", "SIGHTLOG_SUBSCRIPTIONS_PER_KEY": "2"}
    with ForkedStack(tmp_path_factory.mktemp("narrow"), settings) as stack:
        database = Database(stack.database_url)
        account = new_account(stack, database)
        yield account
        account.close()
        database.dispose()


def test_a_key_has_so_many_websockets(narrow: Account) -> None:
    for _ in range(3):  # those that were closed count no longer
        with admitted(narrow), admitted(narrow), opened(narrow) as third:
            tell(third, type="connection_init", payload={"Authorization": f"Bearer {narrow.keys[Scope.READ]}"})
            message = "At most 2 WebSockets may be open for one key: close one first."
            assert reason(third) == (4403, message)
            with admitted(narrow, Scope.WRITE):
                pass


def test_a_key_has_so_many_subscriptions(narrow: Account) -> None:
    id = put_export(narrow, ExportStatus.PENDING)
    message = "At most 2 subscriptions may be open for one key: close one first."
    refused: list[Any] = [{"message": message, "code": "RATE_LIMIT_ERROR"}]
    for _ in range(3):
        with admitted(narrow) as socket:
            for name in ("1", "2"):
                subscribe(socket, WATCH, name, id=id)
                assert hear(socket)["type"] == "next"
            subscribe(socket, WATCH, "3", id=id)
            [error] = hear(socket)["payload"]["errors"]
            assert [{"message": error["message"], "code": error["extensions"]["code"]}] == refused
            [result] = over_sse(narrow, WATCH, id=id)
            assert result["errors"][0]["message"] == message
            assert hear(socket) == {"id": "3", "type": "complete"}
            tell(socket, type="complete", id="2")
            subscribe(socket, WATCH, "4", id=id)
            assert hear(socket)["type"] == "next"
