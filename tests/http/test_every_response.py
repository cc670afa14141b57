"""What every response has: a request ID, and the documented shape where there is no such path."""

import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import EXPORT, LIST, UNKNOWN


@pytest.mark.parametrize("given", ["12345678", "req_abc-123.4:5", UNKNOWN, "x" * 128])
def test_a_well_formed_request_id_comes_back(
    recorded: Callable[[str], Account], given: str, stranger: httpx.Client
) -> None:
    account = recorded("dated")
    for path in (LIST, f"{EXPORT}/{UNKNOWN}", f"{LIST}?limit=0", "/health/live", "/nowhere"):
        response = account.client.get(path, headers={"X-Request-ID": given})
        assert response.headers["x-request-id"] == given
    response = stranger.get(LIST, headers={"X-Request-ID": given})
    assert (response.headers["x-request-id"], response.json()["request_id"]) == (given, given)


@pytest.mark.parametrize(
    "given", [None, "", "short", "has space", "x" * 129, "né-à-l-instant", "a;b=c,d=e", "<script>"]
)
def test_another_request_id_is_replaced_by_a_uuid4(recorded: Callable[[str], Account], given: str | None) -> None:
    headers: dict[bytes, bytes] = {} if given is None else {b"X-Request-ID": given.encode()}
    response = recorded("dated").client.get(LIST, headers=headers)
    assert uuid.UUID(response.headers["x-request-id"]).version == 4


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/v2/data", 404, "Not Found"),
        ("GET", "/api/v1/data/descriptions", 404, "Not Found"),
        ("POST", LIST, 405, "Method Not Allowed"),
        ("DELETE", f"{EXPORT}/{UNKNOWN}", 405, "Method Not Allowed"),
        ("GET", EXPORT, 405, "Method Not Allowed"),
    ],
)
def test_other_paths_and_methods_are_refused_in_the_documented_shape(
    recorded: Callable[[str], Account], method: str, path: str, status: int, detail: str
) -> None:
    response = recorded("dated").client.request(method, path)
    assert (response.status_code, response.json()) == (status, {"detail": detail})
