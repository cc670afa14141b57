"""The statements that a page is read with."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlmodel import col

from app import cursors
from app.engine import dialects
from app.engine.dialects import Timestamp
from app.engine.queries import Query
from app.history import filters, projection, rollup
from app.history.filters import DescriptionFilter
from app.history.pagination import Pagination
from app.history.projection import Made, Object, Projection
from app.history.statistics import DailyCount, Statistics
from app.models import Description

SKIPPED_ROW_BY_ROW = 1000
"""An offset above this skips whole days by their counts."""

BETWEEN = ",\n"
"""Between objects, in the text of which there is no end of a line."""

_EVERYTHING = DescriptionFilter()
_TABLE = Description.__table__  # type: ignore[attr-defined]
_OFFSET: BindParameter[int] = bindparam("offset", type_=BigInteger())
_MOST_BYTES: BindParameter[int] = bindparam("most_bytes", type_=BigInteger())
_ONE: ColumnElement[int] = literal_column("1")
NEWEST = (col(Description.created_at).desc(), col(Description.id).desc())
_OLDEST = (col(Description.created_at).asc(), col(Description.id).asc())


def page(
    account_id: int,
    wanted: DescriptionFilter,
    part: Pagination,
    shown: Projection,
    known: Statistics | None,
    most_bytes: int,
    *,
    in_all: bool = False,
) -> Query:
    """One row: the revision of the history; whether matches lie before and behind; how many results there are, one more
    than fits among them; the bytes of the largest, or of all of them together; and each list as one text, then their
    cursors. In the lists are only results of `most_bytes` at most, or the first ones that take no more `in_all`.
    """
    days = known.daily_counts if known is not None and part.offset > SKIPPED_ROW_BY_ROW else []
    offset = part.offset if known is None else min(part.offset, known.total_count)
    values = filters.values(account_id, wanted) | {"offset": offset, "most_bytes": most_bytes}
    if days:
        day, values["offset"] = _skip(days, offset)
        values["until"] = datetime.combine(day, time.max, UTC)
    for name, place in (("after", part.after), ("before", part.before)):
        if place is not None:
            values[f"{name}_created_at"], values[f"{name}_id"] = cursors.read(place, name)

    def build() -> Select[Any]:
        matching = filters.conditions(account_id, wanted)
        statement = _ordered(select(*_parts(shown)).where(*matching), part)
        if days:
            statement = statement.where(*_from_start(matching))
        elif part.offset:
            statement = statement.offset(_OFFSET)
        told = rollup.revision_column(), _is_newer(matching, part), _is_older(matching, part)
        return _joined(statement, told, part.limit if in_all else None)

    places = (part.after is None, part.before is None, part.from_end, part.limit, bool(part.offset))
    shape = ("page", filters.shape(wanted), shown, bool(days), in_all, *places)
    return Query(shape, build, values, one_plan=wanted == _EVERYTHING)


def result(account_id: int, id: str, shown: Object, most_bytes: int) -> Query:
    """One row at most: the bytes of the result's object, and its text where that is no longer."""

    def build() -> Select[Any]:
        statement = select(cast(projection.sql(shown), Text).label("text"))
        statement = statement.where(_TABLE.c.account_id == bindparam("account_id"), _TABLE.c.id == bindparam("id"))
        text = statement.subquery("result").c.text
        return select(dialects.octets(text), case((dialects.octets(text) <= _MOST_BYTES, text)))

    values = {"account_id": account_id, "id": id, "most_bytes": most_bytes}
    return Query(("result", shown), build, values, one_plan=True)


def _parts(shown: Projection) -> list[ColumnElement[Any]]:
    parts: list[ColumnElement[Any]] = [cast(projection.sql(one), Text) for _, one in shown.lists]
    parts = [part.label(f"list_{place}") for place, part in enumerate(parts)]
    return parts + [projection.sql(Made.CURSOR).label("cursor")] * shown.with_cursors or [_ONE.label("one")]


