"""Connections to PostgreSQL for one event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus

Connect = Callable[[], Awaitable[AsyncConnection[tuple[Any, ...]]]]


class Connections:
    """At most `most` at a time, made when they are needed; whoever finds none free waits `patience` seconds for one.

    Why not a library's: docs/decisions/0016-questions-wait-in-the-loop.md.
    """

    def __init__(self, connect: Connect, most: int, patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._turns = asyncio.Semaphore(most)
        self._free: list[AsyncConnection[tuple[Any, ...]]] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
        """OperationalError where none gets free or can be made."""
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise OperationalError(f"No connection got free within {self._patience} seconds.") from None
        try:
            connection = self._free.pop() if self._free else await self._connect()
            try:
                yield connection
            finally:
                await self._give_back(connection)
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Those that are free."""
        while self._free:
            await self._free.pop().close()

    async def _give_back(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        if connection.closed:
            await self.close()  # what broke one connection has most likely broken all
        elif connection.info.transaction_status != TransactionStatus.IDLE:
            await connection.close()
        else:
            self._free.append(connection)
