"""A page of results, and one result."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    false,
    literal_column,
    or_,
    select,
)
from sqlmodel import col

from app import cursors
from app.engine.db import Database
from app.engine.dialects import Timestamp
from app.engine.queries import Asking, Query, Rows
from app.errors import InvalidInput
from app.history import filters, rollup
from app.history.columns import COLUMNS
from app.history.filters import DescriptionFilter
from app.history.projection import BETWEEN, EVERY_COLUMN, Objects, Results, Shown
from app.history.statistics import Remembered, Statistics
from app.models import Description

MAX_PAGE = 1000
DEFAULT_PAGE = 100
SKIPPED_ROW_BY_ROW = 1000
"""An offset above this skips whole days by their counts."""

_EVERYTHING = DescriptionFilter()
_TOLD = 3
"""Columns in front of those of a result, see `_window_query`."""

_OFFSET: BindParameter[int] = bindparam("offset", type_=BigInteger())
_TABLE = Description.__table__  # type: ignore[attr-defined]
NEWEST = (col(Description.created_at).desc(), col(Description.id).desc())
_OLDEST = (col(Description.created_at).asc(), col(Description.id).asc())


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part of the matches: `limit` results behind the first `offset`, between two cursors, from either end."""

    limit: int = DEFAULT_PAGE
    offset: int = 0
    after: str | None = None
    before: str | None = None
    from_end: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= MAX_PAGE:
            raise InvalidInput(f"A page holds 0 to {MAX_PAGE} results.", field="last" if self.from_end else "first")
        if self.offset < 0:
            raise InvalidInput("The offset must not be negative.", field="offset")
        if self.offset and self.from_end:
            raise InvalidInput("The offset counts from the first result: use it with first.", field="offset")
        if self.offset and (self.after is not None or self.before is not None):
            raise InvalidInput("Give an offset or a cursor, not both.", field="offset")
        for name, place in (("after", self.after), ("before", self.before)):
            if place is not None:
                cursors.read(place, name)


@dataclass(frozen=True)
class Page:
    """Results, newest first. `statistics` is None where it was not asked for."""

    items: Results
    has_previous: bool
    has_next: bool
    statistics: Statistics | None


async def page(
    database: Database,
    remembered: Remembered,
    account_id: int,
    wanted: DescriptionFilter,
    window: Window,
    *,
    columns: Sequence[str] | None = COLUMNS,
    written: Objects | None = None,
    with_statistics: bool = False,
) -> Page:
    """One window of the matches, with what was asked for; all of it belongs to one moment.

    `columns` None: no results at all, only statistics. Where these are remembered, one statement gives the rest, and
    tells whether they still hold.
    """
    with_statistics = with_statistics or (columns is not None and window.offset > SKIPPED_ROW_BY_ROW)
    if columns is None:
        found = (
            (await database.answer(account_id, remembered.current(account_id, wanted)))[1] if with_statistics else None
        )
        return Page(Results({}, 0), False, False, found)
    known = remembered.get(account_id, wanted) if with_statistics else None
    shown = Shown(tuple(columns), written)
    if known or not with_statistics:
        with suppress(_Unclear):
            return await database.answer(account_id, _page(account_id, wanted, window, shown, known))

    def settled() -> Asking[Page]:
        known = (yield from remembered.current(account_id, wanted)) if with_statistics else None
        return (yield from _page(account_id, wanted, window, shown, known, settled=True))

    return await database.answer(account_id, settled(), at_one_moment=True)


def get(account_id: int, id: str) -> Asking[SimpleNamespace | None]:
    if "\0" in id:
        return None

    def build() -> Select[Any]:
        key = (_TABLE.c.account_id == bindparam("account_id"), _TABLE.c.id == bindparam("id"))
        return select(*EVERY_COLUMN.select()).where(*key)

    found = yield Query("description", build, {"account_id": account_id, "id": id}, one_plan=True)
    return EVERY_COLUMN.results(found)[0] if found else None


def cursor(row: Any) -> str:
    return cursors.make(row.created_at, row.id)


class _Unclear(Exception):
    """One statement does not tell: it takes several, of one moment."""


def _page(
    account_id: int,
    wanted: DescriptionFilter,
    window: Window,
    shown: Shown,
    known: tuple[int, Statistics] | None,
    *,
    settled: bool = False,
) -> Asking[Page]:
    """_Unclear, unless `settled`, where the history is not what is known of it any more, or that cannot be told."""
    revision, found = known or (None, None)
    by_days = window.offset > SKIPPED_ROW_BY_ROW
    if by_days and found and window.offset >= found.total_count:
        if not settled:
            raise _Unclear
        return Page(shown.results([]), found.total_count > 0, False, found)
    query = _window_query(account_id, wanted, window, shown, found if by_days else None)
    told, items, more = _read((yield query), window, shown)
    if not settled and (told is None or (known and told[0] != revision)):
        raise _Unclear
    newer, older = (bool(told[1]), bool(told[2])) if told else (yield from _beside(account_id, wanted, window))
    if window.offset > 0:
        newer = told is not None or newer
    has_previous, has_next = (more or newer, older) if window.from_end else (newer, more or older)
    return Page(items, has_previous, has_next, found)


def _is_joined(window: Window, shown: Shown) -> bool:
    """Whether the whole page comes as one row, joined in its order."""
    return shown.is_joined and not window.from_end


