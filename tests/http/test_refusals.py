"""What is refused before anything is done has the shape of its path: REST's envelope or detail, GraphQL's errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.models import Account as AccountRow
from app.models import Scope
from tests.conftest import Account

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EXPORT = "/api/v2/data/export"
MEBIBYTE = b"x" * 2**20


def refused(account: Account, path: str, content: Any, **headers: str) -> Any:
    response = account.client.post(path, content=content, headers={"Content-Type": JSON} | headers)
    media_type = response.headers["content-type"]
    return response.status_code, response.headers["x-request-id"], media_type, response.json()


def pieces() -> Iterator[bytes]:
    """Of a length that is not told before."""
    yield from [MEBIBYTE] * 17


@pytest.mark.parametrize("content", [MEBIBYTE * 17, pieces], ids=["told", "not told"])
@pytest.mark.parametrize("accepted", [JSON, RESPONSE_JSON])
def test_a_body_that_is_too_large_for_graphql(account: Account, content: Any, accepted: str) -> None:
    given = content() if callable(content) else content
    status, request_id, media_type, answer = refused(account, "/graphql", given, Accept=accepted)
    message = "The request's body is larger than 16777216 bytes."
    extensions = {"code": "PAYLOAD_TOO_LARGE", "requestId": request_id}
    assert (status, media_type) == (413, f"{accepted}; charset=utf-8")
    assert answer == {"errors": [{"message": message, "extensions": extensions}]}


@pytest.mark.parametrize("content", [MEBIBYTE * 17, pieces], ids=["told", "not told"])
def test_a_body_that_is_too_large_for_rest(account: Account, content: Any) -> None:
    given = content() if callable(content) else content
    status, _, media_type, answer = refused(account, EXPORT, given)
    message = "The request's body is larger than 16777216 bytes."
    assert (status, media_type) == (413, JSON)
    assert answer == {"detail": {"code": "PAYLOAD_TOO_LARGE", "message": message}}


def test_a_document_that_is_too_long(account: Account) -> None:
    status, request_id, media_type, answer = refused(account, "/graphql", b'{"query": "%s"}' % (b"#" * 200_001))
    message = "A query has at most 200000 characters: send what is large as variables."
    extensions = {"code": "PAYLOAD_TOO_LARGE", "requestId": request_id}
    assert (status, media_type) == (413, f"{JSON}; charset=utf-8")
    assert answer == {"errors": [{"message": message, "extensions": extensions}]}


def test_too_many_requests(account: Account) -> None:

    with account.database.write() as session:
        row = session.get(AccountRow, account.id)
        assert row is not None
        row.rate_limit = 1
    with account.connect(Scope.READ) as client:
        assert client.get("/graphql", params={"query": "{ __typename }"}).status_code == 200
        response = client.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": RESPONSE_JSON})
    extensions = {"code": "RATE_LIMIT_ERROR", "requestId": response.headers["x-request-id"]}
    message = "Too many requests: 1 a minute are allowed. Please wait."
    assert response.status_code == 429
    assert response.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"
    assert response.json() == {"errors": [{"message": message, "extensions": extensions}]}
    assert 0 < int(response.headers["retry-after"]) <= 60
