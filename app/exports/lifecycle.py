"""The rows of exports: what was asked for, which states they go through, and who may change them.

    from                      to            by
    (nothing)                 pending       create
    pending                   processing    claim                 a worker, with a lease and the next attempt number
    processing                processing    renew                 that worker, while it writes
    processing                completed     complete              that worker
    processing                failed        fail                  that worker, for good
    processing                pending       hand_back             that worker, stopping or after a passing failure
    processing                pending       take_back             the sweep, once the lease ran out
    pending, processing       cancelled     cancel                the account
    failed, cancelled         pending       retry                 the account
    any                       (gone)        delete, then forget   the account, then the sweep

The row is the truth; a message to a worker only wakes it. Times of leases are the database's own.
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app import cursors, jsontext
from app.engine import dialects, locks
from app.errors import Conflict, InvalidInput, NotFound
from app.history import filters
from app.history.columns import COLUMNS, ITEM_COLUMNS
from app.history.filters import DescriptionFilter
from app.models import Export, ExportFormat, ExportStatus

MAX_ROWS = 100_000
"""Rows of one export; with no limit given, more matches than this fail. Who may ask for more says so."""

TOO_LARGE = "Export exceeded maximum record limit"
CANCELLED = "The export was cancelled"

_PENDING, _PROCESSING, _COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
_FAILED, _CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a customer asks for. InvalidInput where it cannot be meant."""

    format: ExportFormat
    filter: DescriptionFilter
    fields: Sequence[str] = ()
    include_metadata: bool = True
    limit: int | None = None
    max_rows: int | None = MAX_ROWS
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and not 1 <= self.limit <= (self.max_rows or self.limit):
            most = "at least 1" if self.max_rows is None else f"1 to {self.max_rows}"
            raise InvalidInput(f"The limit of an export is {most}.", field="limit")
        for name in self.fields:
            if name not in COLUMNS:
                raise InvalidInput(f"There is no field '{name}'; the fields are {', '.join(COLUMNS)}.", field="fields")
        if not self.columns:
            raise InvalidInput("No field is left: metadata was named and left out at once.", field="fields")
        key = self.idempotency_key
        if key is not None and (not 1 <= len(key) <= 255 or "\0" in key):
            raise InvalidInput("An idempotency key has 1 to 255 characters, none of them NUL.", field="idempotency_key")

    @property
    def columns(self) -> list[str]:
        """The columns of the file, in their order."""
        default = COLUMNS if self.filter.include_failed else ITEM_COLUMNS
        names = dict.fromkeys(self.fields or default)
        return [name for name in names if self.include_metadata or name != "metadata"]

    @property
    def hash(self) -> str:
        meant = [self.format, filters.to_json(self.filter), self.columns, self.limit]
        meant += [self.max_rows] if self.max_rows != MAX_ROWS else []
        return hashlib.sha256(jsontext.canonical(meant).encode()).hexdigest()


@dataclass(frozen=True)
class Receipt:
    rows: int
    bytes: int
    sha256: str
    snapshot_at: datetime


def create(session: Session, account_id: int, wanted: Request) -> Export:
    """A pending export. With an idempotency key that was used before: the export it made, or InvalidInput if that
    was asked for in other words.
    """
    if wanted.idempotency_key is not None and (known := _by_idempotency_key(session, account_id, wanted)):
        return known
    export = Export(
        account_id=account_id,
        format=wanted.format,
        filter=filters.to_json(wanted.filter),
        columns=wanted.columns,
        row_limit=wanted.limit,
        max_rows=wanted.max_rows,
        created_at=clock(session),
        idempotency_key=wanted.idempotency_key,
        request_hash=wanted.hash,
    )
    session.add(export)
    session.flush()
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


def cancel(session: Session, account_id: int, id: uuid.UUID) -> Export:
    """Cancelling twice is harmless. Conflict for one that has ended otherwise."""
    values = {"status": _CANCELLED, "error_message": CANCELLED, "completed_at": dialects.clock()}
    changed = change(session, and_(is_export(account_id, id), in_states(_PENDING, _PROCESSING)), values)
    export = get(session, account_id, id)
    if not changed and export.status != _CANCELLED:
        raise Conflict(
            f"The export is {export.status} already; only one that is pending or processing can be cancelled."
        )
    return export


