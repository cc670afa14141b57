"""The texts of statements, compiled once for each shape."""

from collections.abc import Hashable
from typing import Any

from sqlalchemy import Dialect

from app.caches import ByteCache
from app.engine import dialects
from app.engine.queries import Query

_MAX_BYTES = 16 * 2**20
"""Of all texts: names that a client chose are in them, and as many in their shapes."""

Statement = tuple[str, dict[str, Any]]
"""A text, and the values of its named parameters."""


class Texts:
    """A cache that threads may share."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: ByteCache[Hashable, Statement] = ByteCache(_MAX_BYTES)

    def knows(self, query: Query) -> bool:
        """Whether `statement` is quick; to compile one takes milliseconds."""
        return self._known.get(query.shape) is not None

    def statement(self, query: Query) -> Statement:
        text, constants = self._compiled(query)
        values = {**constants, **query.values}
        if self._dialect.name == "sqlite":
            values = {name: dialects.stored(value) for name, value in values.items()}
        return text, values

    def _compiled(self, query: Query) -> Statement:
        """The text, and the values that are the same for all of its shape."""
        known = self._known.get(query.shape)
        if known is None:
            compiled = query.build().compile(dialect=self._dialect)
            parameters = compiled.construct_params(dict(query.values))
            known = str(compiled), {name: value for name, value in parameters.items() if name not in query.values}
            self._known.put(query.shape, known, 2000 + 2 * len(known[0]))
        return known
