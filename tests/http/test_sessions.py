"""Sessions of people in browsers: begun with a key or a link, for our own pages, ended in several ways."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from app import auth, sessions, times
from app.errors import Unauthenticated
from app.http import cookies
from app.models import BrowserSession, Scope, SignInLink
from app.runtime import Runtime
from tests.commands import invoke
from tests.conftest import Account, both_engines, code_of, new_account
from tests.http import own
from tests.rest_compat.conftest import LIST
from tools import patience

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
VIEWER = "{ viewer { accountName scope keyPrefix sessionExpiresAt } }"
MONTH = 30 * 24 * 60 * 60
ENDED = "The session has ended: please sign in again."
DAY = timedelta(days=1)


@contextmanager
def browser(account: Account, scope: Scope | None = Scope.WRITE) -> Iterator[httpx.Client]:
    """What a page of ours does in a browser that has signed in with a key of that scope."""
    with httpx.Client(
        base_url=account.stack.url, headers=OWN_PAGE, verify=False, timeout=patience.seconds(30)
    ) as client:
        if scope is not None:
            assert client.post("/session", json={"key": account.keys[scope]}).status_code == 201
        yield client


def ask(client: httpx.Client, query: str = VIEWER, **headers: str) -> httpx.Response:
    return client.post("/graphql", json={"query": query}, headers=headers)


def rows(account: Account) -> list[BrowserSession]:
    """The sessions of the account's keys."""
    prefixes = [key[:17] for key in account.keys.values()]
    with account.database.read() as session:
        return list(session.exec(select(BrowserSession).where(col(BrowserSession.key_prefix).in_(prefixes))).all())


def put_back(account: Account, **moments: timedelta) -> None:
    """As if that was longer ago."""
    with account.database.write() as session:
        for row in rows(account):
            for name, by in moments.items():
                setattr(row, name, getattr(row, name) - by)
            session.merge(row)


def refused(response: httpx.Response) -> tuple[int, str]:
    answer = response.json()
    error = answer["errors"][0] if "errors" in answer else answer.get("error") or answer["detail"]
    return response.status_code, error["message"]


# Signing in


@pytest.mark.parametrize("scope", Scope)
def test_a_key_begins_a_session(account: Account, scope: Scope) -> None:
    key = account.keys[scope]
    with browser(account, None) as client:
        begun = client.post("/session", json={"key": f" {key}\n"})
        assert begun.status_code == 201
        cookie = begun.headers["set-cookie"]
        found = re.fullmatch(r"sightlog_session=([\w-]{43}); HttpOnly; Max-Age=(\d+); Path=/; SameSite=strict", cookie)
        assert found
        assert MONTH - 60 < int(found[2]) <= MONTH
        assert begun.headers["cache-control"] == "no-store"
        told = begun.json()
        known = {"account": account.name, "scope": scope.value, "key_prefix": key[:17]}
        assert told == known | {"expires_at": told["expires_at"]}
        assert client.get("/session").json() == told
        viewer = ask(client).json()["data"]["viewer"]
        assert viewer.pop("sessionExpiresAt")[:19] == told["expires_at"][:19]
        assert viewer == {"accountName": account.name, "scope": scope.name, "keyPrefix": key[:17]}
        assert client.get(LIST).json()["total_count"] == 0
        assert client.get("/graphql", params={"query": "{ __typename }"}).status_code == 200
        export = client.post("/api/v2/data/export", json={"data_type": "descriptions", "format": "csv"})
        assert export.status_code == 202
    [row] = rows(account)
    assert found[1] not in str(row)
    assert row.key_prefix == key[:17]


def test_over_https_the_cookie_is_for_this_host_alone(account: Account) -> None:
    https = {"X-Forwarded-Proto": "https"}
    with browser(account, None) as client:
        begun = client.post("/session", json={"key": account.keys[Scope.READ]}, headers=https)
        pattern = r"__Host-sightlog=([\w-]{43}); HttpOnly; Max-Age=\d+; Path=/; SameSite=strict; Secure"
        found = re.fullmatch(pattern, begun.headers["set-cookie"])
        assert found
        client.cookies.clear()
        for cookie, forwarded, status in (
            (f"__Host-sightlog={found[1]}", https, 200),
            (f"sightlog_session={found[1]}", https, 401),
            (f"__Host-sightlog={found[1]}", {}, 401),
        ):
            assert client.get("/session", headers={"Cookie": cookie, **forwarded}).status_code == status
        secure_origin = account.stack.url.replace("http:", "https:")
        del client.headers["Sec-Fetch-Site"]
        for origin, status in ((secure_origin, 200), ("https://127.0.0.1", 403)):
            headers = {"Cookie": f"__Host-sightlog={found[1]}", "Origin": origin, **https}
            assert ask(client, **headers).status_code == status
        gone = client.delete("/session", headers={"Cookie": f"__Host-sightlog={found[1]}", **https, **OWN_PAGE})
        assert gone.headers["set-cookie"] == (
            '__Host-sightlog=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict; Secure'
        )
        assert rows(account) == []


