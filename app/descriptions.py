"""A page of results, one result, and the statement that an export streams."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlmodel import Session, col

from app import dialects, filters, statistics
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

_TABLE = Description.__table__  # type: ignore[attr-defined]
_NEWEST = (col(Description.created_at).desc(), col(Description.id).desc())
_OLDEST = (col(Description.created_at).asc(), col(Description.id).asc())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
    found = statistics.statistics(session, account_id, wanted) if with_statistics else None
    total = found.total_count if found else None
    if total is None and with_count:
        total = statistics.count(session, account_id, wanted)
    # An offset may be a number that no database knows; behind the last result there is nothing to ask for.
    if not with_items or (window.offset >= 2**31 and window.offset >= _total(session, account_id, wanted, total)):
        return Page([], window.offset > 0, False, total, found)
    items, more = _window(session, account_id, wanted, window)
    newer = window.offset > 0 or _exists(session, account_id, wanted, window.after, newer=True)
    older = _exists(session, account_id, wanted, window.before, newer=False)
    has_previous, has_next = (more or newer, older) if window.from_end else (newer, more or older)
    return Page(items, has_previous, has_next, total, found)


def get(session: Session, account_id: int, id: str) -> Row[Any] | None:
    if "\0" in id:
        return None
    statement = select(*_columns()).where(_TABLE.c.account_id == account_id, _TABLE.c.id == id)
    return session.connection().execute(statement).first()


def cursor(row: Row[Any]) -> str:
    """An opaque place in the order of all results: behind it nothing moves, whatever is recorded meanwhile."""
    text = f"{(row.created_at - _EPOCH) // _MICROSECOND}:{row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


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
    session: Session, account_id: int, wanted: DescriptionFilter, window: Window
) -> tuple[Sequence[Row[Any]], bool]:
    statement = select(*_columns()).where(*filters.conditions(account_id, wanted))
    if window.after is not None:
        statement = statement.where(_beyond(window.after, "after", newer=False))
    if window.before is not None:
        statement = statement.where(_beyond(window.before, "before", newer=True))
    statement = statement.order_by(*(_OLDEST if window.from_end else _NEWEST)).limit(window.limit + 1)
    rows = session.connection().execute(statement.offset(window.offset or None)).all()
    items = rows[: window.limit]
    return (items[::-1] if window.from_end else items), len(rows) > window.limit


def _exists(session: Session, account_id: int, wanted: DescriptionFilter, place: str | None, *, newer: bool) -> bool:
    """Whether a match lies at the place or on that side of it."""
    if place is None:
        return False
    name = "after" if newer else "before"
    created_at, id = _place(place, name)
    at = and_(col(Description.created_at) == created_at, col(Description.id) == id)
    statement = select(_TABLE.c.id).where(*filters.conditions(account_id, wanted))
    statement = statement.where(or_(at, _beyond(place, name, newer=newer)))
    return session.connection().execute(statement.limit(1)).first() is not None


def _beyond(place: str, name: str, *, newer: bool) -> ColumnElement[bool]:
    created_at, id = _place(place, name)
    time = col(Description.created_at)
    if newer:
        return and_(time >= created_at, or_(time > created_at, col(Description.id) > id))
    return and_(time <= created_at, or_(time < created_at, col(Description.id) < id))


def _place(text: str, name: str) -> tuple[datetime, str]:
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        microseconds, _, id = decoded.partition(":")
        if "\0" in id:
            raise ValueError
        return _EPOCH + int(microseconds) * _MICROSECOND, id
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidInput("This is no cursor of ours: use one that an earlier page returned.", field=name) from None


def _total(session: Session, account_id: int, wanted: DescriptionFilter, known: int | None) -> int:
    return statistics.count(session, account_id, wanted) if known is None else known
