"""A page of results, one result, and the statement that an export streams."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlmodel import Session, col

from app import cursors, dialects, filters, rollup, statistics
from app.errors import InvalidInput
from app.filters import DescriptionFilter
from app.models import Description
from app.statistics import Statistics

ITEM_COLUMNS = (
    "id",
    "type",
    "source_type",
    "source_id",
    "created_at",
    "image_url",
    "description",
    "confidence_score",
    "verification",
    "image_id",
    "metadata",
)
"""The keys of an item, in the document's order."""

COLUMNS = (*ITEM_COLUMNS, "status", "error_message")
MAX_PAGE = 1000
DEFAULT_PAGE = 100
SKIPPED_ROW_BY_ROW = 1000
"""An offset above this skips whole days by their counts."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
_NEWEST = (col(Description.created_at).desc(), col(Description.id).desc())
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
    """Results, newest first. `total_count` and `statistics` are None where they were not asked for."""

    items: Sequence[Row[Any]]
    has_previous: bool
    has_next: bool
    total_count: int | None
    statistics: Statistics | None


def page(
    session: Session,
    account_id: int,
    wanted: DescriptionFilter,
    window: Window,
    *,
    with_items: bool = True,
    with_count: bool = False,
    with_statistics: bool = False,
) -> Page:
    """One window of the matches, with what was asked for; all of it belongs to the session's one snapshot."""
    by_days = with_items and window.offset > SKIPPED_ROW_BY_ROW
    found = statistics.statistics(session, account_id, wanted) if with_statistics or by_days else None
    total = found.total_count if found else rollup.count(session, account_id, wanted) if with_count else None
    if not with_items:
        return Page([], False, False, total, found)
    if by_days and found and window.offset >= found.total_count:
        return Page([], found.total_count > 0, False, total, found)
    items, more = _window(session, account_id, wanted, window, found if by_days else None)
    newer = _exists(session, account_id, wanted, window.after, newer=True)
    if window.offset > 0 and not newer:
        newer = bool(items) or more or _window(session, account_id, wanted, replace(window, limit=0, offset=0), None)[1]
    older = _exists(session, account_id, wanted, window.before, newer=False)
    has_previous, has_next = (more or newer, older) if window.from_end else (newer, more or older)
    return Page(items, has_previous, has_next, total, found)


def get(session: Session, account_id: int, id: str) -> Row[Any] | None:
    if "\0" in id:
        return None
    statement = select(*_columns()).where(_TABLE.c.account_id == account_id, _TABLE.c.id == id)
    return session.connection().execute(statement).first()


def cursor(row: Row[Any]) -> str:
    return cursors.make(row.created_at, row.id)


def export_statement(
    account_id: int, wanted: DescriptionFilter, columns: Sequence[str], limit: int | None
) -> Select[Any]:
    """Newest first, with the columns as a file shows them: times and JSON as their text."""
    shown: dict[str, ColumnElement[Any]] = {
        "created_at": dialects.iso(_TABLE.c.created_at),
        "verification": dialects.compact(_TABLE.c.verification),
        "metadata": dialects.compact(_TABLE.c.metadata),
    }
    statement = select(*(shown.get(name, _TABLE.c[name]).label(name) for name in columns))
    return statement.where(*filters.conditions(account_id, wanted)).order_by(*_NEWEST).limit(limit)


def _columns() -> list[ColumnElement[Any]]:
    return [_TABLE.c[name] for name in COLUMNS]


def _window(
    session: Session, account_id: int, wanted: DescriptionFilter, window: Window, skipping: Statistics | None
) -> tuple[Sequence[Row[Any]], bool]:
    statement = select(*_columns()).where(*filters.conditions(account_id, wanted))
    offset = window.offset
    if skipping is not None:
        day, offset = _skip(skipping, offset)
        statement = statement.where(col(Description.created_at) <= datetime.combine(day, time.max, UTC))
    if window.after is not None:
        statement = statement.where(_beyond(window.after, "after", newer=False))
    if window.before is not None:
        statement = statement.where(_beyond(window.before, "before", newer=True))
    statement = statement.order_by(*(_OLDEST if window.from_end else _NEWEST)).limit(window.limit + 1)
    rows = session.connection().execute(statement.offset(offset or None)).all()
    items = rows[: window.limit]
    return (items[::-1] if window.from_end else items), len(rows) > window.limit


def _skip(found: Statistics, offset: int) -> tuple[date, int]:
    """The day of the match behind the first `offset` ones, and how many of that day come before it."""
    for day in reversed(found.daily_counts):
        if offset < day.count:
            return day.date, offset
        offset -= day.count
    raise AssertionError("the offset lies behind the last match")


def _exists(session: Session, account_id: int, wanted: DescriptionFilter, place: str | None, *, newer: bool) -> bool:
    """Whether a match lies at the place or on that side of it."""
    if place is None:
        return False
    name = "after" if newer else "before"
    created_at, id = cursors.read(place, name)
    at = and_(col(Description.created_at) == created_at, col(Description.id) == id)
    statement = select(_TABLE.c.id).where(*filters.conditions(account_id, wanted))
    statement = statement.where(or_(at, _beyond(place, name, newer=newer)))
    return session.connection().execute(statement.limit(1)).first() is not None


def _beyond(place: str, name: str, *, newer: bool) -> ColumnElement[bool]:
    created_at, id = cursors.read(place, name)
    moment = col(Description.created_at)
    if newer:
        return and_(moment >= created_at, or_(moment > created_at, col(Description.id) > id))
    return and_(moment <= created_at, or_(moment < created_at, col(Description.id) < id))
