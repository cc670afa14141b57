"""The statements that a page is read with."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)

from app import cursors
from app.cursors import Place
from app.engine import dialects
from app.engine.dialects import Timestamp
from app.engine.queries import Query
from app.history import filters, projection, rollup, stretches
from app.history.filters import DescriptionFilter
from app.history.orders import NEWEST_FIRST, Order
from app.history.pagination import Pagination
from app.history.projection import Made, Object, Projection
from app.history.statistics import DailyCount, Statistics
from app.history.stretches import Conditions, Stretch
from app.models import Description

SKIPPED_ROW_BY_ROW = 1000
"""An offset above this skips whole days by their counts."""

BETWEEN = ",\n"
"""Between objects, in the text of which there is no end of a line."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
_OFFSET: BindParameter[int] = bindparam("offset", type_=BigInteger())
_MOST_BYTES: BindParameter[int] = bindparam("most_bytes", type_=BigInteger())
_ONE: ColumnElement[int] = literal_column("1")
NEWEST = tuple(Stretch(NEWEST_FIRST).sorted(backward=False))


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
    days = _days(part, known)
    offset = part.offset if known is None else min(part.offset, known.total_count)
    values = filters.values(account_id, wanted) | {"offset": offset, "most_bytes": most_bytes, "at": part.at}
    if days:
        day, values["offset"] = _skip(days, offset)
        values["until"] = datetime.combine(day, time.min if part.order.ascends else time.max, UTC)
    places = {name: cursors.read(text, name, None) for name, text in _given(part)}
    held = [one for one in stretches.of(part.order) if known is None or one.may_hold(known)]
    for name, place in places.items():
        values |= stretches.values(name, place)

    def build() -> Select[Any]:
        matching = filters.conditions(account_id, wanted)
        start = _from_start(matching, part.order) if days else []
        statement = _ordered(held, _parts(shown, part.order), [*matching, *start], part, places, skips=bool(days))
        told = _is_ahead(held, matching, part, places), _is_behind(held, matching, places)
        return _joined(statement, (rollup.revision_column(), *told), part.limit if in_all else None)

    ranks = tuple([one.rank for one in held])
    asked = (part.order.mark, ranks, part.from_end, part.limit, bool(part.offset), part.at is None)
    scored = tuple((name, place.score is not None) for name, place in places.items())
    shape = ("page", filters.shape(wanted), shown, bool(days), in_all, *asked, scored)
    return Query(shape, build, values, one_plan=not wanted.given)


def skips_days(part: Pagination) -> bool:
    """Whether the counts of days tell where the page begins."""
    return part.offset > SKIPPED_ROW_BY_ROW and part.order.is_by_time


def newer(account_id: int, wanted: DescriptionFilter, place: Place, most: int) -> Query:
    """One row: how many matches are newer than that place, counted up to so many."""

    def build() -> Select[Any]:
        found = select(_ONE.label("one")).where(*filters.conditions(account_id, wanted), stretches.newer("place"))
        return select(func.count()).select_from(found.limit(literal_column(str(most))).subquery("newer"))

    values = filters.values(account_id, wanted) | stretches.values("place", place)
    return Query(("newer", filters.shape(wanted), most), build, values)


def result(account_id: int, id: str, shown: Object, most_bytes: int) -> Query:
    """One row at most: the bytes of the result's object, and its text where that is no longer."""

    def build() -> Select[Any]:
        statement = select(cast(projection.sql(shown), Text).label("text"))
        statement = statement.where(_TABLE.c.account_id == bindparam("account_id"), _TABLE.c.id == bindparam("id"))
        text = statement.subquery("result").c.text
        return select(dialects.octets(text), case((dialects.octets(text) <= _MOST_BYTES, text)))

    values = {"account_id": account_id, "id": id, "most_bytes": most_bytes}
    return Query(("result", shown), build, values, one_plan=True)


def _given(part: Pagination) -> list[tuple[str, str]]:
    return [(name, text) for name, text in (("after", part.after), ("before", part.before)) if text is not None]


def _parts(shown: Projection, order: Order) -> list[ColumnElement[Any]]:
    parts: list[ColumnElement[Any]] = [cast(projection.sql(one, order), Text) for _, one in shown.lists]
    parts = [part.label(f"list_{place}") for place, part in enumerate(parts)]
    cursor = [projection.sql(Made.CURSOR, order).label("cursor")]
    return parts + cursor * shown.with_cursors or [_ONE.label("one")]


