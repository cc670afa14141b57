"""The database: sessions that read one snapshot or write one transaction, and what is asked past them."""

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from app import jsontext, threads
from app.engine import dialects
from app.engine.connections import Connections
from app.engine.queries import Asking, Query, Rows
from app.errors import InvalidInput, Unavailable

T = TypeVar("T")

_DRIVER_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError)
"""Those that come past SQLAlchemy."""

_PATIENCE = 10
"""Seconds that one waits for a free connection."""

_MOST_TEXTS = 2000
"""Shapes of queries whose text is remembered; a few kilobytes each."""

_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 11_000}
"""Seconds, seconds, probes, milliseconds: a server that vanished without a word is noticed within some 11 seconds."""


class Database:
    """What a process has of the database: `connections` at most, of which `asked` are for `answer`.

    SQLite: WAL, so that readers keep their snapshot while others write; a writer takes its turn at the start.
    PostgreSQL: a reader is a read-only REPEATABLE READ transaction.
    """

    _asked: Connections | None = None
    """PostgreSQL's, where many ask: waiting in the event loop takes half the time of waiting in a thread."""

    def __init__(self, url: str, connections: int = 20, *, asked: int = 0) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {
            "json_serializer": jsontext.canonical,
            "json_deserializer": json.loads,
            "poolclass": QueuePool,
            "pool_size": connections,
            "max_overflow": 0,
            "pool_timeout": _PATIENCE,
        }
        if self.is_sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(self.url, connect_args={"timeout": 30, "check_same_thread": False}, **options)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader: Engine = self.engine
            self._writer: Engine = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        else:
            options_of_url = self.url.query.get("options", "")
            arguments = {"connect_timeout": 5, "options": f"{options_of_url} -c timezone=UTC", **_ALIVE}
            options["pool_size"] -= asked
            self.engine = create_engine(self.url, connect_args=arguments, isolation_level="AUTOCOMMIT", **options)
            _, of_url = self.engine.dialect.create_connect_args(self.url)
            connect = partial(psycopg.AsyncConnection.connect, **{**of_url, **arguments}, autocommit=True)
            self._asked = Connections(connect, asked, _PATIENCE) if asked else None
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writer = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._dialect: Dialect = sqlite.dialect(paramstyle="named") if self.is_sqlite else self.engine.dialect
        self._texts: dict[Hashable, tuple[str, dict[str, Any]]] = {}

    def read(self) -> AbstractContextManager[Session]:
        """A session that sees one moment of the database."""
        return _session(self._reader)

    def write(self) -> AbstractContextManager[Session]:
        """A session that commits when its block ends, and takes everything back when it raises."""
        return _session(self._writer)

    def connect(self) -> Connection:
        """A connection for who begins and commits by himself; otherwise as `write`."""
        return self._writer.connect()

    async def answer(self, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        """What the asking returns, past SQLAlchemy's sessions, which take longer than a small query. Each query sees a
        moment of its own, unless all are to see one. Always of one event loop, before whose end comes `close`.
        """
        if self._asked is None:
            return await threads.run(self.answer_now, asking, at_one_moment=at_one_moment)
        with _told_as_unavailable():
            async with _snapshot(self._asked) if at_one_moment else nullcontext() as driver:
                try:
                    query = next(asking)
                    while True:
                        query = asking.send(await self._fetch(query, driver))
                except StopIteration as end:
                    answer: T = end.value
                    return answer

    def answer_now(self, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        """The same, for who may block."""
        if at_one_moment:
            with self.read() as session:
                return self.answer_in(session, asking)
        with _told_as_unavailable():
            pooled = self.engine.raw_connection()
            try:
                return self._answer(pooled.driver_connection, asking)
            finally:
                pooled.close()

    def answer_in(self, session: Session, asking: Asking[T]) -> T:
        """The same, for who has a session; all queries see what it sees."""
        return self._answer(session.connection().connection.driver_connection, asking)

    async def close(self) -> None:
        if self._asked is not None:
            await self._asked.close()

    def dispose(self) -> None:
        self.engine.dispose()

    async def _fetch(self, query: Query, driver: Any) -> Rows:
        assert self._asked is not None
        if query.shape not in self._texts:
            await threads.run(self._text, query)  # which takes milliseconds
        if driver is None:
            async with self._asked.one() as driver:
                return await self._fetch(query, driver)
        cursor = await driver.execute(*self._statement(query), prepare=None if query.one_plan else False)
        rows: Rows = await cursor.fetchall()
        return rows

    def _answer(self, driver: Any, asking: Asking[T]) -> T:
        options = {} if self.is_sqlite else {"prepare": False}
        try:
            query = next(asking)
            while True:
                query = asking.send(driver.execute(*self._statement(query), **options).fetchall())
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _statement(self, query: Query) -> tuple[str, dict[str, Any]]:
        text, constants = self._text(query)
        values = {**constants, **query.values}
        if self.is_sqlite:
            values = {name: dialects.stored(value) for name, value in values.items()}
        return text, values

    def _text(self, query: Query) -> tuple[str, dict[str, Any]]:
        """The statement's text, and the values that are the same for all of its shape."""
        known = self._texts.get(query.shape)
        if known is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            compiled = query.build().compile(dialect=self._dialect)
            parameters = compiled.construct_params(dict(query.values))
            constants = {name: value for name, value in parameters.items() if name not in query.values}
            known = self._texts[query.shape] = str(compiled), constants
        return known


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise InvalidInput("The URL of a database is sqlite:///path or postgresql+psycopg://user:password@host/name.")
    return parsed


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    with _told_as_unavailable(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@asynccontextmanager
async def _snapshot(connections: Connections) -> AsyncIterator[Any]:
    async with connections.one() as driver:
        await driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield driver
        finally:
            if not driver.closed:
                await driver.execute("COMMIT")  # a ROLLBACK would make psycopg forget what it has prepared


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    """Whatever says that the server cannot be asked now."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, *_DRIVER_ERRORS) as error:
        raise Unavailable("The database does not answer at the moment. Please try again.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database does not answer at the moment. Please try again.") from error
        raise


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own
    cursor = connection.cursor()
    cursor.execute("PRAGMA cache_size = -16384")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Whoever is first switches a new file to WAL; the others would be refused at once, whatever their timeout."""
    deadline = time.monotonic() + 30
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
