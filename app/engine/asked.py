"""Questions that PostgreSQL answers in the event loop: waiting there takes half the time of waiting in a thread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from typing import Any, TypeVar

from app import threads
from app.engine import faults
from app.engine.connections import Connections
from app.engine.faults import Faults
from app.engine.queries import Asking, Query, Rows
from app.engine.texts import Texts
from app.errors import TooSlow

T = TypeVar("T")


class Asked:
    """Asks on the connections of one pool, `timeout` seconds at most for each statement."""

    def __init__(self, pool: Connections, texts: Texts, known_faults: Faults, timeout: float | None) -> None:
        self._pool = pool
        self._texts = texts
        self._faults = known_faults
        self._timeout = timeout

    async def answer(self, asking: Asking[T], *, at_one_moment: bool = False) -> T:
        """See `Database.answer`."""
        with closing(asking), self._faults.told():
            async with self._snapshot() if at_one_moment else nullcontext() as driver:
                try:
                    query = next(asking)
                    while True:
                        query = asking.send(await self._fetch(driver, query))
                except StopIteration as end:
                    answer: T = end.value
                    return answer

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Any]:
        async with self._pool.one() as driver:
            await self._execute(driver, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield driver
            finally:
                if not driver.closed:
                    await self._execute(driver, "COMMIT")  # a ROLLBACK makes psycopg forget what it has prepared

    async def _fetch(self, driver: Any, query: Query) -> Rows:
        statement = self._texts.known(query)
        if statement is None:
            statement = await threads.run(self._texts.statement, query)
        prepare = None if query.one_plan else False
        if driver is not None:
            return await self._execute(driver, *statement, prepare=prepare)
        async with self._pool.one() as driver:
            return await self._execute(driver, *statement, prepare=prepare)

    async def _execute(self, driver: Any, *statement: Any, prepare: bool | None = None) -> Rows:
        """psycopg ends the statement of a task that is cancelled, and closes the connection if that is not heeded."""
        try:
            async with asyncio.timeout(self._timeout):
                cursor = await driver.execute(*statement, prepare=prepare)
                rows: Rows = [] if cursor.rownumber is None else await cursor.fetchall()
                return rows
        except TimeoutError:
            if driver.closed:
                raise self._faults.no_answer(f"no answer within {self._timeout:g} seconds") from None
            raise TooSlow(faults.SLOW) from None