def test_what_is_no_key_begins_nothing(account: Account) -> None:
    with account.database.write() as session:
        expired = auth.create_key(session, account.id, Scope.ADMIN, expires_in=-DAY)
        revoked = auth.create_key(session, account.id, Scope.ADMIN)
        auth.revoke_key(session, revoked)
    key = account.keys[Scope.READ]
    with browser(account, None) as client:
        for wrong, code in (
            *((text, "INVALID_API_KEY") for text in ("", "x", key[:-1], f"{key}x", f"Bearer {key}", key[:17])),
            (expired, "EXPIRED_API_KEY"),
            (revoked, "DEACTIVATED_API_KEY"),
        ):
            answer = client.post("/session", json={"key": wrong})
            assert (answer.status_code, code_of(answer)) == (401, code)
            assert list(answer.json()) == ["error", "request_id"]
            assert "set-cookie" not in answer.headers
        for body in (b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"key": 1}', b'{"key": null}', b"\xff", b" " * 5000):
            answer = client.post("/session", content=body)
            assert (answer.status_code, code_of(answer)) == (422, "VALIDATION_ERROR")
            assert answer.json()["detail"]["field"] == "key"
        assert refused(client.get("/session")) == (401, "There is no session: please sign in with an API key.")
        for token in ("", "x", "A" * 43, "A" * 5000, '"A"', key):
            answer = client.get("/session", headers={"Cookie": f"sightlog_session={token}"})
            assert refused(answer) == (401, ENDED)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert code_of(ask(client, Cookie=f"sightlog_session={token}")) == "INVALID_API_KEY"


def test_signing_in_again_takes_the_place_of_the_session(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    with browser(account) as client, browser(account) as elsewhere:
        assert client.post("/session", json={"key": other.keys[Scope.READ]}).status_code == 201
        assert client.get("/session").json()["account"] == other.name
        assert elsewhere.get("/session").json()["account"] == account.name
    assert (len(rows(account)), len(rows(other))) == (1, 1)


def test_two_accounts_see_their_own(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    account.record({"id": "mine"})
    with browser(account) as client, browser(other) as stranger:
        for query in ('{ description(id: "mine") { id } }', "{ descriptions { nodes { id } } }"):
            assert "mine" in ask(client, query).text
            assert "mine" not in ask(stranger, query).text
        assert client.get(LIST).json()["total_count"] == 1
        assert stranger.get(LIST).json()["total_count"] == 0


def test_a_key_that_is_sent_wins_over_the_session(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    with browser(account) as client:
        headers = {"Authorization": f"Bearer {other.keys[Scope.READ]}", "Sec-Fetch-Site": "cross-site"}
        viewer = ask(client, **headers).json()["data"]["viewer"]
        assert viewer == {
            "accountName": other.name,
            "scope": "READ",
            "keyPrefix": other.keys[Scope.READ][:17],
            "sessionExpiresAt": None,
        }
        for wrong in ("Bearer x", "Bearer", "x", account.keys[Scope.WRITE]):
            assert ask(client, Authorization=wrong).status_code == 401
        for of_proxy in ("Basic dXNlcjpwYXNzd29yZA==", "Negotiate x"):
            assert ask(client, Authorization=of_proxy).json()["data"]["viewer"]["accountName"] == account.name


# From our own pages alone

FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "no-cors"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "https://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://[::1"},
]
SILENT: list[dict[str, str]] = [{}, {"Sec-Fetch-Site": "none"}]
"""Which may read: nothing that reads changes anything, and other pages cannot read the answer."""

RECORD = 'mutation { recordDescriptions(input: [{id: "a", sourceType: "s"}]) { recorded } }'


def sent(account: Account, client: httpx.Client, method: str, path: str, given: dict[str, str]) -> httpx.Response:
    headers = {name: value.format(own=account.stack.url) for name, value in given.items()}
    body = {"query": RECORD} if path == "/graphql" else {"data_type": "descriptions", "format": "csv"}
    params = {"query": "{ __typename }"} if (method, path) == ("GET", "/graphql") else None
    json = body if method == "POST" else None
    return client.request(method, path, headers=headers, params=params, json=json)


@pytest.mark.parametrize("given", [*FOREIGN, *SILENT], ids=str)
def test_another_page_changes_nothing(account: Account, given: dict[str, str]) -> None:
    with browser(account) as client:
        del client.headers["Sec-Fetch-Site"]
        for method, path in (("POST", "/graphql"), ("POST", "/api/v2/data/export"), ("DELETE", "/session")):
            answer = sent(account, client, method, path, given)
            assert (answer.status_code, code_of(answer)) == (403, "AUTHZ_ERROR")
            assert refused(answer)[1].startswith("A session is for the pages of this server alone:")
            assert "set-cookie" not in answer.headers
        stream = client.post("/graphql", json={"query": VIEWER}, headers={"Accept": "text/event-stream"} | given)
        assert stream.status_code == 403
    assert len(rows(account)) == 1
    asked = account.graphql("{ descriptions { totalCount } exports { totalCount } }")
    assert asked == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}


