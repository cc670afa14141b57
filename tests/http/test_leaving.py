"""A client that leaves: what it asked ends with it, what it changes is done."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from app.models import ExportStatus
from tests.conftest import Account, only_servers
from tests.graphql_schema.conftest import put_export
from tests.http import own

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
RECORD = 'mutation { recordDescriptions(input: [{id: "a", sourceType: "s", createdAt: "2025-01-01"}]) { recorded } }'
WATCH = 'subscription { exportProgress(id: "%s") { status } }'


@contextmanager
def locked(account: Account, statement: str) -> Iterator[None]:
    """What others do waits for us."""
    with account.database.write() as session:
        session.connection().execute(text(statement))
        yield


def post(account: Account, path: str, body: object, request_id: str, *headers: str) -> bytes:
    content = json.dumps(body).encode()
    given = (f"X-Request-ID: {request_id}", "Content-Type: application/json", f"Content-Length: {len(content)}")
    return own.head(account, f"POST {path}", *given, *headers) + content


def asks(account: Account, request_id: str) -> dict[str, bytes]:
    query = f"{LIST}?search={request_id}"
    asked = '{ descriptions(filter: {search: ["%s"]}) { totalCount } }' % request_id  # noqa: UP031
    return {
        "rest": own.head(account, f"GET {query}", f"X-Request-ID: {request_id}"),
        "graphql": post(account, "/graphql", {"query": asked}, request_id),
    }


@only_servers
@pytest.mark.parametrize("edge", ["rest", "graphql"])
def test_a_question_ends_with_its_client(account: Account, edge: str) -> None:
    request_id = f"request-{uuid.uuid4()}"
    with locked(account, "LOCK TABLE descriptions IN ACCESS EXCLUSIVE MODE"):
        with own.connected(account, asks(account, request_id)[edge]):
            own.becomes(True, lambda: waiting(account))
        own.becomes(False, lambda: waiting(account))  # the database does not go on either
        own.becomes(1, lambda: len(own.logged(account, request_id)))
        [line] = own.logged(account, request_id)
        assert line.endswith(" 499")
    assert "Traceback" not in own.log_of(account)


def waiting(account: Account) -> bool:
    """Whether any statement waits for a lock in our database."""
    asked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with account.database.read() as session:
        return bool(session.connection().scalar(text(asked)))


@only_servers
@pytest.mark.parametrize("edge", ["rest", "graphql"])
def test_what_a_client_changes_is_done_without_it(account: Account, edge: str) -> None:
    request_id = f"request-{uuid.uuid4()}"
    asked = {
        "rest": post(account, EXPORT, {"data_type": "descriptions", "format": "csv"}, request_id),
        "graphql": post(account, "/graphql", {"query": RECORD}, request_id),
    }[edge]
    with locked(account, "LOCK TABLE exports, descriptions IN SHARE MODE"):
        with own.connected(account, asked):
            own.becomes(True, lambda: waiting(account))
        assert waiting(account)
    counted = "{ exports { totalCount } descriptions { totalCount } }"
    expected = {"rest": (1, 0), "graphql": (0, 1)}[edge]
    own.becomes(expected, lambda: tuple(found["totalCount"] for found in account.graphql(counted).values()))
    status = {"rest": "POST /api/v2/data/export 202", "graphql": "POST /graphql 200"}[edge]
    own.becomes([status], lambda: own.logged(account, request_id))


def test_a_stream_ends_with_its_client(account: Account) -> None:
    request_id = f"request-{uuid.uuid4()}"
    body = {"query": WATCH % put_export(account, ExportStatus.PROCESSING)}
    with own.connected(account, post(account, "/graphql", body, request_id, "Accept: text/event-stream")) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    own.becomes(["POST /graphql 499"], lambda: own.logged(account, request_id))
    assert "Traceback" not in own.log_of(account)
