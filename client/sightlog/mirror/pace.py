"""The other side's rate limit, as its headers tell it."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable

import httpx

MOST_SECONDS_FROM_NOW = 10**9
"""`X-RateLimit-Reset` is a time in seconds since 1970; some services give seconds from now, which are fewer."""


class Pace:
    """Waits where few requests are left, until there are more: `spare`, a share of the limit, is left to others who use
    the same key. No wait is longer than `longest` seconds, whatever is told.
    """

    def __init__(self, spare: float = 0.1, longest: float = 900, sleep: Callable[[float], None] = time.sleep) -> None:
        self._spare = spare
        self._longest = longest
        self._sleep = sleep
        self._until = 0.0

    def before(self, _: httpx.Request) -> None:
        pause = self._until - time.monotonic()
        if pause > 0:
            self._sleep(pause)

    def after(self, answer: httpx.Response) -> None:
        remaining = _number(answer, "X-RateLimit-Remaining")
        reset = _number(answer, "X-RateLimit-Reset")
        if remaining is None or reset is None:
            return
        if remaining > (_number(answer, "X-RateLimit-Limit") or 0) * self._spare:
            self._until = 0.0
            return
        pause = reset if reset < MOST_SECONDS_FROM_NOW else reset - now(answer)
        self._until = time.monotonic() + min(max(pause, 0), self._longest)


def now(answer: httpx.Response) -> float:
    """The time of who answered, in seconds since 1970: clocks differ."""
    try:
        return email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return time.time()


def _number(answer: httpx.Response, name: str) -> float | None:
    told = answer.headers.get(name, "").strip()
    return float(told) if told.isascii() and told.isdigit() else None
