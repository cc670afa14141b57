"""Threads for what blocks: calls of the database, of Redis, of the storage."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_POOL = ThreadPoolExecutor(40, thread_name_prefix="blocking")
_running: set[Future[Any]] = set()


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls it in a thread, in the context of the caller. (anyio, which can be cancelled, takes four times as long.)"""
    context = contextvars.copy_context()
    future = _POOL.submit(lambda: context.run(function, *args, **kwargs))
    _running.add(future)
    future.add_done_callback(_running.discard)
    return await asyncio.wrap_future(future)


def start(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Calls it in a thread of its own, in the context of the caller, which does not hold up the end of the process."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from now on nobody can cancel it
    context = contextvars.copy_context()

    def call() -> None:
        try:
            future.set_result(context.run(function, *args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return future


def are_busy() -> bool:
    """Whether calls have not returned. The interpreter would wait for them, however long they hang."""
    return bool(_running)
