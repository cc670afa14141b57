"""viewer, and what an account does with its keys: apiKeys, createApiKey, limitApiKey, revokeApiKey."""

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

KEY = "prefix name scope createdAt expiresAt lastUsedAt active requestsPerMinute"
LIST = f"{{ apiKeys {{ {KEY} }} }}"
CREATE = f"mutation($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ key apiKey {{ {KEY} }} }} }}"
LIMIT = f"mutation($prefix: ID!, $n: Int) {{ limitApiKey(prefix: $prefix, requestsPerMinute: $n) {{ {KEY} }} }}"
REVOKE = f"mutation($prefix: ID!) {{ revokeApiKey(prefix: $prefix) {{ {KEY} }} }}"
VIEWER = "{ viewer { accountName scope keyPrefix keyName sessionExpiresAt } }"
LIMITS = "{ viewer { requestsPerMinute accountRequestsPerMinute } }"


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
    assert made["requestsPerMinute"] is None


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
@pytest.mark.parametrize(
    ("query", "variables"),
    [(LIST, {}), (CREATE, {"input": {}}), (LIMIT, {"prefix": "own", "n": 5}), (REVOKE, {"prefix": "own"})],
)
def test_keys_are_for_admins(account: Account, scope: Scope, query: str, variables: dict[str, Any]) -> None:
    before = by_admin(account, LIST)
    key = account.keys[scope]
    variables = variables | {"prefix": key[:17]} if "prefix" in variables else variables
    error = asked(account, key, query, **variables)["errors"][0]
    assert error["extensions"] == {"code": "AUTHZ_ERROR"}
    assert error["message"] == f"This needs an API key with the scope 'admin'; this one has '{scope}'."
    known = [(one["prefix"], one["requestsPerMinute"]) for one in by_admin(account, LIST)["data"]["apiKeys"]]
    assert known == [(one["prefix"], one["requestsPerMinute"]) for one in before["data"]["apiKeys"]]


