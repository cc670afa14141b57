"""The engine, and the two ways of using it: reading one snapshot, and writing one transaction."""

import json
import sqlite3
import time
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from app import dialects, jsontext
from app.errors import InvalidInput, Unavailable
from app.queries import Query, Rows

_DRIVER_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError)
"""Those that `COPY` and queries raise past SQLAlchemy."""

_MOST_TEXTS = 2000
"""Shapes of queries whose text is remembered; a few kilobytes each."""

_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 11_000}
"""Seconds, seconds, probes, milliseconds: a server that vanished without a word is noticed within some 11 seconds."""


class Database:
    """One engine for a process.

    SQLite: WAL, so that readers keep their snapshot while others write; a writer takes its turn at the start.
    PostgreSQL: a reader is a read-only REPEATABLE READ transaction.
    """

    def __init__(self, url: str, connections: int = 20) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {
            "json_serializer": jsontext.canonical,
            "json_deserializer": json.loads,
            "poolclass": QueuePool,
            "pool_size": connections,
            "max_overflow": 0,
            "pool_timeout": 10,
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
            self.engine = create_engine(self.url, connect_args=arguments, isolation_level="AUTOCOMMIT", **options)
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

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """What one query finds, at a moment of its own."""
        with self._driver() as driver:
            return self._fetch(driver, query)

    @contextmanager
    def snapshot(self) -> Iterator[Rows]:
        """For several queries that are to see one moment."""
        with self.read() as session:
            yield self.rows_in(session)

    def rows_in(self, session: Session) -> Rows:
        """For queries that are to see what the session sees."""
        return partial(self._fetch, session.connection().connection.driver_connection)

    def dispose(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _driver(self) -> Iterator[Any]:
        """A connection without a transaction, past SQLAlchemy's, which takes longer than a small query."""
        with _told_as_unavailable():
            pooled = self.engine.raw_connection()
            driver: Any = pooled.driver_connection
            try:
                yield driver
            except psycopg.Error:
                if driver.closed:
                    self.engine.dispose()  # what broke one connection has most likely broken all
                raise
            finally:
                pooled.close()

    def _fetch(self, driver: Any, query: Query) -> list[tuple[Any, ...]]:
        text, constants = self._text(query)
        values = {**constants, **query.values}
        if self.is_sqlite:
            values = {name: dialects.stored(value) for name, value in values.items()}
            found: list[tuple[Any, ...]] = driver.execute(text, values).fetchall()
        else:
            found = driver.execute(text, values, prepare=None if query.one_plan else False).fetchall()
        return found

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
