"""The statements of an export: how many rows its file will have, and the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlmodel import Session

from app import spreadsheets
from app.engine import dialects
from app.exports import chosen
from app.exports.chosen import Chosen, Kind, Stored
from app.history import columns, filters, metadata
from app.history.filters import DescriptionFilter
from app.history.page_query import NEWEST
from app.models import Description

_TABLE = Description.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Selection:
    """Which results a file holds, newest first, and which of their columns, in this order. No limit: all matches.

    What `texts` and `values` give for the columns has no names, as those of a file may be of any length.
    """

    account_id: int
    wanted: DescriptionFilter
    columns: Sequence[Stored]
    limit: int | None = None

    @cached_property
    def chosen(self) -> list[Chosen]:
        return chosen.read(self.columns)

    def texts(self, *, whole_seconds: bool = False, guarded: bool = False) -> Select[Any]:
        """The columns as text formats show them: times and JSON as their text.

        All times have one precision, microseconds or seconds; `whole_seconds` is for times that have no fraction.
        `guarded`: as spreadsheets are to have them.
        """
        time = dialects.iso_seconds if whole_seconds else dialects.iso_microseconds
        shown = [(one, time(value) if one.kind is Kind.TIME else value) for one, value in self._values()]
        return self._select([_guarded(one, value) if guarded else value for one, value in shown])

    def values(self) -> Select[Any]:
        """The columns as values: times are times, JSON is its canonical text."""
        return self._select([value for _, value in self._values()])

    def _values(self) -> list[tuple[Chosen, ColumnElement[Any]]]:
        return [(one, _value(one)) for one in self.chosen]

    def _select(self, shown: list[ColumnElement[Any]]) -> Select[Any]:
        labelled = [value.label(f"c{place}") for place, value in enumerate(shown)]
        return select(*labelled).where(*self._conditions()).order_by(*NEWEST).limit(self.limit)

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
        if rows != self.limit or all(one.kind is not Kind.TIME for one in self.chosen):
            return Count(rows, whole_seconds=not fractions)
        newest = matches.order_by(*NEWEST).limit(self.limit).subquery()
        any_fraction = select(exists().where(dialects.has_fraction(newest.c.created_at)))
        return Count(rows, whole_seconds=not session.connection().scalar(any_fraction))


def _value(one: Chosen) -> ColumnElement[Any]:
    if one.path is not None:
        return metadata.text_at(_TABLE.c.metadata, one.path)
    return dialects.compact(columns.shown(one.name)) if one.kind is Kind.JSON else columns.shown(one.name)


def _guarded(one: Chosen, value: ColumnElement[Any]) -> ColumnElement[Any]:
    is_text = one.kind in (Kind.TEXT, Kind.JSON)
    return spreadsheets.guarded_sql(value, but_numbers=one.path is not None) if is_text else value


@dataclass(frozen=True)
class Count:
    """What is known of a file before it is written."""

    rows: int
    whole_seconds: bool
