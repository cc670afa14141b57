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

    def known(self, query: Query) -> Statement | None:
        """The statement, if nothing is to be compiled for it, which takes milliseconds."""
        found = self._known.get(query.shape)
        return found and self._filled(query, *found)

    def statement(self, query: Query) -> Statement:
        return self.known(query) or self._filled(query, *self._compile(query))

    def _filled(self, query: Query, text: str, constants: dict[str, Any]) -> Statement:
        values = {**constants, **query.values}
        if self._dialect.name == "sqlite":
            values = {name: dialects.stored(value) for name, value in values.items()}
        return text, values

    def _compile(self, query: Query) -> Statement:
        """The text, and the values that are the same for all of its shape."""
        compiled = query.build().compile(dialect=self._dialect)
        parameters = compiled.construct_params(dict(query.values))
        made = str(compiled), {name: value for name, value in parameters.items() if name not in query.values}
        self._known.put(query.shape, made, 2000 + 2 * len(made[0]))
        return made
