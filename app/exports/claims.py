"""Who writes an export: claims with a lease and a fencing number, and what the sweep finds.

The states and who may change them: see `app/exports/lifecycle.py`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app.engine import locks
from app.exports import lifecycle
from app.exports.lifecycle import Receipt, change, changed, clock, in_states, is_export
from app.models import Export, ExportStatus

LEASE = timedelta(seconds=6)
"""How long a claim holds without being renewed."""

MAX_FAILURES = 5
"""Attempts that may end with a passing failure."""

MAX_ATTEMPTS = 50
"""Attempts at all, those included whose worker was killed."""

RESEND_AFTER = timedelta(seconds=4)
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
    locks.hold(session.connection(), "claim", account_id)  # or two would count the same running ones
    export = session.get(Export, (account_id, id))
    if export is None:
        return None
    now = clock(session)
    claimable = and_(is_export(account_id, id), _waiting(now))
    earlier = and_(_waiting(now), lifecycle.before(export.created_at, export.id))
    ahead = (
        select(func.count())
        .select_from(Export)
        .where(col(Export.account_id) == account_id, or_(in_states(_PROCESSING), earlier))
    )
    if (session.connection().scalar(ahead) or 0) >= at_a_time:
        change(session, claimable, {"sent_at": None})  # to be sent again when its turn has come
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
    return Claim(lifecycle.get(session, account_id, id)) if change(session, claimable, values) else None


def renew(session: Session, held: Claim, *, rows_written: int, rows_total: int | None) -> bool:
    """Extends the lease and says how far it is. False where the claim is lost: cancelled, deleted, or taken back."""
    values = {"lease_until": clock(session) + LEASE, "rows_written": rows_written, "rows_total": rows_total}
    return change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values)


def complete(session: Session, held: Claim, receipt: Receipt, *, object_key: str) -> bool:
    """False where the claim is lost; then nothing was changed, and the file is of no use."""
    values = {
        "status": _COMPLETED,
        "completed_at": clock(session),
        "lease_until": None,
        "rows_written": receipt.rows,
        "rows_total": receipt.rows,
        "bytes": receipt.bytes,
        "sha256": receipt.sha256,
        "snapshot_at": receipt.snapshot_at,
        "object_key": object_key,
        "error_message": None,
    }
    return change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values)


def fail(session: Session, held: Claim, message: str) -> bool:
    """For good: what cannot succeed is not tried again."""
    values = {"status": _FAILED, "error_message": message, "completed_at": clock(session), "lease_until": None}
    return change(session, held.mine, values)


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


def to_send(
    session: Session, *, at_a_time: int, account_id: int | None = None, resend: bool = True
) -> list[tuple[int, uuid.UUID]]:
    """(account, id) of pending exports whose turn it is and that no message is on its way for, of all accounts or of
    one; with `resend` those too whose message may have got lost. They count as sent now.
    """
    now = clock(session)
    mine = true() if account_id is None else col(Export.account_id) == account_id
    busy = select(col(Export.account_id), func.count().label("count")).where(mine, in_states(_PROCESSING))
    running = busy.group_by(col(Export.account_id)).subquery().c
    turn = func.row_number().over(
        partition_by=col(Export.account_id), order_by=(col(Export.created_at), col(Export.id))
    )
    row = select(Export, turn.label("turn")).where(mine, _waiting(now)).subquery().c
    unsent = partial(_unsent, now=now, resend=resend)
    due = (
        select(row.account_id, row.id)
        .outerjoin(running.account_id.table, running.account_id == row.account_id)
        .where(row.turn <= at_a_time - func.coalesce(running.count, 0), unsent(row.sent_at))
        .order_by(row.created_at, row.id)
        .limit(1000)
    )
    found = [(account, id) for account, id in session.connection().execute(due)]
    still = unsent(Export.__table__.c.sent_at)  # type: ignore[attr-defined]
    return [one for one in found if change(session, and_(is_export(*one), still), {"sent_at": now})]


def expire(session: Session, retention: timedelta) -> None:
    """From now on, files that were kept long enough cannot be downloaded; they go with the next cleaning."""
    now = clock(session)
    old = and_(col(Export.object_key).is_not(None), col(Export.completed_at) < now - retention)
    change(session, old, {"expired_at": now, "object_key": None, "dirty": True})


def to_clean(session: Session) -> Sequence[Export]:
    """Exports that ended, or were deleted, and whose files but for the result are to be removed: see `cleaned`."""
    idle = or_(col(Export.lease_until).is_(None), col(Export.lease_until) < clock(session))
    unneeded = or_(in_states(_COMPLETED, _FAILED, _CANCELLED), col(Export.deleted_at).is_not(None))
    found = select_rows(Export).where(col(Export.dirty), idle, unneeded)
    return session.exec(found.order_by(col(Export.completed_at), col(Export.id)).limit(100)).all()


def cleaned(session: Session, export: Export) -> None:
    """Its files are gone, but for its result; a deleted export is forgotten. Not if it has changed meanwhile."""
    same = and_(
        is_export(export.account_id, export.id),
        col(Export.attempt) == export.attempt,
        col(Export.object_key).is_not_distinct_from(export.object_key),
    )
    if export.deleted_at is not None:
        session.connection().execute(sql_delete(Export).where(same))
    else:
        change(session, same, {"dirty": False})


def _unsent(sent_at: ColumnElement[Any], *, now: datetime, resend: bool) -> ColumnElement[bool]:
    return or_(sent_at.is_(None), sent_at < now - RESEND_AFTER) if resend else sent_at.is_(None)


def _waiting(now: datetime) -> ColumnElement[bool]:
    due = or_(col(Export.not_before).is_(None), col(Export.not_before) <= now)
    return and_(in_states(_PENDING), due, col(Export.deleted_at).is_(None))
