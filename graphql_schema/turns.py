"""Whose turn it is, where many would do something at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many at a time, and so many of one key, that none has to wait for all that another key wants."""

    def __init__(self, at_a_time: int, of_one: int) -> None:
        self._all = asyncio.Semaphore(at_a_time)
        self._of_one = of_one
        self._keys: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @asynccontextmanager
    async def one(self, key: str) -> AsyncIterator[None]:
        self._here[key] += 1
        try:
            async with self._keys.setdefault(key, asyncio.Semaphore(self._of_one)), self._all:
                yield
        finally:
            self._here[key] -= 1
            if not self._here[key]:
                del self._here[key], self._keys[key]
