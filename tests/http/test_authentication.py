"""Every path needs a key that is alive."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from app import auth
from app.models import Scope
from tests.conftest import Account, code_of
from tests.rest_compat.conftest import EXPORT, LIST, MINIMAL, UNKNOWN

PATHS = [
    ("GET", LIST, None),
    ("GET", f"{LIST}?limit=nonsense", None),
    ("POST", EXPORT, b'{"data_type": "descriptions", "format": "csv"}'),
    ("POST", EXPORT, b"{"),
    ("POST", EXPORT, b""),
    ("GET", f"{EXPORT}/{UNKNOWN}", None),
    ("GET", f"{EXPORT}/nonsense", None),
    ("POST", "/graphql", b'{"query": "{ __typename }"}'),
    ("POST", "/graphql", b"{"),
    ("GET", "/graphql?query={__typename}", None),
]


def send(
    stranger: httpx.Client, method: str, path: str, body: bytes | None, authorization: str | None
) -> httpx.Response:
    content_type = {"Content-Type": "application/json"} if body is not None else {}
    headers = {} if authorization is None else {"Authorization": authorization}
    return stranger.request(method, path, content=body, headers=headers | content_type)


def assert_refused(path: str, response: httpx.Response, status: int, code: str) -> None:
    """In the shape of the path."""
    if path.startswith("/graphql"):
        assert (response.status_code, code_of(response)) == (status, code)
        return
    answer = response.json()
    assert (response.status_code, answer["error"]["code"]) == (status, code)
    assert list(answer) == ["error", "request_id"]
    assert list(answer["error"]) == ["code", "message", "details"]
    assert answer["error"]["details"] == {}
    assert re.fullmatch(r"[A-Z].*\.", answer["error"]["message"])
    assert answer["request_id"] == response.headers["x-request-id"]
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_every_path_needs_a_key(
    recorded: Callable[[str], Account], stranger: httpx.Client, method: str, path: str, body: bytes | None
) -> None:
    key = recorded("dated").keys[Scope.READ]
    for authorization in (
        None,
        "",
        "Bearer",
        key,
        f"Basic {key}",
        f"Bearer{key}",
        f"Bearer {key} {key}",
        f"Bearer {key[:-1]}",
        f"Bearer {key}x",
        f"Bearer {key[:17]}{'A' * 43}",
        f"Bearer sightlog_{'A' * 51}",
        "Bearer nonsense",
        f"Bearer {'x' * 5000}",
    ):
        response = send(stranger, method, path, body, authorization)
        assert_refused(path, response, 401, "INVALID_API_KEY")
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.fixture(scope="module")
def dead_keys(recorded: Callable[[str], Account]) -> dict[str, str]:
    account = recorded("dated")
    with account.database.write() as session:
        expired = auth.create_key(session, account.id, Scope.ADMIN, expires_in=timedelta(seconds=-1))
        deactivated = auth.create_key(session, account.id, Scope.ADMIN)
        auth.revoke_key(session, deactivated[:17])
    return {"EXPIRED_API_KEY": expired, "DEACTIVATED_API_KEY": deactivated}


@pytest.mark.parametrize("code", ["EXPIRED_API_KEY", "DEACTIVATED_API_KEY"])
@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_an_expired_and_a_deactivated_key_are_401(
    dead_keys: dict[str, str], stranger: httpx.Client, method: str, path: str, body: bytes | None, code: str
) -> None:
    response = send(stranger, method, path, body, f"Bearer {dead_keys[code]}")
    assert_refused(path, response, 401, code)
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_query_is_none(recorded: Callable[[str], Account], stranger: httpx.Client) -> None:
    key = recorded("dated").keys[Scope.ADMIN]
    for name in ("api_key", "key", "token", "access_token", "authorization"):
        response = stranger.get(LIST, params={name: key})
        assert_refused(LIST, response, 401, "INVALID_API_KEY")


@pytest.mark.parametrize("scope", Scope)
def test_a_key_of_any_scope_may_list_and_export(
    recorded: Callable[[str], Account], stranger: httpx.Client, scope: Scope
) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {recorded('dated').keys[scope]}"}
        assert stranger.get(LIST, headers=headers).status_code == 200
        response = stranger.post(EXPORT, headers=headers, json=MINIMAL)
        assert response.status_code == 202
        assert stranger.get(f"{EXPORT}/{response.json()['export_id']}", headers=headers).status_code == 200
