"""The statements of an export: how many rows its file will have, and the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlmodel import Session

from app.engine import dialects
from app.history import filters
from app.history.columns import JSON_COLUMNS
from app.history.filters import DescriptionFilter
from app.history.pages import NEWEST
from app.models import Description

_TABLE = Description.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Selection:
    """Which results a file holds, newest first, and which of their columns, in this order. No limit: all matches."""

    account_id: int
    wanted: DescriptionFilter
    columns: Sequence[str]
    limit: int | None = None

    def texts(self) -> Select[Any]:
        """The columns as text formats show them: times and JSON as their text."""
        return self._select({"created_at": dialects.iso(_TABLE.c.created_at)})

    def values(self) -> Select[Any]:
        """The columns as values: times are times, JSON is its canonical text."""
        return self._select({})

    def _select(self, shown: dict[str, ColumnElement[Any]]) -> Select[Any]:
        shown |= {name: dialects.compact(_TABLE.c[name]) for name in JSON_COLUMNS}
        statement = select(*(shown.get(name, _TABLE.c[name]).label(name) for name in self.columns))
        return statement.where(*self._conditions()).order_by(*NEWEST).limit(self.limit)

    def _conditions(self) -> list[ColumnElement[bool]]:
        return filters.conditions(self.account_id, self.wanted)

    def count(self, session: Session, at_most: int | None) -> int:
        """How many rows the file will have, so many at most."""
        matches: Select[Any] = select(literal_column("1")).select_from(_TABLE).where(*self._conditions()).limit(at_most)
        return session.connection().scalar(select(func.count()).select_from(matches.subquery())) or 0
