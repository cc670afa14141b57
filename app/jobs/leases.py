"""What all rows have in common that workers work on: the conditions and the changes of a lease.

    status       `pending` until a worker claims the row, `processing` while that worker renews its lease
    attempt      the fencing number: it grows with every claim, and only the last one's holder may change the row
    lease_until  when others may take the row back
    failures     attempts in a row that ended with a failure
    not_before   when it is due; NULL: at once
    sent_at      when a message was sent for it, which wakes a worker and is no more than that

Times are the database's own, and are taken before the statement.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

LEASE = timedelta(seconds=6)
"""How long a claim holds without being renewed."""

RESEND_AFTER = timedelta(seconds=4)
"""A row whose message was sent longer ago is sent again; running it twice is harmless."""

PENDING, PROCESSING = "pending", "processing"

Columns = ReadOnlyColumnCollection[str, Any]
Values = dict[str, Any]


def waiting(row: Columns, now: datetime) -> ColumnElement[bool]:
    """Whether a worker may claim it."""
    # In the statement's text, so that an index of what waits can be used.
    is_pending = row["status"] == literal(PENDING, literal_execute=True)
    return and_(is_pending, or_(row["not_before"].is_(None), row["not_before"] <= now))


def lapsed(row: Columns, now: datetime) -> ColumnElement[bool]:
    """Whether its worker has ended without a word."""
    return and_(row["status"] == PROCESSING, row["lease_until"] < now)


def unsent(sent_at: ColumnElement[Any], now: datetime, *, resend: bool) -> ColumnElement[bool]:
    """Whether no message is on its way; with `resend`, one that was sent a while ago may have got lost."""
    return or_(sent_at.is_(None), sent_at < now - RESEND_AFTER) if resend else sent_at.is_(None)


def taken(row: Columns, now: datetime) -> Values:
    """A worker claims it."""
    return {"status": PROCESSING, "attempt": row["attempt"] + 1, "lease_until": now + LEASE}


def released() -> Values:
    """It is for another worker, at once."""
    return {"status": PENDING, "lease_until": None, "sent_at": None}


def put_off(failures: int, now: datetime, *, at_most: timedelta | None = None) -> Values:
    """It is for another worker, later each time that it fails: after 2, 4, 8 … seconds."""
    wait = timedelta(seconds=2**failures)
    return released() | {"failures": failures, "not_before": now + (min(wait, at_most) if at_most else wait)}