def _ordered(statement: Select[Any], part: Pagination) -> Select[Any]:
    if part.after is not None:
        statement = statement.where(_beyond("after", newer=False))
    if part.before is not None:
        statement = statement.where(_beyond("before", newer=True))
    order = _OLDEST if part.from_end else NEWEST
    return statement.order_by(*order).limit(literal_column(str(part.limit + 1)))


def _joined(statement: Select[Any], told: Sequence[ColumnElement[Any]], running: int | None) -> Select[Any]:
    """One row of all. The size of each result is its own, or for so many of them the sum of those up to it."""
    results = statement.subquery("results")
    lists = [column.name for column in results.c if column.name.startswith("list_")]
    size: ColumnElement[Any] = sum(
        (dialects.octets(results.c[name]) for name in lists), start=literal_column("0", BigInteger())
    )
    if running is not None:
        size = case((func.row_number().over() <= running, func.sum(size).over(rows=(None, 0))), else_=0)
    sized = select(*results.c, size.label("size")).subquery("sized")
    fits = sized.c.size <= _MOST_BYTES
    texts = [dialects.joined(sized.c[name], dialects.quoted(BETWEEN)) for name in (*lists, "cursor") if name in sized.c]
    return select(*told, func.count(), func.coalesce(func.max(sized.c.size), 0), *[text.filter(fits) for text in texts])


def _from_start(matching: Sequence[ColumnElement[bool]]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """From the match on that has `offset` others before it up to `until`; PostgreSQL's index alone finds it."""
    row = select(_TABLE.c.created_at, _TABLE.c.id).where(*matching)
    row = row.where(_TABLE.c.created_at <= bindparam("until", type_=Timestamp()))
    start = row.order_by(*NEWEST).limit(_ONE).offset(_OFFSET).cte("start")
    created_at, id = select(start.c.created_at).scalar_subquery(), select(start.c.id).scalar_subquery()
    return _TABLE.c.created_at <= created_at, or_(_TABLE.c.created_at < created_at, _TABLE.c.id <= id)


def _skip(days: Sequence[DailyCount], offset: int) -> tuple[date, int]:
    """The day of the match behind the first `offset` ones, and how many come before it from that day's end on: more
    than the oldest day has, where it is not among these days.
    """
    for day in reversed(days[1:]):
        if offset < day.count:
            return day.date, offset
        offset -= day.count
    return days[0].date, offset


def _is_newer(matching: Sequence[ColumnElement[bool]], part: Pagination) -> ColumnElement[bool]:
    """Whether a match lies before the page."""
    if part.after is not None:
        return _has_beside(matching, "after", newer=True)
    if part.offset:
        return case((func.count() > 0, true()), else_=select(_TABLE.c.id).where(*matching).limit(_ONE).exists())
    return false()


def _is_older(matching: Sequence[ColumnElement[bool]], part: Pagination) -> ColumnElement[bool]:
    """Whether a match lies behind the cursor that the page ends before."""
    return _has_beside(matching, "before", newer=False) if part.before is not None else false()


def _has_beside(matching: Sequence[ColumnElement[bool]], name: str, *, newer: bool) -> ColumnElement[bool]:
    """Whether a match lies at the cursor or on that side of it."""
    created_at, id = _parameters(name)
    at = and_(_TABLE.c.created_at == created_at, _TABLE.c.id == id)
    return select(_TABLE.c.id).where(*matching, or_(at, _beyond(name, newer=newer))).limit(_ONE).exists()


def _beyond(name: str, *, newer: bool) -> ColumnElement[bool]:
    created_at, id = _parameters(name)
    moment = _TABLE.c.created_at
    if newer:
        return and_(moment >= created_at, or_(moment > created_at, _TABLE.c.id > id))
    return and_(moment <= created_at, or_(moment < created_at, _TABLE.c.id < id))


def _parameters(name: str) -> tuple[BindParameter[datetime], BindParameter[str]]:
    return bindparam(f"{name}_created_at", type_=Timestamp()), bindparam(f"{name}_id", type_=Text())
