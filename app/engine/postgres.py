"""Connections to PostgreSQL, with or without a pooler such as PgBouncer between."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event

from app.engine.connections import Connect
from app.engine.stops import GRACE

_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 11_000}
"""Seconds, seconds, probes, milliseconds: a server that vanished without a word is noticed within some 11 seconds."""

_ARGUMENTS = {"connect_timeout": 5, **_ALIVE}

Driver = psycopg.Connection[tuple[Any, ...]]


def open_engine(url: URL, **options: Any) -> Engine:
    """For sessions. Outside of transactions each statement is one."""
    engine = create_engine(url, connect_args=_ARGUMENTS, isolation_level="AUTOCOMMIT", **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def connecting(engine: Engine) -> Connect:
    """What makes asynchronous connections to the same server."""
    _, arguments = engine.dialect.create_connect_args(engine.url)
    connect = partial(psycopg.AsyncConnection.connect, **{**arguments, **_ARGUMENTS}, autocommit=True)

    async def connected() -> psycopg.AsyncConnection[tuple[Any, ...]]:
        connection = await connect()
        cursor = await connection.execute(_ASK_WHO)
        _know_server(connection, await cursor.fetchone())
        return connection

    return connected


def interrupt(driver: Driver) -> Callable[[bool], None]:
    """What ends the statement that another thread waits for; called with True, it cuts the connection."""

    def end(cut: bool) -> None:
        if driver.closed:
            return
        if not cut:
            with suppress(psycopg.Error):
                driver.cancel_safe(timeout=GRACE)
            return
        with suppress(OSError), socket.socket(fileno=os.dup(driver.fileno())) as connection:
            connection.shutdown(socket.SHUT_RDWR)

    return end


_ASK_WHO = "SELECT pg_backend_pid()"


def _prepare(driver: Driver, _record: object) -> None:
    driver.autocommit = True
    _know_server(driver, driver.execute(_ASK_WHO).fetchone())


def _begin(connection: Connection) -> None:
    """SQLAlchemy would begin READ WRITE, which a standby refuses with the same error as what it does not know."""
    if not connection.get_execution_options().get("postgresql_readonly"):
        connection.connection.driver_connection.read_only = None  # type: ignore[union-attr]


def _know_server(connection: Any, told: tuple[Any, ...] | None) -> None:
    """Behind a pooler, which greets with a number of its own, each transaction may meet another server process: nothing
    may be prepared there for a later one. For the same reason nothing is ever set for a session.
    """
    if told != (connection.info.backend_pid,):
        connection.prepare_threshold = None
