"""What is shown of a result: JSON objects that the database writes."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Double, cast, func, null

from app.engine import dialects
from app.history.columns import Column
from app.history.orders import NEWEST_FIRST, Order
from app.models import Description

MAX_KEYS = 50
"""Of one object: a function of PostgreSQL has at most 100 arguments."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
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


@dataclass(frozen=True)
class Object:
    """A JSON object: its keys, in their order, and what each of them shows."""

    members: tuple[tuple[str, "Value"], ...]


Value: TypeAlias = Column | Constant | Made | Object


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
        case Made.STATUS_NAME:
            return func.upper(_TABLE.c.status)
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
    value: ColumnElement[Any] = _TABLE.c[column.name]
    written = {object: dialects.json_value, float: dialects.json_number, datetime: dialects.iso}.get(column.type)
    return written(value) if written else value