def test_a_key_of_another_account_is_not_found(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    for prefix in (other.keys[Scope.READ][:17], "sightlog_unknown0", "", "sightlog_", account.keys[Scope.READ][:12]):
        for query, variables in ((REVOKE, {}), (LIMIT, {"n": 5}), (LIMIT, {"n": None})):
            error = by_admin(account, query, prefix=prefix, **variables)["errors"][0]
            assert (error["message"], error["extensions"]) == ("API key not found", {"code": "NOT_FOUND"})
    kept = [(one["active"], one["requestsPerMinute"]) for one in by_admin(other, LIST)["data"]["apiKeys"]]
    assert kept == [(True, None)] * 3
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


def told(account: Account, key: str) -> tuple[tuple[int, int], str | None]:
    """What the viewer may send, and what a key of its account may, and what the headers say of it."""
    with httpx.Client(verify=False, headers={"Authorization": f"Bearer {key}"}) as client:
        graphql = client.post(f"{account.stack.url}/graphql", json={"query": LIMITS})
        rest = client.get(f"{account.stack.url}/api/v2/data/descriptions")
    assert graphql.headers.get("X-RateLimit-Limit") == rest.headers.get("X-RateLimit-Limit")
    viewer = graphql.json()["data"]["viewer"]
    return (viewer["requestsPerMinute"], viewer["accountRequestsPerMinute"]), rest.headers.get("X-RateLimit-Limit")


def shown(account: Account, key: str) -> int | None:
    listed = by_admin(account, LIST)["data"]["apiKeys"]
    [found] = [one["requestsPerMinute"] for one in listed if one["prefix"] == auth.prefix_of(key)]
    assert found is None or isinstance(found, int)
    return found


def limited(account: Account, limit: str) -> None:
    with account.database.write() as session:
        auth.limit_account(session, account.name, limit)


def test_a_key_has_a_limit_of_its_own(account: Account) -> None:
    """The server has none (0), the account one of 200."""
    limited(account, "200")
    made = by_admin(account, CREATE, input={"requestsPerMinute": 20})["data"]["createApiKey"]
    key, prefix = made["key"], made["apiKey"]["prefix"]
    assert made["apiKey"]["requestsPerMinute"] == shown(account, key) == 20
    assert told(account, key) == ((20, 200), "20")
    assert told(account, account.keys[Scope.READ]) == ((200, 200), "200")
    for limit in (7, 200, 1):
        assert by_admin(account, LIMIT, prefix=prefix, n=limit)["data"]["limitApiKey"]["requestsPerMinute"] == limit
        assert shown(account, key) == limit
    assert by_admin(account, LIMIT, prefix=prefix)["data"]["limitApiKey"] == made["apiKey"] | {
        "requestsPerMinute": None,
        "lastUsedAt": by_admin(account, LIST)["data"]["apiKeys"][0]["lastUsedAt"],
    }
    assert told(account, key) == ((200, 200), "200")


def test_the_key_in_use_may_be_limited(account: Account) -> None:
    key = account.keys[Scope.ADMIN]
    assert told(account, key) == ((0, 0), None)
    by_admin(account, LIMIT, prefix=key[:17], n=30)
    assert told(account, key) == ((30, 0), "30")
    by_admin(account, LIMIT, prefix=key[:17], n=None)
    assert told(account, key) == ((0, 0), None)


@pytest.mark.parametrize(
    ("of_account", "limit", "message"),
    [
        ("200", 201, "200 requests a minute, as its account has no more. Leave it out for as many as its account has."),
        ("200", 0, "200 requests a minute, as its account has no more. Leave it out for as many as its account has."),
        ("200", -1, "200 requests a minute, as its account has no more. Leave it out for as many as its account has."),
        ("0", 0, "2147483647 requests a minute. Leave it out for no limit."),
    ],
)
def test_a_key_gets_no_more_than_its_account(account: Account, of_account: str, limit: int, message: str) -> None:
    limited(account, of_account)
    key = account.keys[Scope.READ]
    message = f"The limit of a key is 1 to {message}"
    extensions = {"code": "VALIDATION_ERROR", "field": "requestsPerMinute"}
    asked: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"input": {"requestsPerMinute": limit}}),
        (LIMIT, {"prefix": key[:17], "n": limit}),
    ]
    for query, variables in asked:
        error = by_admin(account, query, **variables)["errors"][0]
        assert (error["message"], error["extensions"]) == (message, extensions)
    assert [one["requestsPerMinute"] for one in by_admin(account, LIST)["data"]["apiKeys"]] == [None] * 3


def test_an_account_that_gets_less_takes_its_keys_along(account: Account) -> None:
    """But not those to which the operator has given more."""
    own, given = account.keys[Scope.READ], account.keys[Scope.WRITE]
    limited(account, "200")
    by_admin(account, LIMIT, prefix=own[:17], n=150)
    with account.database.write() as session:
        auth.limit_key(session, given, "400")
    assert [told(account, key) for key in (own, given)] == [((150, 200), "150"), ((400, 200), "400")]
    limited(account, "60")
    assert [told(account, key) for key in (own, given)] == [((60, 60), "60"), ((400, 60), "400")]
    assert (shown(account, own), shown(account, given)) == (60, 400)
    limited(account, "200")
    assert told(account, own) == ((150, 200), "150")

    by_admin(account, LIMIT, prefix=given[:17], n=200)
    limited(account, "60")
    assert told(account, given) == ((60, 60), "60")


def test_an_account_has_so_many_keys(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 3)
    made: list[str] = []

    def make(days: int | None = None) -> None:
        with core.database.write() as session:
            _, row = keys.create(
                session, account_id, Scope.READ, days=days, name=None, rate_limit=None, account_limit=0
            )
            made.append(row.key_prefix)

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