def retry(session: Session, account_id: int, id: uuid.UUID) -> Export:
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
    changed = change(session, and_(is_export(account_id, id), in_states(_FAILED, _CANCELLED)), values)
    export = get(session, account_id, id)
    if not changed:
        raise Conflict(f"The export is {export.status}; only one that has failed or was cancelled can be tried again.")
    return export


def delete(session: Session, account_id: int, id: uuid.UUID) -> None:
    """From now on it does not exist; its files go with the next sweep."""
    get(session, account_id, id)
    change(session, is_export(account_id, id), {"deleted_at": dialects.clock(), "dirty": True})


def prefix(export: Export) -> str:
    """What the keys of all its files begin with."""
    return f"{export.account_id}/{export.id}/"


def object_key(export: Export) -> str:
    """The key of this attempt's file; no other attempt has the same."""
    return f"{prefix(export)}{export.attempt}.{export.format}"


def attempt_of(key: str) -> int:
    """The attempt that an object key belongs to."""
    return int(key.rpartition("/")[2].partition(".")[0])


def filename(export: Export) -> str:
    return f"export_{export.id}.{export.format}"


def receipt(export: Export) -> Receipt | None:
    """What is in its file; None until it is completed."""
    if export.bytes is None or export.sha256 is None or export.snapshot_at is None:
        return None
    return Receipt(export.rows_written, export.bytes, export.sha256, export.snapshot_at)


@dataclass(frozen=True)
class Pace:
    """How an account's last exports went. Before the first, what a small machine does."""

    rows: int = 1000
    seconds: float = 1.0
    rows_per_second: float = 20_000.0


def pace(session: Session, account_id: int) -> Pace:
    last = (
        select(Export.rows_written, Export.started_at, Export.completed_at)  # type: ignore[call-overload]
        .where(col(Export.account_id) == account_id, in_states(_COMPLETED))
        .where(col(Export.completed_at) > col(Export.started_at))
        .order_by(col(Export.created_at).desc())
        .limit(20)
    )
    found = session.connection().execute(last).all()
    rows = sum(written for written, _, _ in found)
    seconds = sum((completed_at - started_at).total_seconds() for _, started_at, completed_at in found)
    if not rows:
        return Pace()
    return Pace(rows // len(found), seconds / len(found), rows / seconds)


def estimate(
    session: Session, export: Export, measured: Pace, *, count: Callable[[DescriptionFilter], int] | None = None
) -> datetime | None:
    """When it should be done, with those of the account that wait before it; None once it ended. To `count` the matches
    is worth it for one export, not for a page of them.
    """
    if export.status not in (_PENDING, _PROCESSING):
        return None
    total = export.rows_total
    if total is None and count is not None:
        total = count(filters.from_json(export.filter))
    expected = measured.rows if total is None else total
    most = min(bound for bound in (expected, export.row_limit, export.max_rows) if bound is not None)
    left = max(0, most - export.rows_written)
    mine = (col(Export.account_id) == export.account_id, in_states(_PENDING, _PROCESSING))
    earlier = select(func.count()).where(*mine, col(Export.created_at) < export.created_at).select_from(Export)
    ahead = session.connection().scalar(earlier) or 0
    seconds = ahead * measured.seconds + max(left / measured.rows_per_second, min(1.0, measured.seconds))
    return clock(session) + timedelta(seconds=seconds)


def _by_idempotency_key(session: Session, account_id: int, wanted: Request) -> Export | None:
    locks.hold(session.connection(), f"create:{wanted.idempotency_key}", account_id)
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
    created_at, id = cursors.read(text, "after")
    try:
        return created_at, uuid.UUID(id)
    except ValueError:
        raise cursors.unknown("after") from None


def change(session: Session, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
    return changed(session, condition, values) > 0


def changed(session: Session, condition: ColumnElement[bool], values: dict[str, Any]) -> int:
    result = session.connection().execute(update(Export).where(condition).values(**values))
    session.expire_all()
    return result.rowcount


def seen_at(session: Session, export: Export) -> datetime | None:
    """The moment that a session sees the database at, if it has read nothing yet; None for an unknown export."""
    statement = select(dialects.clock()).where(is_export(export.account_id, export.id))
    return session.connection().execute(statement).scalar_one_or_none()


def clock(session: Session) -> datetime:
    moment: datetime = session.connection().execute(select(dialects.clock())).scalar_one()
    return moment
