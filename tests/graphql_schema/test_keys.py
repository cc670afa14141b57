"""viewer, and what an account does with its keys: apiKeys, createApiKey, revokeApiKey."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app import auth, keys
from app.errors import Conflict, InvalidInput, NotFound
from app.models import Scope
from app.runtime import Runtime
from tests.conftest import Account

KEY = "prefix name scope createdAt expiresAt lastUsedAt active"
LIST = f"{{ apiKeys {{ {KEY} }} }}"
CREATE = f"mutation($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ key apiKey {{ {KEY} }} }} }}"
REVOKE = f"mutation($prefix: ID!) {{ revokeApiKey(prefix: $prefix) {{ {KEY} }} }}"
VIEWER = "{ viewer { accountName scope keyPrefix keyName sessionExpiresAt } }"


def asked(account: Account, key: str, query: str, **variables: Any) -> Any:
    with httpx.Client(verify=False, headers={"Authorization": f"Bearer {key}"}) as client:
        return client.post(f"{account.stack.url}/graphql", json={"query": query, "variables": variables}).json()


def by_admin(account: Account, query: str, **variables: Any) -> Any:
    return asked(account, account.keys[Scope.ADMIN], query, **variables)


@pytest.mark.parametrize("scope", Scope)
def test_a_viewer_is_who_asks(account: Account, scope: Scope) -> None:
    told = asked(account, account.keys[scope], VIEWER)["data"]["viewer"]
    known = {"accountName": account.name, "scope": scope.name, "keyPrefix": account.keys[scope][:17]}
    assert told == known | {"keyName": None, "sessionExpiresAt": None}


def test_a_key_is_made_used_listed_and_revoked(account: Account) -> None:
    input = {"name": "nightly import", "scope": "WRITE", "expiresInDays": 30}
    made = by_admin(account, CREATE, input=input)["data"]["createApiKey"]
    key, shown = made["key"], made["apiKey"]
    assert re.fullmatch(r"sightlog_[A-Za-z0-9]{8}[A-Za-z0-9_-]{43}", key)
    assert shown["prefix"] == key[:17]
    assert (shown["name"], shown["scope"], shown["active"]) == ("nightly import", "WRITE", True)
    assert shown["lastUsedAt"] is None
    lasts = datetime.fromisoformat(shown["expiresAt"]) - datetime.fromisoformat(shown["createdAt"])
    assert lasts == timedelta(days=30)
    assert asked(account, key, VIEWER)["data"]["viewer"]["keyName"] == "nightly import"

    listed = by_admin(account, LIST)["data"]["apiKeys"]
    assert listed[0] == shown
    assert {one["prefix"] for one in listed[1:]} == {one[:17] for one in account.keys.values()}
    assert key not in str(listed)

    revoked = by_admin(account, REVOKE, prefix=key[:17])["data"]["revokeApiKey"]
    assert revoked == shown | {"active": False}
    assert by_admin(account, REVOKE, prefix=key[:17])["data"]["revokeApiKey"] == revoked
    assert by_admin(account, LIST)["data"]["apiKeys"][0] == revoked
    assert asked(account, key, VIEWER)["errors"][0]["extensions"]["code"] == "DEACTIVATED_API_KEY"


def test_a_key_is_for_reading_and_for_good_unless_more_is_said(account: Account) -> None:
    made = by_admin(account, CREATE, input={"name": None})["data"]["createApiKey"]["apiKey"]
    assert (made["name"], made["scope"], made["expiresAt"]) == (None, "READ", None)


def test_the_key_in_use_may_be_revoked(account: Account) -> None:
    key = account.keys[Scope.ADMIN]
    assert by_admin(account, REVOKE, prefix=key[:17])["data"]["revokeApiKey"]["active"] is False
    assert by_admin(account, LIST)["errors"][0]["extensions"]["code"] == "DEACTIVATED_API_KEY"


def test_an_expired_key_is_listed_as_one_that_does_not_work(account: Account) -> None:
    with account.database.write() as session:
        key = auth.create_key(session, account.id, Scope.READ, expires_in=timedelta(seconds=-1))
    [shown] = [one for one in by_admin(account, LIST)["data"]["apiKeys"] if one["prefix"] == key[:17]]
    assert (shown["active"], shown["expiresAt"] < datetime.now(UTC).isoformat()) == (False, True)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
@pytest.mark.parametrize(("query", "variables"), [(LIST, {}), (CREATE, {"input": {}}), (REVOKE, {"prefix": "own"})])
def test_keys_are_for_admins(account: Account, scope: Scope, query: str, variables: dict[str, Any]) -> None:
    before = by_admin(account, LIST)
    key = account.keys[scope]
    variables = {"prefix": key[:17]} if "prefix" in variables else variables
    error = asked(account, key, query, **variables)["errors"][0]
    assert error["extensions"] == {"code": "AUTHZ_ERROR"}
    assert error["message"] == f"This needs an API key with the scope 'admin'; this one has '{scope}'."
    assert [one["prefix"] for one in by_admin(account, LIST)["data"]["apiKeys"]] == [
        one["prefix"] for one in before["data"]["apiKeys"]
    ]


def test_a_key_of_another_account_is_not_found(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    for prefix in (other.keys[Scope.READ][:17], "sightlog_unknown0", "", "sightlog_", account.keys[Scope.READ][:12]):
        error = by_admin(account, REVOKE, prefix=prefix)["errors"][0]
        assert (error["message"], error["extensions"]) == ("API key not found", {"code": "NOT_FOUND"})
    assert all(one["active"] for one in by_admin(other, LIST)["data"]["apiKeys"])
    assert len(by_admin(account, LIST)["data"]["apiKeys"]) == 3


@pytest.mark.parametrize(
    ("input", "field", "message"),
    [
        ({"expiresInDays": 0}, "expiresInDays", "A key expires in 1 to 3650 days, or not at all."),
        ({"expiresInDays": -1}, "expiresInDays", "A key expires in 1 to 3650 days, or not at all."),
        ({"expiresInDays": 3651}, "expiresInDays", "A key expires in 1 to 3650 days, or not at all."),
        ({"name": "x" * 101}, "name", "The name of a key is 1 to 100 letters, digits, spaces or other signs."),
        ({"name": "a\nb"}, "name", "The name of a key is 1 to 100 letters, digits, spaces or other signs."),
    ],
)
def test_what_cannot_be_meant_is_refused(account: Account, input: Any, field: str, message: str) -> None:
    error = by_admin(account, CREATE, input=input)["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == (message, "VALIDATION_ERROR")
    assert error["extensions"]["field"].endswith(field)
    assert len(by_admin(account, LIST)["data"]["apiKeys"]) == 3


def test_an_account_has_so_many_keys(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 3)
    made: list[str] = []

    def make(days: int | None = None) -> None:
        with core.database.write() as session:
            made.append(keys.create(session, account_id, Scope.READ, days=days, name=None)[1].key_prefix)

    for _ in range(3):
        make()
    with pytest.raises(Conflict, match=r"^An account has 3 keys at most: revoke one first\.$"):
        make()
    with core.database.write() as session:
        keys.revoke(session, account_id, made[0])
    make()
    with core.database.read() as session:
        assert [key.key_prefix for key in keys.newest(session, account_id)] == made[:0:-1]
    with pytest.raises(NotFound), core.database.write() as session:
        keys.revoke(session, account_id + 1_000_000, made[1])
    with pytest.raises(InvalidInput):
        make(days=0)
