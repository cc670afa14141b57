"""The columns of a result: each is declared once, here.

Where the same list is written out as a typed class, for readers and for what is generated from it, `check` compares the
two when the module is imported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Any, get_args

from sqlalchemy import ColumnElement, func

from app.models import Description


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `type` is that of its values: str, float, datetime, or object for JSON.

    `documented`: a key of the documented items, and so of files by default. `recordable`: given by who records.
    `instead`: the column of the table that is shown where nothing was recorded.
    """

    name: str
    type: type = str
    nullable: bool = True
    documented: bool = True
    recordable: bool = True
    instead: str | None = None


TABLE = (
    Column("id", nullable=False),
    Column("type", nullable=False),
    Column("source_type", nullable=False),
    Column("source_id"),
    Column("created_at", datetime, nullable=False),
    Column("image_url"),
    Column("description"),
    Column("confidence_score", float),
    Column("verification", object, instead="review"),
    Column("image_id"),
    Column("metadata", object, nullable=False),
    Column("status", nullable=False, documented=False),
    Column("error_message", documented=False),
)
"""In the order of the document; what it does not know comes last."""

COLUMNS = tuple(column.name for column in TABLE)
ITEM_COLUMNS = tuple(column.name for column in TABLE if column.documented)
"""The keys of an item, in the document's order."""

REASON = "reason"
"""A key beside those of results: why one was left out of a file. Who reads results passes over it."""

RECORDED = tuple(column for column in TABLE if column.recordable)
JSON_COLUMNS = frozenset(column.name for column in TABLE if column.type is object)


def shown(name: str) -> ColumnElement[Any]:
    """What a page or a file shows of a column."""
    recorded: ColumnElement[Any] = _model[name]
    instead = _INSTEAD.get(name)
    return recorded if instead is None else func.coalesce(recorded, _model[instead], type_=recorded.type)


def as_recorded(given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """A row that is given, without what the one that is there shows where nothing was recorded: what was exported and
    comes back is the same result.
    """
    shown = {name for name, instead in _INSTEAD.items() if kept[name] is None and given[name] == kept[instead]}
    return dict(given) | dict.fromkeys(shown)


def check(where: str, written: Mapping[str, bool | None], declared: Iterable[Column]) -> None:
    """TypeError, with a sentence for who adds a column, where a class does not have just the declared ones.

    `written` says of each field of the class whether it may be null; None: whatever it says.
    """
    expected = {column.name: column.nullable for column in declared}
    told = {
        "lacks": expected.keys() - written.keys(),
        "has": written.keys() - expected.keys(),
        "tells otherwise of null in": {
            name for name, nullable in written.items() if nullable not in (None, expected.get(name, nullable))
        },
    }
    if any(told.values()):
        faults = " and ".join(f"{what} {', '.join(sorted(names))}" for what, names in told.items() if names)
        raise TypeError(f"{where} {faults}: the columns of a result are declared in {__name__}.TABLE.")


def nulls(cls: type) -> dict[str, bool | None]:
    """Of each annotated field of a class whether it may be null."""
    return {name: hint is Any or NoneType in get_args(hint) for name, hint in cls.__annotations__.items()}


_INSTEAD = {column.name: column.instead for column in TABLE if column.instead is not None}
_BESIDE = ("account_id", "search_text", "review_state", "replaced_at", *_INSTEAD.values())

_model = Description.__table__.columns  # type: ignore[attr-defined]
check(
    "app.models.Description",
    {column.name: column.nullable for column in _model if column.name not in _BESIDE},
    TABLE,
)
