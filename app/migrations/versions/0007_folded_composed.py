"""Text is searched without regard to how its letters are composed, and `İ` is found as `i`.

Only rows whose text folds otherwise are changed, which takes letters beyond ASCII. What an older process records
meanwhile is folded as before: terms find it unless they or it hold `İ` or letters composed of several characters. To
fold that as well do it again, which is harmless: set `alembic_version` back to 0006, then `sightlog db upgrade`.
"""

from typing import Any
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

from app.engine import dialects

revision = "0007"
down_revision = "0006"

_READ = 16
"""Rows that are held at a time, each with at most 2 million letters."""

_WRITTEN = 4_000_000
"""Letters that are changed at a time."""

_TABLE = sa.table("descriptions", *map(sa.column, ("account_id", "id", "description", "search_text")))
_CHANGE = (
    sa.update(_TABLE)
    .where(_TABLE.c.account_id == sa.bindparam("of_account"), _TABLE.c.id == sa.bindparam("of_id"))
    .values(search_text=sa.bindparam("folded"))
)


def upgrade() -> None:
    connection = op.get_bind()
    last: tuple[int, str] | None = (-1, "")
    while last:
        changes, last = _next(connection, last)
        if changes:
            connection.execute(_CHANGE, changes)


def downgrade() -> None:
    """An older version finds what it finds."""


def _next(connection: sa.Connection, after: tuple[int, str]) -> tuple[list[dict[str, Any]], tuple[int, str] | None]:
    """Changes for rows behind that key, and the key of the last of these; None at the end of the table."""
    key = sa.tuple_(_TABLE.c.account_id, _TABLE.c.id)
    rows = sa.select(*_TABLE.c).where(key > after, sa.not_(dialects.is_ascii(_TABLE.c.description)))
    changes, size = [], 0
    with connection.execute(rows.order_by(*key.clauses), execution_options={"yield_per": _READ}) as found:
        for account_id, id, text, kept in found:
            if (folded := _fold(text)) != kept:
                changes.append({"of_account": account_id, "of_id": id, "folded": folded})
                size += len(folded)
            if size > _WRITTEN:
                return changes, (account_id, id)
    return changes, None


def _fold(text: str) -> str:
    """As `app.history.folding` had it when this was written."""
    return normalize("NFC", normalize("NFD", text).casefold().replace("i\u0307", "i"))
