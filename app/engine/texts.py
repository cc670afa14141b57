"""The texts of statements, compiled once for each shape."""

import threading
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Dialect

from app.engine import dialects
from app.engine.queries import Query

_MAX_SIZE = 8_000_000
"""Characters of all texts: names that a client chose are in them, and as many in their shapes."""

Statement = tuple[str, dict[str, Any]]
"""A text, and the values of its named parameters."""


class Texts:
    """A cache that threads may share."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: LRUCache[Hashable, Statement] = LRUCache(_MAX_SIZE, getsizeof=lambda known: len(known[0]))
        self._lock = threading.Lock()

    def knows(self, query: Query) -> bool:
        """Whether `statement` is quick; to compile one takes milliseconds."""
        return query.shape in self._known

    def statement(self, query: Query) -> Statement:
        text, constants = self._compiled(query)
        values = {**constants, **query.values}
        if self._dialect.name == "sqlite":
            values = {name: dialects.stored(value) for name, value in values.items()}
        return text, values

    def _compiled(self, query: Query) -> Statement:
        """The text, and the values that are the same for all of its shape."""
        with self._lock:
            known = self._known.get(query.shape)
        if known is None:
            compiled = query.build().compile(dialect=self._dialect)
            parameters = compiled.construct_params(dict(query.values))
            known = str(compiled), {name: value for name, value in parameters.items() if name not in query.values}
            with self._lock, suppress(ValueError):  # one that is longer than all may be
                self._known[query.shape] = known
        return known