def _ordered(
    held: Sequence[Stretch],
    parts: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
    part: Pagination,
    places: Mapping[str, Place],
    *,
    skips: bool,
) -> Select[Any]:
    """The page and one more. Of two stretches the second is looked at only where the first does not fill it."""
    found = []
    for stretch in held:
        within = _within(stretch, places)
        if within is not None:
            statement = select(*parts).where(*conditions, *stretch.conditions, *within)
            if part.at is not None:
                statement = statement.where(_is_from(part.order, part.at))
            found.append(statement.order_by(*stretch.sorted(backward=part.from_end)))
    most: ColumnElement[int] = literal_column(str(part.limit + 1))
    offset = None if skips or not part.offset else _OFFSET
    if not found:
        return select(*parts).where(false())
    if len(found) == 1:
        return found[0].limit(most).offset(offset)
    each = most if offset is None else _OFFSET + most
    both = [select(one.limit(each).subquery()) for one in (reversed(found) if part.from_end else found)]
    return select(union_all(*both).subquery("stretches")).limit(most).offset(offset)


def _within(stretch: Stretch, places: Mapping[str, Place]) -> Conditions | None:
    """What of the stretch lies between the cursors; None where nothing does."""
    found: Conditions = []
    for name, place in places.items():
        beside = stretch.beside(name, place, ahead=name == "before")
        if beside is None:
            return None
        found += beside
    return found


def _is_from(order: Order, at: datetime) -> ColumnElement[bool]:
    found: ColumnElement[datetime] = _TABLE.c.created_at
    moment = bindparam("at", at, type_=Timestamp())
    return found >= moment if order.ascends else found <= moment


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


def _from_start(matching: Sequence[ColumnElement[bool]], order: Order) -> Conditions:
    """From the match on that has `offset` others before it from `until` on; PostgreSQL's index alone finds it."""
    [stretch] = stretches.of(order)
    moment, key = _TABLE.c.created_at, _TABLE.c.id
    until = bindparam("until", type_=Timestamp())
    row = select(moment, key).where(*matching, moment >= until if order.ascends else moment <= until)
    start = row.order_by(*stretch.sorted(backward=False)).limit(_ONE).offset(_OFFSET).cte("start")
    created_at, id = select(start.c.created_at).scalar_subquery(), select(start.c.id).scalar_subquery()
    if order.ascends:
        return [moment >= created_at, or_(moment > created_at, key >= id)]
    return [moment <= created_at, or_(moment < created_at, key <= id)]


def _days(part: Pagination, known: Statistics | None) -> Sequence[DailyCount]:
    """Those by whose counts the page is found, in the order of the page; none where it is not found so."""
    if known is None or not skips_days(part):
        return []
    if part.order.ascends:  # the oldest of very many days are not told
        return [] if known.truncated else known.daily_counts
    return known.daily_counts[::-1]


def _skip(days: Sequence[DailyCount], offset: int) -> tuple[date, int]:
    """The day of the match behind the first `offset` ones, and how many come before it from that day on: more than the
    last day has, where it is not among these days.
    """
    for day in days[:-1]:
        if offset < day.count:
            return day.date, offset
        offset -= day.count
    return days[-1].date, offset


def _is_ahead(
    held: Sequence[Stretch], matching: Sequence[ColumnElement[bool]], part: Pagination, places: Mapping[str, Place]
) -> ColumnElement[bool]:
    """Whether a match lies before the page."""
    if "after" in places:
        return _has_beside(held, matching, "after", places["after"], ahead=True)
    if part.at is not None:
        return _exists(matching, [not_(_is_from(part.order, part.at))])
    if part.offset:
        return case((func.count() > 0, true()), else_=_exists(matching, []))
    return false()


def _is_behind(
    held: Sequence[Stretch], matching: Sequence[ColumnElement[bool]], places: Mapping[str, Place]
) -> ColumnElement[bool]:
    """Whether a match lies behind the cursor that the page ends before."""
    if "before" in places:
        return _has_beside(held, matching, "before", places["before"], ahead=False)
    return false()


def _has_beside(
    held: Sequence[Stretch], matching: Sequence[ColumnElement[bool]], name: str, place: Place, *, ahead: bool
) -> ColumnElement[bool]:
    """Whether a match lies at the cursor or on that side of it."""
    found = []
    for stretch in held:
        beside = stretch.beside(name, place, ahead=ahead, with_it=True)
        if beside is not None:
            found.append(_exists(matching, [*stretch.conditions, *beside]))
    return or_(false(), *found)


def _exists(matching: Sequence[ColumnElement[bool]], conditions: Conditions) -> ColumnElement[bool]:
    return select(_TABLE.c.id).where(*matching, *conditions).limit(_ONE).exists()
