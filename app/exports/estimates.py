"""When exports should be done, from how the account's last ones went."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.exports.lifecycle import clock, in_states
from app.history import filters
from app.history.filters import DescriptionFilter
from app.models import Export, ExportStatus

MEASURED = 20
"""Exports of the account that are looked at, the last ones."""

_SMALL_MACHINE = [(0, 0.05), (100_000, 5.0)]
"""Rows and seconds of two exports on a small machine. They count among those measured: where all of these are tiny,
they tell nothing about the cost of a row.
"""

_ACTIVE = (ExportStatus.PENDING, ExportStatus.PROCESSING)


@dataclass(frozen=True)
class Pace:
    """Seconds that an export takes whatever its size, and seconds for each row; how many rows a usual one has."""

    fixed: float
    per_row: float
    usual: int = 1000

    def seconds(self, rows: int) -> float:
        return self.fixed + rows * self.per_row


def pace(measured: Sequence[tuple[int, float]]) -> Pace:
    """The line through (rows, seconds) that is nearest to all of them by least squares."""
    rows, seconds = zip(*measured, *_SMALL_MACHINE, strict=True)
    mean_rows, mean_seconds = fmean(rows), fmean(seconds)
    spread = sum((one - mean_rows) ** 2 for one in rows)
    together = sum((one - mean_rows) * (took - mean_seconds) for one, took in zip(rows, seconds, strict=True))
    per_row = max(0.0, together / spread)
    usual = {"usual": round(fmean(one for one, _ in measured))} if measured else {}
    return Pace(max(0.0, mean_seconds - per_row * mean_rows), per_row, **usual)


def estimate(
    session: Session,
    account_id: int,
    exports: Sequence[Export],
    *,
    at_a_time: int,
    count: Callable[[DescriptionFilter], int] | None = None,
) -> dict[uuid.UUID, datetime]:
    """When each of the account's exports should be done, by id; those that have ended are left out. One statement tells
    how many are before each. To `count` the matches is worth it for one export, not for a page of them.
    """
    active = [export for export in exports if export.status in _ACTIVE]
    if not active:
        return {}
    now, usual = clock(session), pace(_measured(session, account_id))
    ahead = _ahead(session, account_id, active)

    def seconds(export: Export) -> float:
        total = export.rows_total
        if total is None and count is not None:
            total = count(filters.from_json(export.filter))
        expected = usual.usual if total is None else total
        most = min(bound for bound in (expected, export.row_limit, export.max_rows) if bound is not None)
        turns = ahead.get(export.id, 0) // at_a_time
        return turns * usual.seconds(usual.usual) + usual.seconds(max(0, most - export.rows_written))

    return {export.id: now + timedelta(seconds=seconds(export)) for export in active}


def until_done(session: Session, account_id: int, rows: int, *, at_a_time: int) -> tuple[float, list[int]]:
    """Seconds from now on that a new export of so many rows takes, with those that wait before it; and the rows of each
    export that this is estimated from.
    """
    measured = _measured(session, account_id)
    usual = pace(measured)
    mine = (col(Export.account_id) == account_id, col(Export.deleted_at).is_(None), in_states(*_ACTIVE))
    before = session.connection().scalar(select(func.count()).select_from(Export).where(*mine)) or 0
    turns = before // at_a_time
    return turns * usual.seconds(usual.usual) + usual.seconds(rows), [one for one, _ in measured]


def _measured(session: Session, account_id: int) -> list[tuple[int, float]]:
    last = (
        select(Export.rows_written, Export.started_at, Export.completed_at)  # type: ignore[call-overload]
        .where(col(Export.account_id) == account_id, in_states(ExportStatus.COMPLETED))
        .where(col(Export.completed_at) > col(Export.started_at))
        .order_by(col(Export.created_at).desc())
        .limit(MEASURED)
    )
    found = session.connection().execute(last)
    return [(rows, (completed_at - started_at).total_seconds()) for rows, started_at, completed_at in found]


def _ahead(session: Session, account_id: int, active: Sequence[Export]) -> dict[uuid.UUID, int]:
    """How many exports of the account that wait or run are older than each."""
    times = [export.created_at for export in active]
    older = func.row_number().over(order_by=(col(Export.created_at), col(Export.id))) - 1
    mine = (col(Export.account_id) == account_id, col(Export.deleted_at).is_(None), in_states(*_ACTIVE))
    ranked = select(col(Export.id).label("id"), col(Export.created_at).label("created_at"), older.label("older")).where(
        *mine, col(Export.created_at) <= max(times)
    )
    each = ranked.subquery().c
    found = session.connection().execute(select(each.id, each.older).where(each.created_at >= min(times)))
    return {row.id: row.older for row in found}
