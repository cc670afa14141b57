"""The rows of exports: what was asked for, which states they go through, and who may change them.

    from                      to            by
    (nothing)                 pending       create
    pending                   processing    claim                 a worker, with a lease and the next attempt number
    processing                processing    renew                 that worker, while it writes
    processing                completed     complete              that worker
    processing                failed        fail                  that worker, for good
    processing                pending       hand_back             that worker, stopping or after a passing failure
    processing                pending       take_back             the sweep, once the lease ran out
    processing                pending       erase                 who erases results that it may hold (`erasures`)
    pending, processing       cancelled     cancel                the account
    failed, cancelled         pending       retry                 the account
    any                       (gone)        delete, then forget   the account, then the sweep

The row is the truth; a message to a worker only wakes it. Times of leases are the database's own.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, not_, or_, select, tuple_, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app import cursors
from app.engine import dialects, locks
from app.errors import Conflict, InvalidInput, NotFound
from app.exports import events
from app.exports.drift import Drift
from app.exports.requests import ExportRequest
from app.history import filters, rollup
from app.models import Export, ExportEventType, ExportStatus

TOO_LARGE = "Export exceeded maximum record limit"
CANCELLED = "The export was cancelled"

_PENDING, _PROCESSING, _COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
_FAILED, _CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED


@dataclass(frozen=True)
class Receipt:
    rows: int
    bytes: int
    sha256: str
    snapshot_at: datetime
    notes: Mapping[str, int] = field(default_factory=dict)
    revision: int | None = None
    """Of the history at that moment."""


def create(
    session: Session, account_id: int, wanted: ExportRequest, *, by: str | None = None, drift: Drift | None = None
) -> Export:
    """A pending export. With an idempotency key that was used before: the export it made, or InvalidInput if that
    was asked for in other words.
    """
    locks.hold(session.connection(), "create", account_id)
    rollup.require_undeleted(session, account_id)
    if known := by_idempotency_key(session, account_id, wanted):
        return known
    export = Export(
        account_id=account_id,
        format=wanted.format,
        compression=wanted.compression,
        options=dict(wanted.options) or None,
        filter=filters.to_json(wanted.filter),
        columns=wanted.stored_columns,
        row_limit=wanted.limit,
        max_rows=wanted.max_rows,
        created_at=clock(session),
        idempotency_key=wanted.idempotency_key,
        request_hash=wanted.hash,
        view=asdict(drift) if drift else None,
    )
    session.add(export)
    session.flush()
    _tell(session, export, ExportEventType.CREATED, export.created_at, by)
    return export


def get(session: Session, account_id: int, id: uuid.UUID) -> Export:
    """NotFound for one that is unknown, another account's, or deleted."""
    found = session.exec(select_rows(Export).where(is_export(account_id, id), col(Export.deleted_at).is_(None))).first()
    if found is None:
        raise NotFound("Export not found")
    return found


def newest(
    session: Session,
    account_id: int,
    *,
    status: ExportStatus | None = None,
    limit: int = 100,
    after: str | None = None,
) -> tuple[Sequence[Export], bool, bool]:
    """Exports, newest first, and whether others come before and behind them. `after` is what `cursor` gave."""
    statement = select_rows(Export).where(Export.account_id == account_id, col(Export.deleted_at).is_(None))
    if status is not None:
        statement = statement.where(Export.status == status)
    has_previous = False
    if after is not None:
        behind = before(*_place(after))
        has_previous = session.exec(statement.where(not_(behind)).limit(1)).first() is not None
        statement = statement.where(behind)
    newest_first = (col(Export.created_at).desc(), col(Export.id).desc())
    rows = session.exec(statement.order_by(*newest_first).limit(limit + 1)).all()
    return rows[:limit], has_previous, len(rows) > limit


def cursor(export: Export) -> str:
    return cursors.make(export.created_at, export.id)


def count(session: Session, account_id: int, status: ExportStatus | None = None) -> int:
    conditions = [col(Export.account_id) == account_id, col(Export.deleted_at).is_(None)]
    if status is not None:
        conditions.append(in_states(status))
    return session.connection().scalar(select(func.count()).select_from(Export).where(*conditions)) or 0


def cancel(session: Session, account_id: int, id: uuid.UUID, *, by: str | None = None) -> Export:
    """Cancelling twice is harmless. Conflict for one that has ended otherwise."""
    now = clock(session)
    values = {"status": _CANCELLED, "error_message": CANCELLED, "completed_at": now}
    cancelled = change(session, and_(is_export(account_id, id), in_states(_PENDING, _PROCESSING)), values)
    export = get(session, account_id, id)
    if cancelled:
        _tell(session, export, ExportEventType.CANCELLED, now, by)
    elif export.status != _CANCELLED:
        raise Conflict(
            f"The export is {export.status} already; only one that is pending or processing can be cancelled."
        )
    return export