@pytest.mark.parametrize("given", FOREIGN, ids=str)
def test_another_page_reads_nothing(account: Account, given: dict[str, str]) -> None:
    with browser(account) as client:
        del client.headers["Sec-Fetch-Site"]
        for path in (LIST, "/graphql", "/session"):
            answer = sent(account, client, "GET", path, given)
            assert (answer.status_code, code_of(answer)) == (403, "AUTHZ_ERROR")


@pytest.mark.parametrize("given", FOREIGN, ids=str)
def test_another_page_signs_nobody_in(account: Account, given: dict[str, str]) -> None:
    headers = {name: value.format(own=account.stack.url) for name, value in given.items()}
    with httpx.Client(verify=False) as client:
        answer = client.post(f"{account.stack.url}/session", json={"key": account.keys[Scope.READ]}, headers=headers)
        assert (answer.status_code, code_of(answer)) == (403, "AUTHZ_ERROR")
        assert "set-cookie" not in answer.headers
    assert rows(account) == []


def test_our_own_pages_may(account: Account) -> None:
    with browser(account) as client:
        del client.headers["Sec-Fetch-Site"]
        upper = account.stack.url.upper()
        for given in (OWN_PAGE, {"Origin": "{own}"}, {"Origin": upper}, OWN_PAGE | {"Origin": "https://evil.example"}):
            assert sent(account, client, "POST", "/graphql", given).status_code == 200
        for given in (*SILENT, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}):
            for path in (LIST, "/graphql", "/session"):
                assert sent(account, client, "GET", path, given).status_code == 200


# The end


def test_who_signs_out_is_out(account: Account) -> None:
    with browser(account) as client, browser(account) as elsewhere:
        token = client.cookies["sightlog_session"]
        gone = client.delete("/session")
        assert (gone.status_code, gone.content) == (204, b"")
        assert gone.headers["set-cookie"] == 'sightlog_session=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict'
        assert "sightlog_session" not in client.cookies
        kept = {"Cookie": f"sightlog_session={token}"}
        assert refused(client.get("/session", headers=kept)) == (401, ENDED)
        assert refused(client.get(LIST, headers=kept)) == (401, ENDED)
        assert refused(ask(client, **kept)) == (401, ENDED)
        for headers in (kept, {}):
            assert client.delete("/session", headers=headers).status_code == 204
        assert elsewhere.get("/session").status_code == 200


@pytest.mark.parametrize("moments", [{"last_seen_at": 7 * DAY}, {"expires_at": 30 * DAY}], ids=["idle", "old"])
def test_a_session_that_is_over_is_none(account: Account, moments: dict[str, timedelta]) -> None:
    almost = {name: by - timedelta(minutes=10) for name, by in moments.items()}
    with browser(account) as client:
        put_back(account, **almost)
        assert client.get("/session").status_code == 200
        put_back(account, **{name: moments[name] - almost[name] for name in moments})
        for path in ("/session", LIST):
            assert refused(client.get(path)) == (401, ENDED)
        assert refused(ask(client)) == (401, ENDED)
    own.becomes([], lambda: rows(account))  # the sweep removes it


