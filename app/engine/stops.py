"""Ending what a thread asks of the database, from outside of that thread."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

GRACE = 5.0
"""Seconds that a server has to heed that a statement is to end; then its connection is cut."""

_INTERVAL = 0.05

Interrupt = Callable[[bool], None]
"""Ends the statement that runs on a connection, or, when called with True, cuts the connection."""


class Stopped(Exception):
    """Raised in the thread that is to stop."""


class Stop:
    """One wish that a call ends. Its database connections are known here while it uses them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Interrupt] = []
        self.is_set = False

    @property
    def is_asking(self) -> bool:
        """Whether a connection is in use."""
        return bool(self._interrupts)

    def set(self) -> None:
        """Lets the call begin nothing more. What runs already is ended by `interrupt`, which may take a while."""
        self.is_set = True

    def interrupt(self, *, cut: bool = False) -> None:
        """Ends the statements that run, or cuts their connections."""
        with self._lock:  # while it is held no connection goes back to its pool
            for interrupt in self._interrupts:
                interrupt(cut)

    def end(self, call: "Future[Any]", grace: float = GRACE) -> bool:
        """Interrupts again and again until the call has returned: between two statements there is nothing to interrupt.
        False if the server did not heed it for so many seconds, so that the connection was cut.
        """
        self.set()
        began = time.monotonic()
        while not call.done():
            cut = time.monotonic() - began > grace
            self.interrupt(cut=cut)
            if cut:
                return False
            wait([call], _INTERVAL)
        return True

    @contextmanager
    def ends(self, interrupt: Interrupt) -> Iterator[None]:
        """Knows a connection while the block runs. Stopped if the stop was set before."""
        with self._lock:
            if self.is_set:
                raise Stopped
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


def current() -> Stop | None:
    """The stop that this thread heeds."""
    return _current.get()


@contextmanager
def heeded(stop: Stop) -> Iterator[None]:
    """What asks the database in the block, and in threads that are started there, heeds the stop."""
    token = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(token)
