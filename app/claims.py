"""Who writes an export: claims with a lease and a fencing number, and what the sweep finds.

The states and who may change them: see `app/exports.py`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app import exports
from app.exports import Receipt, change, changed, clock, in_states, is_export
from app.models import Export, ExportStatus

LEASE = timedelta(seconds=8)
"""How long a claim holds without being renewed."""

MAX_FAILURES = 5
"""Attempts that may end with a passing failure."""

MAX_ATTEMPTS = 50
"""Attempts at all, those included whose worker was killed."""

RESEND_AFTER = timedelta(seconds=5)
"""A pending export whose message was sent longer ago is sent again; running it twice is harmless."""

_PENDING, _PROCESSING, _COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
_FAILED, _CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED


@dataclass(frozen=True)
class Claim:
    """The right to write one export, for one attempt, while its lease is renewed."""

    export: Export

    @property
    def mine(self) -> ColumnElement[bool]:
        return and_(
            is_export(self.export.account_id, self.export.id),
            col(Export.attempt) == self.export.attempt,
            in_states(_PROCESSING),
        )


def claim(session: Session, account_id: int, id: uuid.UUID, *, at_a_time: int) -> Claim | None:
    """The right to write it, unless another has it, its time has not come, or `at_a_time` of the account's exports
    are running or were there before it.
    """
    now = clock(session)
    if session.connection().dialect.name == "postgresql":
        # One claim at a time for an account, or two would count the same running ones.
        key = func.hashtextextended("sightlog.claim", account_id)
        session.connection().execute(select(func.pg_advisory_xact_lock(key)))
    export = session.get(Export, (account_id, id))
    if export is None:
        return None
    earlier = and_(_waiting(now), or_(*exports.before(export)))
    ahead = (
        select(func.count())
        .select_from(Export)
        .where(col(Export.account_id) == account_id, or_(in_states(_PROCESSING), earlier))
    )
    if (session.connection().scalar(ahead) or 0) >= at_a_time:
        return None
    values = {
        "status": _PROCESSING,
        "attempt": col(Export.attempt) + 1,
        "lease_until": now + LEASE,
        "started_at": now,
        "dirty": True,
        "rows_written": 0,
        "rows_total": None,
    }
    claimed = change(session, and_(is_export(account_id, id), _waiting(now)), values)
    return Claim(exports.get(session, account_id, id)) if claimed else None


def renew(session: Session, held: Claim, *, rows_written: int, rows_total: int | None) -> bool:
    """Extends the lease and says how far it is. False where the claim is lost: cancelled, deleted, or taken back."""
    values = {"lease_until": clock(session) + LEASE, "rows_written": rows_written, "rows_total": rows_total}
    return change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values)


def complete(session: Session, held: Claim, receipt: Receipt, *, object_key: str) -> bool:
    """False where the claim is lost; then nothing was changed, and the file is of no use."""
    values = {
        "status": _COMPLETED,
        "completed_at": clock(session),
        "rows_written": receipt.rows,
        "rows_total": receipt.rows,
        "bytes": receipt.bytes,
        "sha256": receipt.sha256,
        "snapshot_at": receipt.snapshot_at,
        "object_key": object_key,
        "error_message": None,
        "dirty": held.export.attempt > 1,
    }
    return change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values)


def fail(session: Session, held: Claim, message: str) -> bool:
    """For good: what cannot succeed is not tried again."""
    return change(session, held.mine, {"status": _FAILED, "error_message": message, "completed_at": clock(session)})


def hand_back(session: Session, held: Claim) -> bool:
    """For another worker, at once: this one stops."""
    return change(session, held.mine, {"status": _PENDING, "lease_until": None, "sent_at": None})


def hand_back_later(session: Session, held: Claim, message: str) -> bool:
    """After a failure that may pass: spaced out more each time, and failed for good when it was the last."""
    failures = held.export.failures + 1
    if failures >= MAX_FAILURES:
        return fail(session, held, message)
    values = {
        "status": _PENDING,
        "lease_until": None,
        "sent_at": None,
        "failures": failures,
        "not_before": clock(session) + timedelta(seconds=2**failures),
    }
    return change(session, held.mine, values)


def take_back(session: Session) -> int:
    """Makes pending again what a dead worker left; how many those were."""
    now = clock(session)
    lapsed = and_(in_states(_PROCESSING), col(Export.lease_until) < now)
    exhausted = {"status": _FAILED, "error_message": "The export could not be completed", "completed_at": now}
    change(session, and_(lapsed, col(Export.attempt) >= MAX_ATTEMPTS), exhausted)
    return changed(session, lapsed, {"status": _PENDING, "lease_until": None, "sent_at": None})


def to_send(session: Session, *, at_a_time: int, account_id: int | None = None) -> list[tuple[int, uuid.UUID]]:
    """(account, id) of pending exports that no message may be on its way for, the oldest of each account. They count
    as sent now.
    """
    now = clock(session)
    turn = func.row_number().over(
        partition_by=col(Export.account_id), order_by=(col(Export.created_at), col(Export.id))
    )
    queue = select(col(Export.account_id), col(Export.id), col(Export.sent_at), turn.label("turn")).where(_waiting(now))
    if account_id is not None:
        queue = queue.where(col(Export.account_id) == account_id)
    row = queue.subquery().c
    unsent = or_(row.sent_at.is_(None), row.sent_at < now - RESEND_AFTER) if account_id is None else true()
    due = select(row.account_id, row.id).where(row.turn <= at_a_time, unsent).limit(1000)
    found = [(account, id) for account, id in session.connection().execute(due)]
    for account, id in found:
        change(session, is_export(account, id), {"sent_at": now})
    return found


def to_clean(session: Session, retention: timedelta) -> Sequence[Export]:
    """Exports that ended and whose files, or some of them, are to be removed: see `cleaned`."""
    now = clock(session)
    idle = or_(col(Export.lease_until).is_(None), col(Export.lease_until) < now)
    ended = and_(in_states(_COMPLETED, _FAILED, _CANCELLED), col(Export.dirty))
    expired = and_(in_states(_COMPLETED), col(Export.expired_at).is_(None), col(Export.completed_at) < now - retention)
    deleted = col(Export.deleted_at).is_not(None)
    return session.exec(select_rows(Export).where(idle, or_(ended, expired, deleted)).limit(100)).all()


def is_expired(export: Export, retention: timedelta, now: datetime) -> bool:
    return export.completed_at is not None and export.status == _COMPLETED and export.completed_at < now - retention


def cleaned(session: Session, export: Export, *, expired: bool) -> None:
    """Its files are gone, but for its result if it has not expired; a deleted export is forgotten."""
    same = and_(is_export(export.account_id, export.id), col(Export.attempt) == export.attempt)
    if export.deleted_at is not None:
        session.connection().execute(sql_delete(Export).where(same))
        return
    values: dict[str, Any] = {"dirty": False}
    if expired:
        values |= {"expired_at": clock(session), "object_key": None}
    change(session, same, values)


def _waiting(now: datetime) -> ColumnElement[bool]:
    due = or_(col(Export.not_before).is_(None), col(Export.not_before) <= now)
    return and_(in_states(_PENDING), due, col(Export.deleted_at).is_(None))