def _read(fetched: Rows, window: Window, shown: Shown) -> tuple[tuple[Any, ...] | None, Results, bool]:
    """What is told beside the results, None where there are none; the results; whether one more follows."""
    if _is_joined(window, shown):
        *told, count, text = fetched[0]
        if more := count > window.limit:
            text = text[: text.rindex(BETWEEN)] if window.limit else ""
        return tuple(told) if count else None, Results({}, min(count, window.limit), text or ""), more
    kept = fetched[: window.limit]
    items = shown.results([row[_TOLD:] for row in (kept[::-1] if window.from_end else kept)])
    return fetched[0][:_TOLD] if fetched else None, items, len(fetched) > window.limit


def _beside(account_id: int, wanted: DescriptionFilter, window: Window) -> Asking[tuple[bool, bool]]:
    """Whether matches lie before and behind a window in which there is none."""
    newer = older = False
    if window.after is not None:
        [(newer,)] = yield _beside_query(account_id, wanted, window.after, "after", newer=True)
    if window.before is not None:
        [(older,)] = yield _beside_query(account_id, wanted, window.before, "before", newer=False)
    if window.offset > 0:
        first = replace(window, limit=0, offset=0)
        newer = bool((yield _window_query(account_id, wanted, first, Shown(()), None)))
    return bool(newer), bool(older)


def _window_query(
    account_id: int,
    wanted: DescriptionFilter,
    window: Window,
    shown: Shown,
    skipping: Statistics | None,
) -> Query:
    """Rows of the revision, whether matches lie before and behind, and what is shown; one more than fits."""
    values = filters.values(account_id, wanted)
    offset = window.offset
    if skipping is not None:
        day, offset = _skip(skipping, offset)
        values["until"] = datetime.combine(day, time.max, UTC)
    for name, place in (("after", window.after), ("before", window.before)):
        if place is not None:
            values |= _place(place, name)
    values["offset"] = offset

    def build() -> Select[Any]:
        matching = filters.conditions(account_id, wanted)
        newer = _has_beside(matching, "after", newer=True) if window.after is not None else false()
        older = _has_beside(matching, "before", newer=False) if window.before is not None else false()
        told = (rollup.revision_column(), newer, older)
        statement = select(*shown.select()) if _is_joined(window, shown) else select(*told, *shown.select())
        statement = statement.where(*matching)
        if skipping is not None:
            statement = statement.where(*_from_start(matching))
        if window.after is not None:
            statement = statement.where(_beyond("after", newer=False))
        if window.before is not None:
            statement = statement.where(_beyond("before", newer=True))
        statement = statement.order_by(*(_OLDEST if window.from_end else NEWEST))
        statement = statement.limit(literal_column(str(window.limit + 1)))
        if offset and skipping is None:
            statement = statement.offset(_OFFSET)
        return shown.join(told, statement) if _is_joined(window, shown) else statement

    places = (window.after is None, window.before is None, window.from_end, window.limit, bool(offset))
    shape = ("window", filters.shape(wanted), shown, skipping is None, *places)
    return Query(shape, build, values, one_plan=wanted == _EVERYTHING)


def _from_start(matching: Sequence[ColumnElement[bool]]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """From the match on that has `offset` others before it up to `until`; PostgreSQL's index alone finds it."""
    row = select(_TABLE.c.created_at, _TABLE.c.id).where(*matching)
    row = row.where(_TABLE.c.created_at <= bindparam("until", type_=Timestamp()))
    start = row.order_by(*NEWEST).limit(literal_column("1")).offset(_OFFSET).cte("start")
    created_at, id = select(start.c.created_at).scalar_subquery(), select(start.c.id).scalar_subquery()
    return _TABLE.c.created_at <= created_at, or_(_TABLE.c.created_at < created_at, _TABLE.c.id <= id)


def _beside_query(account_id: int, wanted: DescriptionFilter, place: str, name: str, *, newer: bool) -> Query:
    def build() -> Select[Any]:
        return select(_has_beside(filters.conditions(account_id, wanted), name, newer=newer))

    values = filters.values(account_id, wanted) | _place(place, name)
    return Query(("beside", filters.shape(wanted), name, newer), build, values)


def _has_beside(matching: Sequence[ColumnElement[bool]], name: str, *, newer: bool) -> ColumnElement[bool]:
    """Whether a match lies at the place or on that side of it."""
    created_at, id = _parameters(name)
    at = and_(_TABLE.c.created_at == created_at, _TABLE.c.id == id)
    statement = select(_TABLE.c.id).where(*matching, or_(at, _beyond(name, newer=newer)))
    return statement.limit(literal_column("1")).exists()


def _skip(found: Statistics, offset: int) -> tuple[date, int]:
    """The day of the match behind the first `offset` ones, and how many of that day come before it."""
    for day in reversed(found.daily_counts):
        if offset < day.count:
            return day.date, offset
        offset -= day.count
    raise AssertionError("the offset lies behind the last match")


def _beyond(name: str, *, newer: bool) -> ColumnElement[bool]:
    created_at, id = _parameters(name)
    moment = _TABLE.c.created_at
    if newer:
        return and_(moment >= created_at, or_(moment > created_at, _TABLE.c.id > id))
    return and_(moment <= created_at, or_(moment < created_at, _TABLE.c.id < id))


def _parameters(name: str) -> tuple[BindParameter[datetime], BindParameter[str]]:
    return bindparam(f"{name}_created_at", type_=Timestamp()), bindparam(f"{name}_id", type_=Text())


def _place(place: str, name: str) -> dict[str, Any]:
    created_at, id = cursors.read(place, name)
    return {f"{name}_created_at": created_at, f"{name}_id": id}
