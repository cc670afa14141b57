"""What happened to each export, when, and by whom: written in the transaction in which it happens."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, literal, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app.models import ExportEvent, ExportEventType

MAX_EVENTS = 100
"""Of one export; the oldest go."""

_TABLE = ExportEvent.__table__  # type: ignore[attr-defined]


def add(
    session: Session,
    account_id: int,
    export_id: uuid.UUID,
    type: ExportEventType,
    *,
    at: datetime,
    attempt: int,
    by: str | None = None,
    message: str | None = None,
) -> None:
    """To be called once the export's row was changed, which keeps out who would take the same number."""
    columns = _TABLE.c
    mine = (columns.account_id == account_id, columns.export_id == export_id)
    told = {
        columns.account_id: account_id,
        columns.export_id: export_id,
        columns.type: type.value,
        columns.at: at,
        columns.attempt: attempt,
        columns.key_prefix: by,
        columns.message: message,
    }
    values = [literal(value, column.type) for column, value in told.items()]
    next_one = select(*values, func.coalesce(func.max(columns.number), 0) + 1).where(*mine)
    statement = insert(_TABLE).from_select([*told, columns.number], next_one).returning(columns.number)
    number = session.connection().execute(statement).scalar_one()
    if number > MAX_EVENTS:
        session.connection().execute(delete(_TABLE).where(*mine, columns.number <= number - MAX_EVENTS))


def of(session: Session, account_id: int, export_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ExportEvent]]:
    """The events of each of the account's exports, oldest first."""
    mine = select_rows(ExportEvent).where(
        ExportEvent.account_id == account_id, col(ExportEvent.export_id).in_(export_ids)
    )
    found: dict[uuid.UUID, list[ExportEvent]] = {id: [] for id in export_ids}
    for event in session.exec(mine.order_by(col(ExportEvent.export_id), col(ExportEvent.number))):
        found[event.export_id].append(event)
    return found


def forget(session: Session, account_id: int, export_id: uuid.UUID) -> None:
    mine = (_TABLE.c.account_id == account_id, _TABLE.c.export_id == export_id)
    session.connection().execute(delete(_TABLE).where(*mine))
