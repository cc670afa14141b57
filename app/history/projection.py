"""What is shown of a result: JSON objects that the database writes."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Double, Text, cast, func, literal_column, null, select

from app.engine import dialects
from app.history import columns
from app.history.columns import Column
from app.history.orders import NEWEST_FIRST, Order
from app.history.verdicts import ReviewState
from app.models import Description, Review

MAX_KEYS = 50
"""Of one object: a function of PostgreSQL has at most 100 arguments."""

MAX_REVIEWS = 100
"""Of one result, the newest."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
_REVIEWS = Review.__table__  # type: ignore[attr-defined]
_NODE = "Description:"


@dataclass(frozen=True)
class Constant:
    """The same text for every result."""

    text: str


class Made(Enum):
    """What is made of several columns, or of one in another way."""

    STATUS_NAME = "the status in capitals"
    CURSOR = "the place of the result, as app.cursors writes it"
    NODE_ID = "the id of a result in the whole schema, as Relay writes it"
    REVIEW_STATE = "the newest verdict in capitals"


class OfReview(Enum):
    """What is shown of a review."""

    ID = "the result's id and a number"
    DESCRIPTION_ID = "the result's id"
    VERDICT = "the verdict in capitals"
    TEXT = "what the result should say"
    NOTE = "why"
    BY = "the beginning of the key"
    AT = "when"


@dataclass(frozen=True)
class Object:
    """A JSON object: its keys, in their order, and what each of them shows."""

    members: tuple[tuple[str, "Value"], ...]


@dataclass(frozen=True)
class Reviews:
    """A JSON array: each review of the result, newest first, `MAX_REVIEWS` at most."""

    of: Object


Value: TypeAlias = Column | Constant | Made | Object | Reviews | OfReview


@dataclass(frozen=True)
class Projection:
    """What a page holds: for each list its name and the object of a result, and whether the cursors of both ends."""

    lists: tuple[tuple[str, Object], ...]
    with_cursors: bool = False


def sql(value: Value, order: Order = NEWEST_FIRST) -> ColumnElement[Any]:
    """What stands for it in a JSON object, and for an `Object` the JSON object itself. Cursors are for that order."""
    match value:
        case Object(members):
            pairs = ((dialects.quoted(key), sql(one, order)) for key, one in members)
            return dialects.json_object(*[part for pair in pairs for part in pair])
        case Column():
            return _column(value)
        case Constant(text):
            return dialects.quoted(text)
        case Reviews(of):
            return _reviews(of)
        case OfReview():
            return _OF_REVIEW[value]
        case Made.STATUS_NAME:
            return func.upper(_TABLE.c.status)
        case Made.REVIEW_STATE:
            return func.upper(func.coalesce(_TABLE.c.review_state, dialects.quoted(ReviewState.UNREVIEWED)))
        case Made.CURSOR:
            return _cursor(order)
        case Made.NODE_ID:
            return dialects.node_id(dialects.quoted(_NODE), _TABLE.c.id)


def _cursor(order: Order) -> ColumnElement[str]:
    place = _TABLE.c.created_at, _TABLE.c.id
    if not order.mark:
        return dialects.cursor(*place)
    score = cast(null(), Double) if order.is_by_time else _TABLE.c.confidence_score
    return dialects.ordered_cursor(*place, dialects.quoted(order.mark), score)


def _column(column: Column) -> ColumnElement[Any]:
    """As exports write it, except that JSON is JSON."""
    value = columns.shown(column.name)
    written = {object: dialects.json_value, float: dialects.json_number, datetime: dialects.iso}.get(column.type)
    return written(value) if written else value


def _reviews(of: Object) -> ColumnElement[Any]:
    mine = _REVIEWS.c.account_id == _TABLE.c.account_id, _REVIEWS.c.description_id == _TABLE.c.id
    newest = select(sql(of).label("review")).where(*mine).correlate(_TABLE)
    newest = newest.order_by(_REVIEWS.c.number.desc()).limit(literal_column(str(MAX_REVIEWS)))
    return dialects.json_value(select(dialects.json_array(newest.subquery("newest").c.review)).scalar_subquery())


_OF_REVIEW: dict[OfReview, ColumnElement[Any]] = {
    OfReview.ID: _REVIEWS.c.description_id + dialects.quoted(":") + cast(_REVIEWS.c.number, Text),
    OfReview.DESCRIPTION_ID: _REVIEWS.c.description_id,
    OfReview.VERDICT: func.upper(_REVIEWS.c.verdict),
    OfReview.TEXT: _REVIEWS.c.text,
    OfReview.NOTE: _REVIEWS.c.note,
    OfReview.BY: _REVIEWS.c.key_prefix,
    OfReview.AT: dialects.iso(_REVIEWS.c.at),
}
