"""The statements of an export: how many rows its file will have, and the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlmodel import Session

from app.engine import dialects
from app.history import columns, filters
from app.history.columns import JSON_COLUMNS
from app.history.filters import DescriptionFilter
from app.history.page_query import NEWEST
from app.models import Description

_TABLE = Description.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Selection:
    """Which results a file holds, newest first, and which of their columns, in this order. No limit: all matches."""

    account_id: int
    wanted: DescriptionFilter
    columns: Sequence[str]
    limit: int | None = None

    def texts(self, *, whole_seconds: bool = False) -> Select[Any]:
        """The columns as text formats show them: times and JSON as their text.

        All times have one precision, microseconds or seconds; `whole_seconds` is for times that have no fraction.
        """
        time = dialects.iso_seconds if whole_seconds else dialects.iso_microseconds
        return self._select({"created_at": time(_TABLE.c.created_at)})

    def values(self) -> Select[Any]:
        """The columns as values: times are times, JSON is its canonical text."""
        return self._select({})

    def _select(self, shown: dict[str, ColumnElement[Any]]) -> Select[Any]:
        shown |= {name: dialects.compact(columns.shown(name)) for name in JSON_COLUMNS}
        statement = select(*(shown.get(name, _TABLE.c[name]).label(name) for name in self.columns))
        return statement.where(*self._conditions()).order_by(*NEWEST).limit(self.limit)

    def _conditions(self) -> list[ColumnElement[bool]]:
        return filters.conditions(self.account_id, self.wanted)

    def count(self, session: Session, at_most: int | None) -> "Count":
        """How many rows the file will have, so many at most, and whether their times are whole seconds: in one pass.

        Where the limit cuts matches off, the times are looked at once more, newest first, up to the first fraction.
        """
        matches = select(_TABLE.c.created_at).where(*self._conditions())
        found = matches.limit(at_most).subquery()
        with_fraction = func.count().filter(dialects.has_fraction(found.c.created_at))
        counted = select(func.count(), with_fraction).select_from(found)
        rows, fractions = session.connection().execute(counted).one()
        if rows != self.limit or "created_at" not in self.columns:
            return Count(rows, whole_seconds=not fractions)
        newest = matches.order_by(*NEWEST).limit(self.limit).subquery()
        any_fraction = select(exists().where(dialects.has_fraction(newest.c.created_at)))
        return Count(rows, whole_seconds=not session.connection().scalar(any_fraction))


@dataclass(frozen=True)
class Count:
    """What is known of a file before it is written."""

    rows: int
    whole_seconds: bool
