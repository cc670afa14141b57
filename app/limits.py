"""How many requests a key, or an address without a valid one, may send in a minute."""

import ipaddress
import logging
import math
import threading
import time
from dataclasses import dataclass

from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage

from app import threads

log = logging.getLogger(__name__)

SECONDS = 60
"""How long a window is."""

ADDRESS_LIMIT = 60
"""Requests a minute from one address without a valid key, where keys have at least twice as many."""

HIGHEST = 2**31 - 1
"""The highest limit that can be kept."""

_RETRY_SHARED = 2.0


@dataclass(frozen=True)
class Limits:
    """Requests a minute, as they were set for an account and for one of its keys. None: not set; 0: no limit.

    A key's own limit replaces its account's. It exceeds it only where the operator has set it.
    """

    account: int | None = None
    key: int | None = None
    by_operator: bool = False

    def of_account(self, default: int) -> int:
        """What a key without a limit of its own may send; 0: any number."""
        return default if self.account is None else self.account

    def of_key(self, default: int) -> int:
        """What the key may send; 0: any number."""
        of_account = self.of_account(default)
        if self.key is None:
            return of_account
        return self.key if self.by_operator or of_account == 0 else min(self.key, of_account)


@dataclass(frozen=True)
class Window:
    """What is left of one caller's window, after a request. `reset` is in Unix seconds, `wait` in seconds from now."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    wait: int

    def headers(self) -> dict[str, str]:
        told = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }
        return told if self.allowed else told | {"Retry-After": str(self.wait)}


class Limiter:
    """Counts in Redis, shared by all processes, or in this one; in this one as well while Redis does not answer."""

    def __init__(self, redis_url: str) -> None:
        self._own: Storage = MemoryStorage()
        self._lock = threading.Lock()
        self._shared: Storage | None = None
        self._shared_fails = False
        self._shared_again = 0.0
        if redis_url:
            self._shared = RedisStorage(
                redis_url, wrap_exceptions=True, key_prefix="sightlog", socket_connect_timeout=1, socket_timeout=1
            )

    async def hit(self, caller: str, limit: int) -> Window | None:
        """Counts one request. None where there is no limit."""
        if limit == 0:
            return None
        key = f"rate:{caller}"
        count, ends = await threads.run(self._count, key) if self._shared else self._count_here(key)
        wait = min(SECONDS, max(1, math.ceil(ends - time.time())))
        return Window(count <= limit, limit, max(0, limit - count), math.ceil(ends), wait)

    def _count(self, key: str) -> tuple[int, float]:
        now = time.monotonic()
        if self._shared is not None and now >= self._shared_again:
            if self._shared_fails:
                self._shared_again = now + _RETRY_SHARED  # one request tries it, the others need not wait
            try:
                found = self._shared.incr(key, SECONDS), self._shared.get_expiry(key)
            except StorageError as error:
                log.warning("rate limits are counted in this process while Redis does not answer: %s", error)
                self._shared_fails, self._shared_again = True, time.monotonic() + _RETRY_SHARED
            else:
                self._shared_fails, self._shared_again = False, 0.0
                return found
        return self._count_here(key)

    def _count_here(self, key: str) -> tuple[int, float]:
        with self._lock:  # or two would be told the count of the second
            return self._own.incr(key, SECONDS), self._own.get_expiry(key)


def address_limit(limit: int) -> int:
    """What an address without a valid key may send where a key may send so many: less than any key."""
    return min(ADDRESS_LIMIT, max(1, limit // 2)) if limit else 0


def network(address: str) -> str:
    """What counts as one address: an IPv6 customer has at least a /64 to send from."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)
