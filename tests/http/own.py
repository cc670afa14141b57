"""Stacks with settings of their own, on either engine, and raw connections to them."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.engine.db import Database
from app.models import Scope
from tests.conftest import Account, both_engines, new_account
from tests.forked import ForkedStack
from tools import patience
from tools.servers import Servers

embedded = both_engines[:1]


@contextmanager
def own_stack(
    request: pytest.FixtureRequest, factory: pytest.TempPathFactory, name: str, settings: dict[str, str]
) -> Iterator[Account]:
    """An account of a running Sightlog of the engine that the fixture's parameter says."""
    settings = {"SIGHTLOG_RATE_LIMIT": "0"} | settings
    if request.param == "servers":
        real: Servers = request.getfixturevalue("real_servers")
        real.postgres.create_database(name)
        real.s3.create_bucket(name)
        settings = real.environment(name, name) | settings
    with ForkedStack(factory.mktemp(name), settings) as stack:
        database = Database(stack.database_url)
        account = new_account(stack, database)
        yield account
        account.close()
        database.dispose()


@contextmanager
def connected(account: Account, *sent: bytes) -> Iterator[socket.socket]:
    """A raw connection over which these bytes went."""
    with socket.create_connection(("127.0.0.1", account.stack.ports[0]), timeout=patience.seconds(30)) as connection:
        for data in sent:
            connection.sendall(data)
        yield connection


def answer(connection: socket.socket, until: bytes | None = None) -> bytes:
    """All that comes until it ends with these bytes, or until the server ends the connection."""
    read = b""
    while until is None or not read.endswith(until):
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            return read
        if not data:
            return read
        read += data
    return read


def head(account: Account, line: str, *headers: str, key: str | None = None) -> bytes:
    """A request up to its body, with a key of the account."""
    given = key or account.keys[Scope.WRITE]
    return "\r\n".join([f"{line} HTTP/1.1", "Host: test", f"Authorization: Bearer {given}", *headers, "", ""]).encode()


def becomes(expected: object, current: Callable[[], Any]) -> None:
    patience.until(lambda: current() == expected, 60)


def log_of(account: Account) -> str:
    return account.stack.api_processes[0].log.read_text()


def logged(account: Account, request_id: str) -> list[str]:
    """What the log says of a request: method, path and status."""
    lines = [line for line in log_of(account).splitlines() if request_id in line]
    return [found[1] for line in lines if (found := re.search(r"app\.http\.middleware: (.*) \d+\.\d ms", line))]
