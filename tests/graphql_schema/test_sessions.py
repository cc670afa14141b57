"""Sessions over WebSocket and SSE: whose pages may open them, and what ends what they watch."""

import json
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy
from sqlmodel import col
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app import auth, times
from app.models import BrowserSession, Scope
from tests.conftest import Account
from tests.graphql_schema.test_subscriptions import (
    EVENT_STREAM,
    RECORD,
    WATCH,
    closed,
    hear,
    refusal,
    shown,
    subscribe,
    tell,
)
from tests.held import Held
from tools import patience

ENDED = ("The session has ended: please sign in again.", {"code": "INVALID_API_KEY"})
ACCOUNT = "{ viewer { accountName } }"


def signed_in(account: Account, scope: Scope = Scope.READ) -> str:
    """The cookie of a session."""
    with httpx.Client(verify=False) as client:
        client.post(f"{account.stack.url}/session", json={"key": account.keys[scope]})
        return f"sightlog_session={client.cookies['sightlog_session']}"


@contextmanager
def opened(account: Account, cookie: str, **headers: str) -> Iterator[ClientConnection]:
    origin = headers.pop("origin", account.stack.url)
    with connect(
        account.stack.url.replace("http", "ws") + "/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"Cookie": cookie, **headers},
        origin=Origin(origin) if origin else None,
        proxy=None,
    ) as socket:
        yield socket


def over_websocket(account: Account, cookie: str, query: str, **variables: Any) -> Generator[Any]:
    with opened(account, cookie) as socket:
        tell(socket, type="connection_init")
        assert hear(socket)["type"] == "connection_ack"
        subscribe(socket, query, **variables)
        while (message := hear(socket))["type"] != "complete":
            if message["type"] == "error":
                yield {"errors": message["payload"]}
                return
            yield message["payload"]


def over_sse(account: Account, cookie: str, query: str, **variables: Any) -> Generator[Any]:
    headers = {"Accept": EVENT_STREAM, "Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    body = {"query": query, "variables": variables}
    url = f"{account.stack.url}/graphql"
    with httpx.stream("POST", url, json=body, headers=headers, verify=False, timeout=patience.seconds(30)) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))


both = pytest.mark.parametrize("transport", [over_websocket, over_sse])
Transport = Callable[..., Generator[Any]]


@both
def test_a_session_watches_an_export_to_its_end(account: Account, transport: Transport) -> None:
    held = Held(account)
    with closing(transport(account, signed_in(account), WATCH, id=held.id)) as results:
        assert shown(next(results)) == ("PROCESSING", 0, None)
        held.complete(1)
        assert [shown(state)[0] for state in results] == ["COMPLETED"]


@both
@pytest.mark.parametrize("how", ["signed out", "idle", "too old", "revoked"])
def test_what_ends_a_session_ends_what_it_watches(account: Account, transport: Transport, how: str) -> None:
    cookie, held = signed_in(account), Held(account)
    with closing(transport(account, cookie, WATCH, id=held.id)) as results:
        assert shown(next(results)) == ("PROCESSING", 0, None)
        with ended(account, cookie, how):
            [last] = results  # although there is no news of the export
    revoked = ("The API key was deactivated.", {"code": "DEACTIVATED_API_KEY"})
    assert refusal(last) == (revoked if how == "revoked" else ENDED)


@contextmanager
def ended(account: Account, cookie: str, how: str) -> Iterator[None]:
    if how == "signed out":
        headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
        assert httpx.delete(f"{account.stack.url}/session", headers=headers, verify=False).status_code == 204
        yield
    elif how == "revoked":
        with account.database.write() as session:
            auth.revoke_key(session, account.keys[Scope.READ][:17])
        yield
    else:
        with long_ago(account, "last_seen_at" if how == "idle" else "expires_at"):
            yield


@contextmanager
def long_ago(account: Account, name: str) -> Iterator[None]:
    """Keeps that moment of the reader's session back: the server may yet write that it was just used."""
    over = threading.Event()

    def put_back() -> None:
        while not over.wait(0.1):
            with account.database.write() as session:
                session.connection().execute(moment)

    row = col(BrowserSession.key_prefix) == account.keys[Scope.READ][:17]
    moment = sqlalchemy.update(BrowserSession).where(row).values({name: times.now() - timedelta(days=30)})
    with ThreadPoolExecutor(1) as threads:
        ending = threads.submit(put_back)
        try:
            yield
        finally:
            over.set()
        ending.result()


def test_a_websocket_of_our_own_page_is_admitted(account: Account) -> None:
    cookie = signed_in(account)
    given: list[dict[str, Any]] = [{}, {"payload": {}}, {"payload": {"Authorization": ""}}]
    for payload in given:
        with opened(account, cookie) as socket:
            tell(socket, type="connection_init", **payload)
            assert hear(socket)["type"] == "connection_ack"
            subscribe(socket, ACCOUNT)
            assert hear(socket)["payload"] == {"data": {"viewer": {"accountName": account.name}}}


@pytest.mark.parametrize(
    ("origin", "headers"),
    [("", {}), ("", {"Sec-Fetch-Site": "none"}), ("own", {"Sec-Fetch-Site": "cross-site"})],
    ids=str,
)
def test_a_websocket_that_does_not_tell_its_page_needs_a_key(
    account: Account, origin: str, headers: dict[str, str]
) -> None:
    cookie, url = signed_in(account), account.stack.url if origin else ""
    with opened(account, cookie, origin=url, **headers) as socket:
        tell(socket, type="connection_init")
        assert closed(socket) == 4403
    with opened(account, cookie, origin=url, **headers) as socket:
        tell(socket, type="connection_init", payload={"Authorization": f"Bearer {account.keys[Scope.WRITE]}"})
        assert hear(socket)["type"] == "connection_ack"


def test_a_websocket_of_another_page_is_not_opened(account: Account) -> None:
    with pytest.raises(InvalidStatus), opened(account, signed_in(account), origin="https://evil.example"):
        pass


def test_a_session_that_has_ended_runs_nothing_more(account: Account) -> None:
    cookie = signed_in(account, Scope.WRITE)
    with opened(account, cookie) as socket:
        tell(socket, type="connection_init")
        assert hear(socket)["type"] == "connection_ack"
        with ended(account, cookie, "signed out"):
            subscribe(socket, RECORD)
        error = {"message": ENDED[0], "extensions": ENDED[1]}
        assert hear(socket) == {"id": "1", "type": "error", "payload": [error]}
    with opened(account, cookie) as socket:
        tell(socket, type="connection_init")
        assert closed(socket) == 4403
    assert account.graphql("{ descriptions { totalCount } }") == {"descriptions": {"totalCount": 0}}


def test_a_key_that_is_sent_wins_over_the_cookie(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    with opened(account, signed_in(account)) as socket:
        tell(socket, type="connection_init", payload={"Authorization": f"Bearer {other.keys[Scope.READ]}"})
        assert hear(socket)["type"] == "connection_ack"
        subscribe(socket, ACCOUNT)
        assert hear(socket)["payload"] == {"data": {"viewer": {"accountName": other.name}}}
