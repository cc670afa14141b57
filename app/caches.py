"""What was used last, within a number of bytes."""

import threading
from collections.abc import Hashable
from contextlib import suppress
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Values that together take at most `max_bytes`. Threads may share it."""

    def __init__(self, max_bytes: int) -> None:
        self._known: LRUCache[K, tuple[int, V]] = LRUCache(max_bytes, getsizeof=itemgetter(0))
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._known.get(key)
        return found and found[1]

    def put(self, key: K, value: V, size: int) -> None:
        """`size`: bytes that both take. What alone takes more than all may is not kept."""
        with self._lock, suppress(ValueError):
            self._known[key] = size, value