def test_a_session_ends_with_its_key(account: Account) -> None:
    with account.database.write() as session:
        account.keys[Scope.READ] = auth.create_key(session, account.id, Scope.READ, expires_in=timedelta(hours=1))
    with browser(account, Scope.READ) as client, browser(account, Scope.ADMIN) as admin:
        ends = datetime.fromisoformat(client.get("/session").json()["expires_at"])
        assert timedelta(minutes=55) < ends - times.now() <= timedelta(hours=1)
        revoke = 'mutation { revokeApiKey(prefix: "%s") { active } }'
        assert ask(admin, revoke % account.keys[Scope.READ][:17]).json()["data"]["revokeApiKey"] == {"active": False}
        answer = client.get("/session")
        assert (answer.status_code, code_of(answer)) == (401, "DEACTIVATED_API_KEY")
        assert ask(admin, revoke % account.keys[Scope.ADMIN][:17]).json()["data"]["revokeApiKey"] == {"active": False}
        assert code_of(ask(admin)) == "DEACTIVATED_API_KEY"


def test_one_key_has_so_many_sessions(core: Runtime, account_id: int) -> None:
    idle, lifetime = core.settings.session_idle, core.settings.session_lifetime
    with core.database.write() as session:
        prefix = auth.prefix_of(auth.create_key(session, account_id, Scope.READ))
    tokens, links = [], []
    for _ in range(sessions.MOST_OF_ONE_KEY + 1):
        with core.database.write() as session:
            tokens.append(sessions.start(session, prefix, lifetime=lifetime).token)
            links.append(sessions.make_link(session, prefix, lifetime=lifetime))
    for token in tokens[1:]:
        assert core.database.answer_now(sessions.ask_principal(token, idle)).key_prefix == prefix
    with pytest.raises(Unauthenticated):
        core.database.answer_now(sessions.ask_principal(tokens[0], idle))
    with core.database.read() as session:
        kept = session.exec(select(SignInLink).where(SignInLink.key_prefix == prefix)).all()
    assert len(kept) == sessions.MOST_OF_ONE_KEY
    with pytest.raises(Unauthenticated):
        core.database.answer_now(sessions.ask_link(links[0]))


# Links that sign in once


def link(account: Account, scope: Scope = Scope.READ, lifetime: timedelta = DAY) -> str:
    with account.database.write() as session:
        return sessions.link(
            account.stack.url, sessions.make_link(session, account.keys[scope][:17], lifetime=lifetime)
        )


