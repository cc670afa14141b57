"""Who writes an export: claims with a lease and a fencing number, and what the sweep finds.

The states and who may change them: see `app/exports/lifecycle.py`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true, union
from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app.engine import locks
from app.exports import events, lifecycle
from app.exports.ledger import LEFT_OUT
from app.exports.lifecycle import Receipt, change, changed, clock, in_states, is_export
from app.jobs import leases
from app.jobs import rows as jobs
from app.models import Export, ExportEventType, ExportStatus, Job

LEASE, RESEND_AFTER = leases.LEASE, leases.RESEND_AFTER

MAX_FAILURES = 5
"""Attempts that may end with a passing failure."""

MAX_ATTEMPTS = 50
"""Attempts at all, those included whose worker was killed."""

MAX_EXPIRED = 1000
"""Exports that expire in one transaction."""

MAX_CLEANED = 100
"""Exports whose files are removed at a time."""

RETENTION = "retention"
"""The job that removes files: see `app.exports.retention`."""

TIDY_AFTER = timedelta(seconds=2)
"""After an export was completed; so that one job does it for those of an account that end one after the other."""

STOPPED = "The worker stopped."
ENDED = "The worker ended without a word."
EXHAUSTED = "The export could not be completed"

_PENDING, _PROCESSING, _COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
_FAILED, _CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED
_ROW = Export.__table__.c  # type: ignore[attr-defined]


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

    def tell(self, session: Session, type: ExportEventType, at: datetime, message: str | None = None) -> None:
        export = self.export
        events.add(session, export.account_id, export.id, type, at=at, attempt=export.attempt, message=message)


def hold(session: Session, account_id: int) -> None:
    """No export of the account is claimed by another until the transaction ends."""
    locks.hold(session.connection(), "claim", account_id)


def hold_lapsed(session: Session) -> None:
    """Nobody else takes exports back until the transaction ends: whoever changes several running ones holds this, or
    two could wait for each other's rows in a circle.
    """
    locks.hold(session.connection(), "take back exports")


def claim(session: Session, account_id: int, id: uuid.UUID, *, at_a_time: int) -> Claim | None:
    """The right to write it, unless another has it, its time has not come, or `at_a_time` of the account's exports
    are running or were there before it.
    """
    hold(session, account_id)  # or two would count the same running ones
    export = session.get(Export, (account_id, id))
    if export is None:
        return None
    now = clock(session)
    earlier = and_(_waiting(now), lifecycle.before(export.created_at, export.id))
    ahead = select(_ROW.id).where(col(Export.account_id) == account_id, or_(_busy(now), earlier)).limit(at_a_time)
    claimable = and_(is_export(account_id, id), _waiting(now))
    if (session.connection().scalar(select(func.count()).select_from(ahead.subquery())) or 0) >= at_a_time:
        change(session, claimable, {"sent_at": None})  # to be sent again when its turn has come
        return None
    values = {"started_at": now, "dirty": True, "rows_written": 0, "rows_total": None}
    if not change(session, claimable, leases.taken(_ROW, now) | values):
        return None
    held = Claim(lifecycle.get(session, account_id, id))
    held.tell(session, ExportEventType.STARTED, now)
    return held


def renew(session: Session, held: Claim, *, rows_written: int, rows_total: int | None) -> bool:
    """Extends the lease and says how far it is. False where the claim is lost: cancelled, deleted, or taken back."""
    values = {"lease_until": clock(session) + LEASE, "rows_written": rows_written, "rows_total": rows_total}
    return change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values)


def complete(session: Session, held: Claim, receipt: Receipt, *, object_key: str) -> bool:
    """False where the claim is lost; then nothing was changed, and the file is of no use.

    What follows an export is ordered here, so that it is done at least once.
    """
    now = clock(session)
    values = {
        "status": _COMPLETED,
        "completed_at": now,
        "lease_until": None,
        "rows_written": receipt.rows,
        "rows_total": receipt.rows + receipt.notes.get(LEFT_OUT, 0),
        "bytes": receipt.bytes,
        "sha256": receipt.sha256,
        "snapshot_at": receipt.snapshot_at,
        "notes": dict(receipt.notes) or None,
        "snapshot_revision": receipt.revision,
        "object_key": object_key,
        "error_message": None,
    }
    if not change(session, and_(held.mine, col(Export.deleted_at).is_(None)), values):
        return False
    held.tell(session, ExportEventType.COMPLETED, now)
    jobs.order(session, held.export.account_id, RETENTION, at=now + TIDY_AFTER)
    return True


def fail(session: Session, held: Claim, message: str) -> bool:
    """For good: what cannot succeed is not tried again."""
    now = clock(session)
    values = {"status": _FAILED, "error_message": message, "completed_at": now, "lease_until": None}
    return _ended(session, held, values, ExportEventType.FAILED, now, message)


def hand_back(session: Session, held: Claim) -> bool:
    """For another worker, at once: this one stops."""
    return _ended(session, held, leases.released(), ExportEventType.HANDED_BACK, clock(session), STOPPED)


def hand_back_later(session: Session, held: Claim, message: str) -> bool:
    """After a failure that may pass: spaced out more each time, and failed for good when it was the last."""
    failures = held.export.failures + 1
    if failures >= MAX_FAILURES:
        return fail(session, held, message)
    now = clock(session)
    return _ended(session, held, leases.put_off(failures, now), ExportEventType.HANDED_BACK, now, message)


def let_go(session: Session, held: Claim) -> None:
    """Nothing is written any more of an export that was cancelled, so that its account may run another."""
    export = held.export
    same = and_(is_export(export.account_id, export.id), col(Export.attempt) == export.attempt)
    change(session, and_(same, in_states(_CANCELLED, _PENDING)), {"lease_until": None})


def take_back(session: Session) -> int:
    """Makes pending again what a dead worker left; how many those were."""
    hold_lapsed(session)
    now = clock(session)
    lapsed = leases.lapsed(_ROW, now)
    exhausted = {"status": _FAILED, "error_message": EXHAUSTED, "completed_at": now}
    for account_id, id, attempt in changed(session, and_(lapsed, col(Export.attempt) >= MAX_ATTEMPTS), exhausted):
        events.add(session, account_id, id, ExportEventType.FAILED, at=now, attempt=attempt, message=EXHAUSTED)
    taken = changed(session, lapsed, leases.released())
    for account_id, id, attempt in taken:
        events.add(session, account_id, id, ExportEventType.HANDED_BACK, at=now, attempt=attempt, message=ENDED)
    return len(taken)


def to_send(
    session: Session, *, at_a_time: int, account_id: int | None = None, resend: bool = True
) -> list[tuple[int, uuid.UUID]]:
    """(account, id) of pending exports whose turn it is and that no message is on its way for, of all accounts or of
    one; with `resend` those too whose message may have got lost. They count as sent now.
    """
    now = clock(session)
    mine = _of(account_id)
    busy = select(col(Export.account_id), func.count().label("count")).where(mine, _busy(now))
    running = busy.group_by(col(Export.account_id)).subquery().c
    pending = select(Export).where(mine, _waiting(now))
    if account_id is not None:  # no others can be in turn, and there may be thousands
        pending = pending.order_by(col(Export.created_at), col(Export.id)).limit(at_a_time)
    each = pending.subquery().c
    turn = func.row_number().over(partition_by=each.account_id, order_by=(each.created_at, each.id))
    row = select(each.account_id, each.id, each.created_at, each.sent_at, turn.label("turn")).subquery().c
    unsent = partial(leases.unsent, now=now, resend=resend)
    due = (
        select(row.account_id, row.id)
        .outerjoin(running.account_id.table, running.account_id == row.account_id)
        .where(row.turn <= at_a_time - func.coalesce(running.count, 0), unsent(row.sent_at))
        .order_by(row.created_at, row.id)
        .limit(1000)
    )
    found = [(account, id) for account, id in session.connection().execute(due)]
    still = unsent(_ROW.sent_at)
    return [one for one in found if change(session, and_(is_export(*one), still), {"sent_at": now})]


def to_retain(session: Session, retention: timedelta) -> Sequence[int]:
    """Accounts of which files are to be removed, because they were kept long enough or are not needed, and for which
    that was not ordered yet.
    """
    now = clock(session)
    ordered = select(col(Job.account_id)).where(
        col(Job.account_id) == col(Export.account_id), col(Job.name) == RETENTION
    )
    accounts = [
        select(_ROW.account_id).where(condition, not_(exists(ordered)))
        for condition in (_old(now, retention), _uncleaned(now))
    ]
    return session.connection().scalars(union(*accounts).limit(1000)).all()


def expired(at: datetime) -> dict[str, Any]:
    """The change of an export whose file cannot be downloaded from then on, and goes with the next cleaning."""
    return {"expired_at": at, "object_key": None, "dirty": True}


def expire(session: Session, retention: timedelta, account_id: int | None = None) -> None:
    """From now on, files that were kept long enough cannot be downloaded; they go with the next cleaning."""
    now = clock(session)
    old = and_(_of(account_id), _old(now, retention))
    first = select(_ROW.account_id, _ROW.id).where(old).order_by(col(Export.completed_at)).limit(MAX_EXPIRED)
    values = expired(now)
    for one in session.connection().execute(first).all():
        for account, id, attempt in changed(session, and_(is_export(*one), old), values):
            events.add(session, account, id, ExportEventType.EXPIRED, at=now, attempt=attempt)


def to_clean(session: Session, account_id: int | None = None) -> Sequence[Export]:
    """Exports that ended, or were deleted, and whose files but for the result are to be removed: see `cleaned`."""
    found = select_rows(Export).where(_of(account_id), _uncleaned(clock(session)))
    return session.exec(found.order_by(col(Export.completed_at), col(Export.id)).limit(MAX_CLEANED)).all()


def cleaned(session: Session, export: Export) -> None:
    """Its files are gone, but for its result; a deleted export is forgotten. Not if it has changed meanwhile."""
    same = and_(
        is_export(export.account_id, export.id),
        col(Export.attempt) == export.attempt,
        col(Export.object_key).is_not_distinct_from(export.object_key),
    )
    if export.deleted_at is None:
        change(session, same, {"dirty": False})
    elif session.connection().execute(sql_delete(Export).where(same)).rowcount:
        events.forget(session, export.account_id, export.id)


def _ended(
    session: Session, held: Claim, values: dict[str, Any], type: ExportEventType, at: datetime, message: str
) -> bool:
    if not change(session, held.mine, values):
        return False
    held.tell(session, type, at, message)
    return True


def _of(account_id: int | None) -> ColumnElement[bool]:
    return true() if account_id is None else col(Export.account_id) == account_id


def _waiting(now: datetime) -> ColumnElement[bool]:
    return and_(leases.waiting(_ROW, now), col(Export.deleted_at).is_(None))


def _busy(now: datetime) -> ColumnElement[bool]:
    """It has a thread of a worker, or may still have: after it was cancelled, until that lets go of it."""
    return or_(in_states(_PROCESSING), and_(in_states(_CANCELLED, _PENDING), col(Export.lease_until) > now))


def _old(now: datetime, retention: timedelta) -> ColumnElement[bool]:
    return and_(col(Export.object_key).is_not(None), col(Export.completed_at) < now - retention)


def _uncleaned(now: datetime) -> ColumnElement[bool]:
    idle = or_(col(Export.lease_until).is_(None), col(Export.lease_until) < now)
    unneeded = or_(in_states(_COMPLETED, _FAILED, _CANCELLED), col(Export.deleted_at).is_not(None))
    return and_(col(Export.dirty), idle, unneeded)
