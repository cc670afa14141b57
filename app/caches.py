"""What was used last, within a number of bytes."""

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Values that together take at most `max_bytes`, as `size` reckons them. Threads may share it."""

    def __init__(self, max_bytes: int, size: Callable[[V], int]) -> None:
        self._values: LRUCache[K, V] = LRUCache(max_bytes, getsizeof=size)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """A value that alone is larger is not kept."""
        with self._lock, suppress(ValueError):
            self._values[key] = value