def retry(session: Session, account_id: int, id: uuid.UUID, *, by: str | None = None) -> Export:
    """Starts a failed or cancelled one again. Conflict for any other."""
    values = {
        "status": _PENDING,
        "failures": 0,
        "not_before": None,
        "sent_at": None,
        "error_message": None,
        "completed_at": None,
        "rows_written": 0,
        "rows_total": None,
    }
    retried = change(session, and_(is_export(account_id, id), in_states(_FAILED, _CANCELLED)), values)
    export = get(session, account_id, id)
    if not retried:
        raise Conflict(f"The export is {export.status}; only one that has failed or was cancelled can be tried again.")
    _tell(session, export, ExportEventType.RETRIED, clock(session), by)
    return export


def delete(session: Session, account_id: int, id: uuid.UUID, *, by: str | None = None) -> Export:
    """From now on it does not exist. What is left of its files, and then its row, go with the next sweep."""
    now = clock(session)
    export = get(session, account_id, id)
    mark_deleted(session, account_id, id)
    _tell(session, export, ExportEventType.DELETED, now, by)
    return export


def mark_deleted(session: Session, account_id: int, id: uuid.UUID) -> None:
    """Whoever writes it loses the claim; its files, and then its row, go with the next cleaning."""
    change(session, is_export(account_id, id), {"deleted_at": clock(session), "dirty": True})


def receipt(export: Export) -> Receipt | None:
    """What is in its file; None until it is completed."""
    if export.bytes is None or export.sha256 is None or export.snapshot_at is None:
        return None
    told = export.notes or {}
    return Receipt(export.rows_written, export.bytes, export.sha256, export.snapshot_at, told, export.snapshot_revision)


def by_idempotency_key(session: Session, account_id: int, wanted: ExportRequest) -> Export | None:
    """The export that its idempotency key made, if it has one. InvalidInput if that was asked for in other words."""
    if wanted.idempotency_key is None:
        return None
    same_key = (Export.account_id == account_id, Export.idempotency_key == wanted.idempotency_key)
    there = (col(Export.deleted_at).is_(None), col(Export.expired_at).is_(None))
    known = session.exec(select_rows(Export).where(*same_key, *there)).first()
    if known is not None and known.request_hash != wanted.hash:
        raise InvalidInput("This idempotency key was used for another export already.", field="idempotency_key")
    return known


def is_export(account_id: int, id: uuid.UUID) -> ColumnElement[bool]:
    return and_(col(Export.account_id) == account_id, col(Export.id) == id)


def in_states(*states: ExportStatus) -> ColumnElement[bool]:
    return col(Export.status).in_([state.value for state in states])


def before(created_at: datetime, id: uuid.UUID) -> ColumnElement[bool]:
    time = col(Export.created_at)
    return or_(time < created_at, and_(time == created_at, col(Export.id) < id))


def _place(text: str) -> tuple[datetime, uuid.UUID]:
    place = cursors.read(text, "after")
    try:
        return place.created_at, uuid.UUID(place.id)
    except ValueError:
        raise cursors.unknown("after") from None


def change(session: Session, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
    found = session.connection().execute(update(Export).where(condition).values(**values))
    session.expire_all()
    return found.rowcount > 0


def changed(
    session: Session, condition: ColumnElement[bool], values: dict[str, Any]
) -> Sequence[Row[int, uuid.UUID, int]]:
    """The account, the id and the attempt of each that was changed."""
    row = Export.__table__.c  # type: ignore[attr-defined]
    statement = update(Export).where(condition).values(**values).returning(row.account_id, row.id, row.attempt)
    found = session.connection().execute(statement).all()
    session.expire_all()
    return found


def seen_at(session: Session, export: Export) -> datetime | None:
    """The moment that a session sees the database at, if it has read nothing yet; None for an unknown export."""
    statement = select(dialects.clock()).where(is_export(export.account_id, export.id))
    return session.connection().execute(statement).scalar_one_or_none()


def clock(session: Session) -> datetime:
    return dialects.now(session.connection())


def progress(
    session: Session, exports: Collection[tuple[int, uuid.UUID]]
) -> dict[tuple[int, uuid.UUID], tuple[str, int, int | None]]:
    """The status, the rows written and the rows in all of many exports, of many accounts, by (account, id); those that
    are not there are left out. One statement.
    """
    row = Export.__table__.c  # type: ignore[attr-defined]
    these = tuple_(row.account_id, row.id).in_(list(exports))
    found = select(row.account_id, row.id, row.status, row.rows_written, row.rows_total)
    told = session.connection().execute(found.where(these, row.deleted_at.is_(None)))
    return {(account_id, id): (status, written, total) for account_id, id, status, written, total in told}


def _tell(session: Session, export: Export, type: ExportEventType, at: datetime, by: str | None) -> None:
    events.add(session, export.account_id, export.id, type, at=at, attempt=export.attempt, by=by)
