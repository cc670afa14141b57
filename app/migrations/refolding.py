"""Folding again the text that a search looks at, where it is not folded so."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, column, not_, select, table, tuple_, update

from app.engine import dialects

Fold = Callable[[str], str]

_READ = 16
"""Rows that are held at a time, each with at most 2 million letters."""

_WRITTEN = 4_000_000
"""Letters that are changed at a time."""

_TABLE = table("descriptions", *map(column, ("account_id", "id", "description", "search_text")))
_CHANGE = (
    update(_TABLE)
    .where(_TABLE.c.account_id == bindparam("of_account"), _TABLE.c.id == bindparam("of_id"))
    .values(search_text=bindparam("folded"))
)


def refold(connection: Connection, fold: Fold) -> int:
    """How many rows were changed. Those of ASCII are not looked at, as every way of folding leaves them the same."""
    changed = 0
    last: tuple[int, str] | None = (-1, "")
    while last:
        changes, last = _next(connection, fold, last)
        if changes:
            connection.execute(_CHANGE, changes)
        changed += len(changes)
    return changed


def _next(
    connection: Connection, fold: Fold, after: tuple[int, str]
) -> tuple[list[dict[str, Any]], tuple[int, str] | None]:
    """Changes for rows behind that key, and the key of the last of these; None at the end of the table."""
    key = tuple_(_TABLE.c.account_id, _TABLE.c.id)
    rows = select(*_TABLE.c).where(key > after, not_(dialects.is_ascii(_TABLE.c.description)))
    changes, size = [], 0
    with connection.execute(rows.order_by(*key.clauses), execution_options={"yield_per": _READ}) as found:
        for account_id, id, text, kept in found:
            if (folded := fold(text)) != kept:
                changes.append({"of_account": account_id, "of_id": id, "folded": folded})
                size += len(folded)
            if size > _WRITTEN:
                return changes, (account_id, id)
    return changes, None
