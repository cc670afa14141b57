"""Threads for what blocks: calls of the database, of Redis, of the storage."""

import asyncio
import contextvars
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_running: set[Future[Any]] = set()


class Pool:
    """Threads for one kind of work: at most `size`, made when they are needed. Work that finds none free waits.

    (anyio, whose calls can be cancelled, takes four times as long.)
    """

    def __init__(self, size: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=name)

    def start(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Calls the function in a thread, in the context of the caller."""
        context = contextvars.copy_context()
        future = self._threads.submit(lambda: context.run(function, *args, **kwargs))
        _running.add(future)
        future.add_done_callback(_running.discard)
        return future

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, for the event loop: returns what the function returns."""
        return await asyncio.wrap_future(self.start(function, *args, **kwargs))


requests = Pool(40, "request")
"""What requests call. Whatever may hang for longer, or serves no request, has a pool of its own."""

run = requests.run


def end_process() -> None:
    """Ends the process where calls still hang: the interpreter would wait for them, however long. Else does nothing."""
    if _running:
        log.warning("calls to other servers still hang; the process ends without them")
        logging.shutdown()
        os._exit(0)
