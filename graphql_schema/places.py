"""How much of a kind each key may have open at a time in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import RateLimited


class Places:
    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, key: str) -> Iterator[None]:
        """RateLimited where all of the key's are taken."""
        if self._taken[key] >= self._most:
            raise RateLimited(f"At most {self._most} {self._what} may be open for one key: close one first.")
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
