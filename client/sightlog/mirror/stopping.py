"""SIGTERM and Ctrl-C, at a moment that suits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE = 5.0
"""Seconds that what is held may go on; whoever sends SIGTERM often kills after ten."""

_ALARM = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()


class Stopped(BaseException):
    """Somebody wants the program to end."""


class Stopping:
    """While it is entered, a signal raises Stopped: at once, or at the end of what is held, or GRACE later."""

    def __init__(self) -> None:
        self._is_held = False
        self._is_wanted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stopping:
        self._before = {one: signal.signal(one, self._handle) for one in (*SIGNALS, *_ALARM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if self._is_wanted and _ALARM:
                signal.setitimer(signal.ITIMER_REAL, 0)
        if self._is_wanted:
            raise Stopped

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._is_held or self._is_wanted:
            raise Stopped
        self._is_wanted = True
        if _ALARM:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