def test_a_link_signs_in_once(account: Account) -> None:
    url = link(account)
    with browser(account, None) as first, browser(account, None) as second:
        for site in ("none", "cross-site"):  # as it is followed from a terminal, and from a page of others
            answer = first.get(link(account), headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
            assert (answer.status_code, answer.headers["location"]) == (303, "./")
        assert first.get(url).headers["location"] == "./"
        assert first.get("/session").json()["key_prefix"] == account.keys[Scope.READ][:17]
        for _ in range(2):
            again = second.get(url)
            assert (again.status_code, again.headers["location"]) == (303, "./?sign-in=expired")
            assert "set-cookie" not in again.headers
            assert (again.headers["cache-control"], again.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert second.get("/session").status_code == 401
        assert first.head(link(account)).status_code in (303, 405)
    assert len(rows(account)) == 1


def test_a_link_that_does_not_work_signs_nobody_in(account: Account) -> None:
    old, good = link(account, lifetime=timedelta(0)), link(account, Scope.ADMIN)
    with account.database.write() as session:
        auth.revoke_key(session, account.keys[Scope.ADMIN])
    base = good.partition("=")[0]
    with browser(account, None) as client:
        for url in (
            old,
            good,
            good[:-1],
            f"{base}=",
            f"{base}={'A' * 43}",
            f"{base}={'x' * 5000}",
            base.partition("?")[0],
        ):
            answer = client.get(url)
            assert (answer.status_code, answer.headers["location"]) == (303, "./?sign-in=expired")
            assert "set-cookie" not in answer.headers
    assert rows(account) == []


def test_the_command_line_makes_a_link(account: Account) -> None:
    key = account.keys[Scope.READ]
    made = invoke(account.stack.environment, "keys", "link", key[:17], "--url", f"{account.stack.url}/")
    assert made.exit_code == 0
    assert made.stderr.endswith("It works once, for 1h.\n")
    url = made.stdout.strip()
    assert re.fullmatch(rf"{account.stack.url}/sign-in\?token=[\w-]{{43}}", url)
    with browser(account, None) as client:
        assert client.get(url).headers["location"] == "./"
        assert client.get("/session").json()["account"] == account.name
    unknown = invoke(account.stack.environment, "keys", "link", "sightlog_unknown0")
    assert (unknown.exit_code, unknown.stdout) == (2, "")


# With settings of its own


@pytest.fixture(scope="module", params=both_engines)
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Behind a proxy that speaks https and has another name; sessions are short, and so are limits."""
    settings = {
        "SIGHTLOG_PUBLIC_URL": "https://api.example.com/sightlog",
        "SIGHTLOG_RATE_LIMIT": "40",
        "SIGHTLOG_SESSION_IDLE": "20s",
        "SIGHTLOG_SESSION_LIFETIME": "1h",
    }
    with own.own_stack(request, tmp_path_factory, "sessions", settings) as account:
        yield account


@pytest.fixture
def fresh(strict: Account) -> Account:
    """Whose keys were not counted yet."""
    return new_account(strict.stack, strict.database)


def test_a_session_in_use_goes_on(fresh: Account) -> None:
    with browser(fresh) as client:
        assert 3500 < int(re.findall(r"Max-Age=(\d+)", signed_in_anew(client, fresh))[0]) <= 3600
        [row] = rows(fresh)

        def is_seen_later() -> bool:
            assert client.get("/session", headers=OWN_PAGE).status_code == 200
            return any(found.last_seen_at > row.last_seen_at for found in rows(fresh))

        patience.until(is_seen_later, 15, every=0.5)


def signed_in_anew(client: httpx.Client, account: Account) -> str:
    return str(client.post("/session", json={"key": account.keys[Scope.WRITE]}).headers["set-cookie"])


def test_a_session_counts_as_its_key_does(fresh: Account) -> None:
    with browser(fresh, Scope.READ) as client, fresh.connect(Scope.READ) as program:
        left = [int(one.get(LIST).headers["x-ratelimit-remaining"]) for one in (client, program, client)]
        assert left == [38, 37, 36]
        for _ in range(36):
            program.get(LIST)
        assert [code_of(one.get(LIST)) for one in (client, program)] == ["RATE_LIMIT_ERROR"] * 2
        assert client.get("/session").status_code == 429
        assert client.delete("/session").status_code == 204
    assert rows(fresh) == []


def test_behind_a_proxy_the_public_address_is_ours(fresh: Account) -> None:
    key = fresh.keys[Scope.READ]
    named = {"Host": "api.example.com"}
    with httpx.Client(base_url=fresh.stack.url, verify=False) as client:
        for headers in (named, {"X-Forwarded-Proto": "https"}):
            begun = client.post("/sightlog/session", json={"key": key}, headers=OWN_PAGE | headers)
            cookie = begun.headers["set-cookie"].partition(";")[0]
            assert cookie.startswith("__Host-sightlog=")
            assert begun.headers["set-cookie"].endswith("; Path=/; SameSite=strict; Secure")
            for origin, status in (("https://api.example.com", 200), ("http://api.example.com", 403)):
                given = {"Cookie": cookie, "Origin": origin, **headers}
                assert ask(client, **given).status_code == status
                assert client.get("/sightlog/session", headers=given).status_code == status
        with fresh.database.write() as session:
            token = sessions.make_link(session, key[:17], lifetime=DAY)
        answer = client.get(f"/sightlog/sign-in?token={token}", headers=named)
        assert (answer.status_code, answer.headers["location"]) == (303, "./")
        assert answer.headers["set-cookie"].startswith("__Host-sightlog=")
    assert sessions.link("https://api.example.com/sightlog", "x") == "https://api.example.com/sightlog/sign-in?token=x"


def test_who_guesses_is_limited_by_address(fresh: Account) -> None:
    def statuses(send: Callable[[httpx.Client], Any]) -> set[int]:
        with httpx.Client(base_url=fresh.stack.url, verify=False) as client:
            return {send(client).status_code for _ in range(25)}

    assert 429 in statuses(lambda client: client.post("/session", json={"key": "sightlog_" + "x" * 51}))
    assert statuses(lambda client: client.get("/sign-in", params={"token": "x" * 43})) == {429}
    assert statuses(lambda client: client.get("/session")) == {429}
    with browser(fresh, Scope.READ) as client:
        assert client.get("/session").status_code == 200


def test_the_cookies_have_the_documented_names() -> None:
    assert (cookies.SECURE_NAME, cookies.PLAIN_NAME) == ("__Host-sightlog", "sightlog_session")
