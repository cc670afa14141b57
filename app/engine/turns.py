"""Turns: how much of the database one account may take at a time."""

import asyncio
from collections.abc import Hashable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from app.errors import RateLimited

CROWDED = "Too many questions of your account are waiting for the database. Please ask fewer at a time."


class Turns:
    """At most `size` turns at a time for each account; more wait in their order, for `timeout` seconds at most.

    Of one event loop.
    """

    def __init__(self, size: int, timeout: float) -> None:
        self._size = size
        self._timeout = timeout
        self._taken: dict[Hashable, int] = {}
        """Turns of each account that are taken or waited for."""
        self._free: dict[Hashable, asyncio.Semaphore] = {}

    async def take(self, account: Hashable) -> None:
        """RateLimited where no turn comes in time. Whoever takes one gives it back."""
        free = self._free.get(account) or self._free.setdefault(account, asyncio.Semaphore(self._size))
        self._taken[account] = self._taken.get(account, 0) + 1
        try:
            if not free.locked():
                await free.acquire()
                return
            async with asyncio.timeout(self._timeout):
                await free.acquire()
        except TimeoutError:
            self._forget(account)
            raise RateLimited(CROWDED) from None
        except BaseException:
            self._forget(account)
            raise

    def give_back(self, account: Hashable) -> None:
        self._free[account].release()
        self._forget(account)

    def give_back_after(self, call: "Future[Any]", account: Hashable) -> None:
        """Gives it back when the call has returned, which it may do in another thread."""
        if call.done():
            self.give_back(account)
            return
        loop = asyncio.get_running_loop()

        def give_back(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self.give_back, account)

        call.add_done_callback(give_back)

    def _forget(self, account: Hashable) -> None:
        self._taken[account] -= 1
        if not self._taken[account]:
            del self._taken[account], self._free[account]
