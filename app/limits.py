"""How many requests a key, or an address without a valid one, may send in a minute."""

import logging
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

log = logging.getLogger(__name__)

ADDRESS_LIMIT = 60
"""Requests a minute from one address without a valid key, or the limit of keys where that is lower."""

_RETRY_SHARED = 5.0


@dataclass(frozen=True)
class Window:
    """The state of one caller's 60 seconds. `reset` is in Unix seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        found = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }
        if not self.allowed:
            found["Retry-After"] = str(max(1, self.reset - int(time.time())))
        return found


class Limiter:
    """Counts in Redis, shared by all processes, or in this one; in this one as well while Redis does not answer."""

    def __init__(self, redis_url: str) -> None:
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        self._shared_again = 0.0
        if redis_url:
            options = {"socket_connect_timeout": 1, "socket_timeout": 1}
            storage: Storage = storage_from_string(redis_url, **options, wrap_exceptions=True)  # type: ignore[assignment]
            self._shared = FixedWindowRateLimiter(storage)

    def hit(self, caller: str, limit: int) -> Window | None:
        """Counts one request. None where there is no limit."""
        if limit == 0:
            return None
        if self._shared is not None and time.monotonic() >= self._shared_again:
            try:
                return _hit(self._shared, caller, limit)
            except Exception:
                log.warning("rate limits are counted in this process while Redis does not answer", exc_info=True)
                self._shared_again = time.monotonic() + _RETRY_SHARED
        return _hit(self._own, caller, limit)


def _hit(limiter: FixedWindowRateLimiter, caller: str, limit: int) -> Window:
    item = RateLimitItemPerMinute(limit, namespace="sightlog")
    allowed = limiter.hit(item, caller)
    window = limiter.get_window_stats(item, caller)
    return Window(allowed, limit, window.remaining, math.ceil(window.reset_time))
