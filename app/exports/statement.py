"""The statement that an export streams."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from app.engine import dialects
from app.history import filters
from app.history.filters import DescriptionFilter
from app.history.pages import NEWEST
from app.models import Description

_TABLE = Description.__table__  # type: ignore[attr-defined]


def build(account_id: int, wanted: DescriptionFilter, columns: Sequence[str], limit: int | None) -> Select[Any]:
    """Selects the matches, newest first, with the columns as a file shows them: times and JSON as their text."""
    shown: dict[str, ColumnElement[Any]] = {
        "created_at": dialects.iso(_TABLE.c.created_at),
        "verification": dialects.compact(_TABLE.c.verification),
        "metadata": dialects.compact(_TABLE.c.metadata),
    }
    statement = select(*(shown.get(name, _TABLE.c[name]).label(name) for name in columns))
    return statement.where(*filters.conditions(account_id, wanted)).order_by(*NEWEST).limit(limit)
