"""Asking servers that may hang."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from app import threads

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that whoever asks waits for an answer."""


class Probe(Generic[T]):
    """One question to one server. While it hangs, whoever asks again waits for the same answer: it costs one thread,
    and none of those that requests run in.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._thread = threads.Pool(1, "probe")
        self._lock = threading.Lock()
        self._answer: Future[T] | None = None

    def ask(self) -> Future[T]:
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = self._thread.start(self._question)
            return self._answer


def state(name: str, check: Callable[[], str | None]) -> str:
    """What the check says, or `ok`, or `unavailable` where it raises; the log tells why."""
    try:
        return check() or "ok"
    except Exception as error:
        log.warning("not ready: the %s does not answer: %s", name, error)
        return "unavailable"
