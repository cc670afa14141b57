import asyncio
import itertools
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import redis
from sqlalchemy import text
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from app import auth
from app.engine.db import Database
from app.limits import Limiter
from app.models import Scope
from tests.commands import sightlog
from tests.conftest import Account, both_engines, code_of, new_account
from tests.forked import ForkedStack
from tools import patience
from tools.servers import Redis, Servers
from tools.stack import Stack

LIMIT = 6
ADDRESS_LIMIT = 3
DESCRIPTIONS = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
UNKNOWN = f"{EXPORT}/550e8400-e29b-41d4-a716-446655440000"
TYPENAME = {"query": "{ __typename }"}
WRONG_KEY = "sightlog_" + "a" * 51

_numbers = itertools.count(1)


only_servers = pytest.mark.parametrize(
    "limited", [pytest.param("servers", marks=pytest.mark.xdist_group("servers"))], indirect=True
)


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module", params=both_engines)
def limited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two API processes. The first trusts a proxy on this machine, so that each test can have an address of its own."""
    settings = {"SIGHTLOG_RATE_LIMIT": str(LIMIT), "SIGHTLOG_MAX_BODY_BYTES": "2048"}
    if request.param == "servers":
        real: Servers = request.getfixturevalue("real_servers")
        real.postgres.create_database("limits")
        real.s3.create_bucket("limits")
        settings |= real.environment("limits", "limits")
        settings["SIGHTLOG_REDIS_URL"] = request.getfixturevalue("own_redis").url
    with ForkedStack(tmp_path_factory.mktemp("limits"), settings) as stack:
        stack.settings = settings | {"SIGHTLOG_FORWARDED_ALLOW_IPS": "192.0.2.1"}
        stack.add_api()
        stack.wait_until_ready()
        if request.param == "servers":
            wait_until_counted_together(stack)
        yield stack


def wait_until_counted_together(stack: Stack) -> None:
    """A process that had no answer from Redis counts for itself for some seconds."""
    database, deadline = Database(stack.database_url), patience.Deadline(30)
    while True:
        account = new_account(stack, database)
        told = []
        for port in stack.ports:
            with account.connect(url=f"http://127.0.0.1:{port}") as client:
                told.append(left(client.get(UNKNOWN))[1])
        if told == [LIMIT - 1, LIMIT - 2]:
            break
        assert not deadline.is_over, told
        time.sleep(1)
    database.dispose()


@pytest.fixture(scope="module")
def opened(limited: Stack) -> Iterator[Database]:
    database = Database(limited.database_url)
    yield database
    database.dispose()


@pytest.fixture
def make(limited: Stack, opened: Database) -> Iterator[Callable[[], Account]]:
    made: list[Account] = []

    def new() -> Account:
        made.append(new_account(limited, opened))
        return made[-1]

    yield new
    for account in made:
        account.close()


@pytest.fixture
def own(make: Callable[[], Account]) -> Account:
    return make()


@pytest.fixture
def stranger(limited: Stack) -> Iterator[httpx.Client]:
    """Somebody without a key, at an address of his own."""
    with at(limited, f"198.51.100.{next(_numbers)}") as client:
        yield client


def at(stack: Stack, address: str, api: int = 0) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{stack.ports[api]}", headers={"X-Forwarded-For": address})


def left(response: httpx.Response) -> tuple[int, int]:
    return int(response.headers["X-RateLimit-Limit"]), int(response.headers["X-RateLimit-Remaining"])


def told(response: httpx.Response) -> set[str]:
    return {name for name in response.headers if name.startswith("x-ratelimit") or name == "retry-after"}


def use_up(client: httpx.Client, requests: int = LIMIT) -> None:
    assert [client.get(UNKNOWN).status_code for _ in range(requests)] == [404] * requests


def rows(database: Database, table: str, account: Account) -> int:
    with database.read() as session:
        statement = text(f"SELECT count(*) FROM {table} WHERE account_id = :id")
        return session.connection().scalar(statement, {"id": account.id}) or 0


def chunks() -> Iterator[bytes]:
    yield b" " * 2000
    yield b" " * 2000


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (200, "GET", DESCRIPTIONS, {}),
        (422, "GET", f"{DESCRIPTIONS}?limit=0", {}),
        (404, "GET", UNKNOWN, {}),
        (422, "GET", f"{EXPORT}/x", {}),
        (422, "POST", EXPORT, {"json": {}}),
        (422, "POST", EXPORT, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        (413, "POST", EXPORT, {"content": b" " * 2049, "headers": {"Content-Type": "application/json"}}),
        (413, "POST", EXPORT, {"content": chunks, "headers": {"Content-Type": "application/json"}}),
        (405, "GET", EXPORT, {}),
        (404, "GET", "/api/v2/nothing", {}),
        (200, "POST", "/graphql", {"json": TYPENAME}),
        (200, "POST", "/graphql", {"json": {"query": "{"}}),
        (200, "GET", "/graphql", {"params": TYPENAME}),
        (413, "POST", "/graphql", {"content": b" " * 2049, "headers": {"Content-Type": "application/json"}}),
        (413, "POST", "/graphql", {"content": chunks, "headers": {"Content-Type": "application/json"}}),
        (415, "POST", "/graphql", {"content": b"x"}),
        (405, "PUT", "/graphql", {}),
    ],
)
def test_every_response_of_the_api_tells_the_limit(
    own: Account, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    if callable(options.get("content")):
        options = options | {"content": options["content"]()}
    began = int(time.time())
    response = own.client.request(method, path, **options)
    assert response.status_code == status
    assert left(response) == (LIMIT, LIMIT - 1)
    assert began + 59 <= int(response.headers["X-RateLimit-Reset"]) <= time.time() + 61
    assert "Retry-After" not in response.headers


def test_a_body_over_the_bound_is_refused_in_the_documented_shape(own: Account) -> None:
    response = own.client.post(EXPORT, content=chunks(), headers={"Content-Type": "application/json"})
    message = "The request's body is larger than 2048 bytes."
    assert response.json() == {"detail": {"code": "PAYLOAD_TOO_LARGE", "message": message}}


def test_the_request_after_the_last_is_refused(own: Account, opened: Database) -> None:
    rest: dict[str, Any] = {"method": "GET", "url": UNKNOWN}
    graphql: dict[str, Any] = {"method": "POST", "url": "/graphql", "json": TYPENAME}
    assert [left(own.client.request(**call))[1] for call in [rest, graphql] * 3] == [5, 4, 3, 2, 1, 0]
    refused = own.client.post(
        EXPORT, json={"data_type": "descriptions", "format": "csv"}, headers={"X-Request-ID": "request-0001"}
    )
    assert refused.status_code == 429
    assert refused.json() == {
        "error": {
            "code": "RATE_LIMIT_ERROR",
            "message": "Too many requests: 6 a minute are allowed. Please wait.",
            "details": {},
        },
        "request_id": "request-0001",
    }
    assert left(refused) == (LIMIT, 0)
    wait = int(refused.headers["Retry-After"])
    assert 50 <= wait <= 60
    assert 0 <= int(refused.headers["X-RateLimit-Reset"]) - time.time() - wait + 1 <= 2
    assert refused.headers["X-Request-ID"] == "request-0001"
    assert rows(opened, "exports", own) == 0


def test_a_refused_recording_writes_nothing(own: Account, opened: Database) -> None:
    use_up(own.client)
    given = '{id: "a", sourceType: "single", createdAt: "2025-01-15T10:30:00Z"}'
    mutation = f"mutation {{ recordDescriptions(input: [{given}]) {{ recorded }} }}"
    refused = own.client.post("/graphql", json={"query": mutation})
    assert (refused.status_code, code_of(refused)) == (429, "RATE_LIMIT_ERROR")
    assert rows(opened, "descriptions", own) == 0


def test_each_key_has_a_window_of_its_own(own: Account) -> None:
    use_up(own.client)
    with own.connect(Scope.READ) as other:
        assert left(other.get(UNKNOWN)) == (LIMIT, LIMIT - 1)
    assert own.client.get(UNKNOWN).status_code == 429


def test_processes_count_together_where_they_share_a_redis(limited: Stack, own: Account) -> None:
    use_up(own.client, 4)
    together = "SIGHTLOG_REDIS_URL" in limited.settings
    with own.connect(url=f"http://127.0.0.1:{limited.ports[1]}") as other:
        assert left(other.get(UNKNOWN)) == (LIMIT, 1 if together else 5)
    assert left(own.client.get(UNKNOWN)) == (LIMIT, 0 if together else 1)


def test_requests_at_once_are_counted_one_by_one(limited: Stack, own: Account) -> None:
    together = "SIGHTLOG_REDIS_URL" in limited.settings
    urls = [f"http://127.0.0.1:{limited.ports[place % 2 if together else 0]}{UNKNOWN}" for place in range(12)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(own.client.get, urls))
    assert sorted(answer.status_code for answer in answers) == [404] * LIMIT + [429] * 6
    assert sorted(left(answer)[1] for answer in answers) == [0] * 7 + [1, 2, 3, 4, 5]


def test_an_account_may_have_a_limit_of_its_own(limited: Stack, own: Account) -> None:
    for limit, said in [("2", "2"), ("0", "no limit"), ("default", "6 (default)")]:
        result = sightlog(limited, "accounts", "limit", own.name, limit)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"Requests a minute for each key of '{own.name}': {said}.\n"
        listed = sightlog(limited, "accounts", "list").stdout.splitlines()
        assert [line.split("Z")[1].strip() for line in listed if f" {own.name} " in line] == [said]
        response = own.client.get(DESCRIPTIONS)
        assert response.headers.get("X-RateLimit-Limit") == {"2": "2", "0": None, "default": "6"}[limit]


def test_a_key_may_have_a_limit_of_its_own(limited: Stack, own: Account) -> None:
    """Also more than its account has, as it is the operator who says so."""
    prefix = auth.prefix_of(own.keys[Scope.WRITE])
    for limit, said in [("2", "2"), ("9", "9"), ("0", "no limit"), ("default", "6 (default)")]:
        result = sightlog(limited, "keys", "limit", prefix, limit)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"Requests a minute for the key {prefix}…: {said}.\n"
        listed = sightlog(limited, "keys", "list", "--account", own.name).stdout.splitlines()[1:]
        assert {line.strip().partition("…")[0]: re.split("  +", line)[-2] for line in listed} == {
            key[:17]: said if scope is Scope.WRITE else "6 (default)" for scope, key in own.keys.items()
        }
        told = {"2": "2", "9": "9", "0": None, "default": "6"}[limit]
        assert own.client.get(DESCRIPTIONS).headers.get("X-RateLimit-Limit") == told
        with own.connect(Scope.READ) as other:
            assert other.get(DESCRIPTIONS).headers.get("X-RateLimit-Limit") == "6"


def test_a_key_is_refused_after_its_own_limit(limited: Stack, own: Account) -> None:
    sightlog(limited, "keys", "limit", own.keys[Scope.WRITE], "2")
    assert [left(own.client.get(UNKNOWN)) for _ in range(2)] == [(2, 1), (2, 0)]
    refused = own.client.get(UNKNOWN)
    assert (refused.status_code, left(refused)) == (429, (2, 0))
    assert refused.json()["error"]["message"] == "Too many requests: 2 a minute are allowed. Please wait."
    with own.connect(Scope.READ) as other:
        assert left(other.get(UNKNOWN)) == (LIMIT, LIMIT - 1)


def test_a_key_is_made_with_a_limit_of_its_own(limited: Stack, own: Account) -> None:
    for limit, told in (("8", "8"), ("0", None)):
        key = sightlog(limited, "keys", "create", "--account", own.name, "--limit", limit).stdout.strip()
        answer = httpx.get(limited.url + DESCRIPTIONS, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.headers.get("X-RateLimit-Limit")) == (200, told)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("ten", "A limit is a number of requests a minute, 0 for no limit, or 'default'."),
        ("none", "A limit is a number of requests a minute, 0 for no limit, or 'default'."),
        ("2147483648", "A limit is a number of requests a minute, 0 for no limit, or 'default'."),
    ],
)
def test_a_limit_of_a_key_that_is_no_number_changes_nothing(
    limited: Stack, own: Account, limit: str, message: str
) -> None:
    result = sightlog(limited, "keys", "limit", own.keys[Scope.WRITE], limit)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {message}\n")
    assert left(own.client.get(DESCRIPTIONS)) == (LIMIT, LIMIT - 1)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("-1", "No such option: -1"),
        ("ten", "A limit is a number of requests a minute, 0 for no limit, or 'default'."),
        ("2147483648", "A limit is a number of requests a minute, 0 for no limit, or 'default'."),
    ],
)
def test_a_limit_that_is_no_number_changes_nothing(limited: Stack, own: Account, limit: str, message: str) -> None:
    result = sightlog(limited, "accounts", "limit", own.name, limit)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert left(own.client.get(DESCRIPTIONS)) == (LIMIT, LIMIT - 1)


def test_an_unknown_account_cannot_be_limited(limited: Stack) -> None:
    result = sightlog(limited, "accounts", "limit", "nobody", "5")
    assert (result.exit_code, result.stderr) == (2, "Error: There is no account named 'nobody'.\n")


@pytest.mark.parametrize("credential", [None, "Bearer", f"Bearer {WRONG_KEY}", "Basic eDp5", f"Bearer {WRONG_KEY}\xff"])
@pytest.mark.parametrize("path", [DESCRIPTIONS, "/graphql"])
def test_an_address_without_a_valid_key_has_less_than_any_key(
    stranger: httpx.Client, path: str, credential: str | None
) -> None:
    headers = [(b"Authorization", credential.encode("latin-1"))] if credential else []
    answers = [stranger.get(path, headers=headers) for _ in range(ADDRESS_LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [401] * ADDRESS_LIMIT + [429]
    assert [left(answer) for answer in answers] == [(ADDRESS_LIMIT, remaining) for remaining in (2, 1, 0, 0)]
    assert [code_of(answer) for answer in answers[-2:]] == ["INVALID_API_KEY", "RATE_LIMIT_ERROR"]
    assert 50 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_keys_that_have_ended_count_for_the_address(
    limited: Stack, own: Account, opened: Database, stranger: httpx.Client
) -> None:
    with opened.write() as session:
        auth.revoke_key(session, own.keys[Scope.READ][:17])
    headers = {"Authorization": f"Bearer {own.keys[Scope.READ]}"}
    answers = [stranger.get(DESCRIPTIONS, headers=headers) for _ in range(ADDRESS_LIMIT + 1)]
    assert [answer.json()["error"]["code"] for answer in answers] == ["DEACTIVATED_API_KEY"] * 3 + ["RATE_LIMIT_ERROR"]


def test_a_valid_key_works_from_an_address_that_is_used_up(own: Account, stranger: httpx.Client) -> None:
    assert [stranger.get(DESCRIPTIONS).status_code for _ in range(4)] == [401, 401, 401, 429]
    stranger.headers["Authorization"] = f"Bearer {own.keys[Scope.READ]}"
    assert left(stranger.get(DESCRIPTIONS)) == (LIMIT, LIMIT - 1)


@pytest.mark.parametrize(
    ("addresses", "remaining"),
    [
        (["198.18.0.1", "198.18.0.2", "198.18.0.1"], [2, 2, 1]),
        (["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"], [2, 1, 2]),
        (["::ffff:198.18.1.1", "198.18.1.1", "::ffff:198.18.1.2"], [2, 1, 2]),
        (["203.0.113.1, 198.18.2.1", "203.0.113.2, 198.18.2.1", "203.0.113.1, 198.18.2.2"], [2, 1, 2]),
    ],
    ids=["ipv4", "ipv6 network", "ipv4 in ipv6", "what the client itself sent is ignored"],
)
def test_behind_a_proxy_the_address_that_it_names_counts(
    limited: Stack, addresses: list[str], remaining: list[int]
) -> None:
    with at(limited, "") as client:
        answers = [client.get(DESCRIPTIONS, headers={"X-Forwarded-For": address}) for address in addresses]
    assert [left(answer)[1] for answer in answers] == remaining


def test_nobody_but_a_trusted_proxy_may_name_an_address(limited: Stack) -> None:
    with at(limited, "198.18.3.1", api=1) as client:
        answers = [client.get(DESCRIPTIONS, headers={"X-Forwarded-For": f"198.18.3.{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/health/live", "*/*"),
        ("/health/ready", "*/*"),
        ("/docs", "*/*"),
        ("/openapi.json", "*/*"),
        ("/metrics", "*/*"),
        ("/graphql", "text/html"),
    ],
)
def test_pages_and_health_are_not_limited(stranger: httpx.Client, path: str, accept: str) -> None:
    for _ in range(ADDRESS_LIMIT + 1):
        stranger.get(DESCRIPTIONS)
    answers = [stranger.get(path, headers={"Accept": accept}) for _ in range(ADDRESS_LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [told(answer) for answer in answers] == [set()] * 4


def connected(stack: Stack) -> ClientConnection:
    url = stack.url.replace("http", "ws") + "/graphql"
    return connect(url, subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]


def test_operations_on_a_websocket_count_as_requests_do(limited: Stack, own: Account) -> None:
    with connected(limited) as socket:
        parameters = {"Authorization": f"Bearer {own.keys[Scope.READ]}"}
        socket.send(json.dumps({"type": "connection_init", "payload": parameters}))
        answers = [json.loads(socket.recv())]
        for number in range(LIMIT):
            socket.send(json.dumps({"type": "subscribe", "id": str(number), "payload": TYPENAME}))
            answers.append(json.loads(socket.recv()))
            if answers[-1]["type"] == "next":
                assert json.loads(socket.recv()) == {"type": "complete", "id": str(number)}
    assert [answer["type"] for answer in answers] == ["connection_ack"] + ["next"] * (LIMIT - 1) + ["error"]
    message = "Too many requests: 6 a minute are allowed. Please wait."
    assert answers[-1]["payload"] == [{"message": message, "extensions": {"code": "RATE_LIMIT_ERROR"}}]
    with connected(limited) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": parameters}))
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, message)


def test_a_new_window_begins_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter("")
    now = time.time()
    first = [asyncio.run(limiter.hit("somebody", 2)) for _ in range(3)]
    assert [window and window.remaining for window in first] == [1, 0, 0]
    monkeypatch.setattr(time, "time", lambda: now + 61)
    window = asyncio.run(limiter.hit("somebody", 2))
    assert window is not None
    assert (window.allowed, window.remaining, window.reset - int(now)) == (True, 1, 122)


@only_servers
def test_a_window_in_redis_ends_after_a_minute(limited: Stack, own: Account) -> None:
    use_up(own.client)
    with redis.Redis.from_url(limited.settings["SIGHTLOG_REDIS_URL"]) as client:
        [key] = client.keys(f"*key:{own.keys[Scope.WRITE][:17]}")
        assert 50 <= client.ttl(key) <= 60
        client.pexpire(key, 1)
    time.sleep(0.01)
    assert left(own.client.get(DESCRIPTIONS)) == (LIMIT, LIMIT - 1)


@only_servers
def test_requests_go_on_without_redis(limited: Stack, own_redis: Redis, own: Account, opened: Database) -> None:
    with opened.write() as session:
        auth.limit_account(session, own.name, "100")
    assert remaining(own.client, 2) == [99, 98]
    own_redis.stop()
    # Each process counts for itself, from the beginning.
    assert remaining(own.client, 20) == list(range(99, 79, -1))
    own_redis.start()
    patience.until(lambda: remaining(own.client, 1) == [99], 10, every=0.1)
    assert own_redis.process is not None
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    last = remaining(own.client, 20)[-1]
    seconds = time.monotonic() - began
    os.kill(own_redis.process.pid, signal.SIGCONT)
    wait_until_counted_together(limited)
    assert last < 80
    assert seconds < 2


def remaining(client: httpx.Client, requests: int) -> list[int]:
    return [left(client.get(UNKNOWN))[1] for _ in range(requests)]
