"""The database: sessions that read one snapshot or write one transaction, and what is asked past them."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from app import jsontext, threads
from app.engine import faults, postgres, sqlite, stops
from app.engine.asked import Asked
from app.engine.connections import Connections
from app.engine.faults import Faults, Waited
from app.engine.queries import Asking
from app.engine.stops import Stop
from app.engine.texts import Texts
from app.engine.turns import Turns
from app.errors import InvalidInput, TooSlow, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_POOL_TIMEOUT = 10
"""Seconds that one waits for a free connection, or for the account's turn."""

_OWN = 2
"""Connections, beside the others, for keys; PostgreSQL has one more for readiness."""

_ENDING = 8
"""Calls at a time that are told to end: a server that hangs takes seconds to hear it."""

_MAX_WRITERS = 20
"""Threads that write or wait for it at a time: half of those that requests have."""


class Database:
    """A process's connections: `connections` at most, of which `asked` are for `answer`, and a few for itself.

    SQLite: readers keep their snapshot while one at a time writes; writers have a connection and a queue of their own.
    PostgreSQL: a reader is a read-only REPEATABLE READ transaction.

    `timeout`: seconds that `answer` and `run` give a request; sessions and `answer_now` take as long as they take.
    `turns`: how many requests of one account are answered at a time.
    """

    _asked: Asked | None = None
    _own: Asked | None = None

    def __init__(
        self, url: str, connections: int = 20, *, asked: int = 0, timeout: float | None = None, turns: int = 4
    ) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._timeout = timeout
        self._turns = Turns(turns, _POOL_TIMEOUT)
        self._faults = Faults(_place(self.url))
        self._writers = threading.BoundedSemaphore(_MAX_WRITERS)
        self._own_threads = threads.Pool(_OWN, "own")
        self._ending_threads = threads.Pool(_ENDING, "ending")
        if self.is_sqlite:
            self._open_sqlite(connections)
        else:
            self._open_postgres(connections, asked)

    def read(self) -> AbstractContextManager[Session]:
        """A session that sees one moment of the database."""
        return self._session(self._reader)

    def peek(self) -> AbstractContextManager[Session]:
        """The same, for readiness: on a connection that no request takes."""
        return self._session(self._own_reader)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when its block ends, and takes everything back when it raises."""
        with self._faults.told():
            if not self._writers.acquire(blocking=False):
                raise Waited
        try:
            with self._session(self._writer) as session:
                yield session
        finally:
            self._writers.release()

    def empty_log(self) -> bool:
        """SQLite: what was changed and erased is in the file of the database alone, and no more in its log. False where
        a reader keeps an older snapshot, such as an export's. (PostgreSQL keeps its log as it is set to.)
        """
        if not self.is_sqlite:
            return True
        with self._faults.told(), closing(self._writer.raw_connection()) as pooled:
            return sqlite.empty_log(pooled.driver_connection)

    def connect(self) -> Connection:
        """A connection for who begins and commits by himself; otherwise as `write`."""
        return self._writer.connect()

    async def answer(self, account_id: int | None, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        """What the asking returns, past SQLAlchemy's sessions, which take longer than a small query. Each query sees a
        moment of its own, unless all are to see one. Always of one event loop, before whose end comes `close`.

        None asks for the process itself, such as for a key: on connections that no account's questions take.
        TooSlow, RateLimited or Unavailable where there is no answer. If the caller is cancelled, the statement ends.
        """
        if self._asked is None or self._own is None:
            engine = self._own_engine if account_id is None else self.engine
            return await self.run(account_id, self._answer_on, engine, asking, at_one_moment=at_one_moment)
        try:
            if account_id is None:
                return await self._own.answer(asking, at_one_moment=at_one_moment)
            await self._turns.take(account_id)
            try:
                return await self._asked.answer(asking, at_one_moment=at_one_moment)
            finally:
                self._turns.give_back(account_id)
        except (Unavailable, TooSlow) as error:
            self._tell(error, account_id)
            raise

    async def run(self, account_id: int | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function that blocks, in a thread, with the same limits and errors as `answer`. What is still asked
        of the database when its time is over, or when the caller is cancelled, is ended.
        """
        if account_id is not None:
            await self._turns.take(account_id)
        pool = self._own_threads if account_id is None else threads.requests
        stop = Stop()
        with stops.heeded(stop):
            call = pool.start(function, *args, **kwargs)
        try:
            return await self._in_time(call, stop)
        except (Unavailable, TooSlow) as error:
            self._tell(error, account_id)
            raise
        finally:
            if account_id is not None:
                self._turns.give_back_after(call, account_id)

    def answer_now(self, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        """What the asking returns, for who may block."""
        return self._answer_on(self.engine, asking, at_one_moment=at_one_moment)

    def answer_in(self, session: Session, asking: Asking[T]) -> T:
        """The same, for who has a session; all queries see what it sees."""
        return self._answer(session.connection().connection.driver_connection, asking)

    def refuses(self) -> str | None:
        """`full` or `read-only` if the database has lately refused to write for that reason."""
        return self._faults.refuses()

    async def close(self) -> None:
        for asked in (self._asked, self._own):
            if asked is not None:
                await asked.close()

    def dispose(self) -> None:
        for engine in self._engines:
            engine.dispose()

    def _end(self, call: "Future[Any]", stop: Stop) -> "Future[bool] | None":
        """Ends what the call asks; None if it has not come to that yet, and then it will not."""
        stop.set()
        return self._ending_threads.start(stop.end, call) if stop.is_asking else None

    def _open_sqlite(self, connections: int) -> None:
        sqlite.create_file(self.url)
        self.engine = self._reader = sqlite.open_engine(self.url, **_options(connections - 1))
        self._own_engine = self._own_reader = sqlite.open_engine(self.url, **_options(_OWN))
        writing = sqlite.open_engine(self.url, **_options(1))
        self._writer = writing.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._engines = [self.engine, self._own_engine, writing]
        self._interrupt: Callable[[Any], stops.Interrupt] = sqlite.interrupt
        self._texts = Texts(sqlite_dialect.dialect(paramstyle="named"))

    def _open_postgres(self, connections: int, asked: int) -> None:
        self.engine = self._own_engine = postgres.open_engine(self.url, **_options(connections - asked))
        self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writer = self.engine.execution_options(isolation_level="READ COMMITTED")
        own = postgres.open_engine(self.url, **_options(1))
        self._own_reader = own.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._engines = [self.engine, own]
        self._interrupt = postgres.interrupt
        self._texts = Texts(self.engine.dialect)
        if asked:
            connect = postgres.connecting(self.engine)
            self._asked, self._own = (
                Asked(Connections(connect, size, _POOL_TIMEOUT), self._texts, self._faults, self._timeout)
                for size in (asked, _OWN)
            )

    async def _in_time(self, call: "Future[T]", stop: Stop) -> T:
        waiting, task = asyncio.wrap_future(call), asyncio.current_task()
        assert task is not None
        # In place of asyncio.timeout, which takes as long as the rest of the waiting.
        limit = self._timeout and asyncio.get_running_loop().call_later(self._timeout, waiting.cancel)
        try:
            return await waiting
        except asyncio.CancelledError:
            if task.cancelling():
                self._end(call, stop)
                raise
        finally:
            if limit:
                limit.cancel()
        heeded = self._end(call, stop)
        if heeded is None:
            raise self._faults.busy()
        if await asyncio.wrap_future(heeded):
            raise TooSlow(faults.SLOW)
        raise self._faults.no_answer(f"no answer within {self._timeout:g} seconds")

    def _answer_on(self, engine: Engine, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        if at_one_moment:
            with self.read() as session:
                return self.answer_in(session, asking)
        with self._faults.told(), closing(engine.raw_connection()) as pooled, self._heeding(pooled.driver_connection):
            return self._answer(pooled.driver_connection, asking)

    def _answer(self, driver: Any, asking: Asking[T]) -> T:
        options = {} if self.is_sqlite else {"prepare": False}
        with closing(asking):
            try:
                query = next(asking)
                while True:
                    query = asking.send(driver.execute(*self._texts.statement(query), **options).fetchall())
            except StopIteration as end:
                answer: T = end.value
                return answer

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with self._faults.told(), Session(engine, expire_on_commit=False) as session, session.begin():
            if stops.current() is None:
                yield session
            else:
                with self._heeding(session.connection().connection.driver_connection):
                    yield session

    def _heeding(self, driver: Any) -> AbstractContextManager[None]:
        """Lets the stop of this thread, if it has one, end what is asked on that connection."""
        stop = stops.current()
        return nullcontext() if stop is None else stop.ends(self._interrupt(driver))

    def _tell(self, error: Unavailable | TooSlow, account_id: int | None) -> None:
        if isinstance(error, Unavailable):
            self._faults.log(error)
        elif account_id is None:
            raise self._faults.busy() from None  # what the process asks for itself is always small


def _options(size: int) -> dict[str, Any]:
    return {
        "json_serializer": jsontext.canonical,
        "json_deserializer": json.loads,
        "poolclass": QueuePool,
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": _POOL_TIMEOUT,
    }


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is not None and parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed is None or parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise InvalidInput("The URL of a database is sqlite:///path or postgresql://user:password@host/name.")
    return parsed


def _place(url: URL) -> str:
    """What the database is called when it does not answer."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    host = url.host or url.query.get("host") or "localhost"
    return f"SIGHTLOG_DATABASE_URL: {url.database} at {host}:{url.port or 5432} as {url.username}"
