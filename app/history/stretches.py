"""The list of matches in an order, as one or two stretches: in each of them an index has the results in that order.

By confidence those with a score are one, and those without, which come last either way, the other. What a page may hold
of a stretch, between its cursors, is a condition on its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Double, Text, and_, bindparam, or_, tuple_

from app.cursors import Place
from app.engine.dialects import Timestamp
from app.history.orders import Order
from app.history.statistics import Statistics
from app.models import Description

Conditions: TypeAlias = list[ColumnElement[bool]]

_TABLE = Description.__table__  # type: ignore[attr-defined]
_TIMES = (_TABLE.c.created_at, _TABLE.c.id)
_SCORES = (_TABLE.c.confidence_score, *_TIMES)


@dataclass(frozen=True)
class Stretch:
    """`scored` None: of all results. `rank` tells which stretch comes first."""

    order: Order
    rank: int = 0
    scored: bool | None = None

    @property
    def conditions(self) -> Conditions:
        """What tells its results from those of the other stretch."""
        score = _TABLE.c.confidence_score
        return [] if self.scored is None else [score.is_not(None) if self.scored else score.is_(None)]

    def may_hold(self, known: Statistics) -> bool:
        """Whether results are there, when these are the statistics."""
        if self.scored is None:
            return True
        return known.scored_count > 0 if self.scored else known.scored_count < known.total_count

    def sorted(self, *, backward: bool) -> list[ColumnElement[Any]]:
        # Also where no score is: so PostgreSQL knows the order of its index.
        columns = _TIMES if self.scored is None else _SCORES
        return [column.asc() if self.order.ascends is not backward else column.desc() for column in columns]

    def beside(self, name: str, place: Place, *, ahead: bool, with_it: bool = False) -> Conditions | None:
        """What lies before the place of the cursor `name`, or behind it, and `with_it` what lies there; None where
        nothing of this stretch does.
        """
        if self.scored not in (None, place.score is not None):
            return [] if (self.rank == 0) is ahead else None
        greater = self.order.ascends is not ahead
        if self.scored is None:
            return [or_(_is_at(name), _beyond(name, newer=greater)) if with_it else _beyond(name, newer=greater)]
        columns, values = (_SCORES, _score(name)) if self.scored else (_TIMES, _time(name))
        key, found = tuple_(*columns), tuple_(*values)
        if with_it:
            return [key >= found if greater else key <= found]
        return [key > found if greater else key < found]


def of(order: Order) -> Sequence[Stretch]:
    """In the order that they have."""
    if order.is_by_time:
        return [Stretch(order)]
    return [Stretch(order, 0, scored=True), Stretch(order, 1, scored=False)]


def values(name: str, place: Place) -> dict[str, Any]:
    """Those of the parameters of the cursor `name`."""
    found = {f"{name}_created_at": place.created_at, f"{name}_id": place.id}
    return found if place.score is None else found | {f"{name}_score": place.score}


def newer(name: str) -> ColumnElement[bool]:
    """Than the result at the cursor, whatever its order."""
    return _beyond(name, newer=True)


def _is_at(name: str) -> ColumnElement[bool]:
    return and_(*[column == value for column, value in zip(_TIMES, _time(name), strict=True)])


def _beyond(name: str, *, newer: bool) -> ColumnElement[bool]:
    """Few results have the same time, so that they are told apart row by row."""
    created_at, id = _time(name)
    moment = _TABLE.c.created_at
    if newer:
        return and_(moment >= created_at, or_(moment > created_at, _TABLE.c.id > id))
    return and_(moment <= created_at, or_(moment < created_at, _TABLE.c.id < id))


def _time(name: str) -> tuple[BindParameter[datetime], BindParameter[str]]:
    return bindparam(f"{name}_created_at", type_=Timestamp()), bindparam(f"{name}_id", type_=Text())


def _score(name: str) -> tuple[BindParameter[Any], ...]:
    return bindparam(f"{name}_score", type_=Double()), *_time(name)
