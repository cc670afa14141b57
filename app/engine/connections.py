"""Connections to PostgreSQL for one event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from app.engine.faults import Waited

Connect = Callable[[], Awaitable[AsyncConnection[tuple[Any, ...]]]]


class Connections:
    """A pool of at most `max_size` connections, made when they are needed. Whoever finds none free waits `timeout`
    seconds for one.

    Why not a library's: docs/decisions/0016-questions-wait-in-the-loop.md.
    """

    def __init__(self, connect: Connect, max_size: int, timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._turns = asyncio.Semaphore(max_size)
        self._free: list[AsyncConnection[tuple[Any, ...]]] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
        """Waited where none gets free, OperationalError where none can be made."""
        if self._turns.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._turns.acquire()
            except TimeoutError:
                raise Waited from None
        else:
            await self._turns.acquire()
        try:
            connection = self._free.pop() if self._free else await self._connect()
            try:
                yield connection
            finally:
                await self._release(connection)
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Those that are free."""
        while self._free:
            await self._free.pop().close()

    async def _release(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        if connection.closed:
            await self.close()  # what broke one connection has most likely broken all
        elif connection.info.transaction_status != TransactionStatus.IDLE:
            await connection.close()
        else:
            self._free.append(connection)
