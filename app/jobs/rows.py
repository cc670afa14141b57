"""The rows of jobs: what is to be done, which is kept until it was done at least once.

    from                      to            by
    (nothing)                 pending       order                 who wants it done, in the transaction that says why
    pending                   processing    claim                 a worker, with a lease and the next attempt number
    processing                processing    renew                 that worker, while it works
    processing                (gone)        finish                that worker; pending if ordered again meanwhile
    processing                pending       hand_back, fail       that worker, stopping or after a failure
    processing                pending       take_back             the sweep, once the lease ran out

So what follows a change is ordered where the change is made, and neither can be without the other. A job is done by a
function of its name (`tasks.table`). Exports are jobs with rows of their own: see `app.exports.claims`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, update
from sqlmodel import Session, col, select

from app.engine import dialects, locks
from app.jobs import leases
from app.jobs.leases import Values
from app.models import Job

MAX_WAIT = timedelta(seconds=8)
"""Between two attempts at what fails."""

MAX_MESSAGE = 500
"""Characters of an error that are kept."""

_TABLE = Job.__table__  # type: ignore[attr-defined]
_ROW = _TABLE.c

Place = tuple[int, str, str]
"""The account, the name and the subject of a job."""


def order(session: Session, account_id: int, name: str, subject: str = "", *, at: datetime) -> None:
    """Has it done once more, from then on. What was ordered and not begun is done once, as soon as either was due."""
    insert = dialects.insert(session.connection(), _TABLE).values(
        account_id=account_id, name=name, subject=subject, created_at=at, not_before=at
    )
    theirs = insert.excluded.not_before
    stays = (_ROW.failures > 0) | (_ROW.not_before < theirs)
    again = {"orders": _ROW.orders + 1, "not_before": case((stays, _ROW.not_before), else_=theirs)}
    session.connection().execute(insert.on_conflict_do_update(index_elements=list(_TABLE.primary_key), set_=again))


def claim(session: Session, place: Place) -> Job | None:
    """The job, for one attempt; None where another has it or its time has not come."""
    now = clock(session)
    if not _change(session, and_(_is(place), leases.waiting(_ROW, now)), leases.taken(_ROW, now)):
        return None
    return session.get(Job, place)


def renew(session: Session, held: Job) -> bool:
    """False where another has it."""
    return _change(session, _mine(held), {"lease_until": clock(session) + leases.LEASE})


def finish(session: Session, held: Job) -> bool:
    """False where another has it."""
    done = session.connection().execute(delete(Job).where(_mine(held), col(Job.orders) == held.orders))
    if done.rowcount:
        return True
    return _change(session, _mine(held), leases.released() | {"failures": 0, "not_before": clock(session)})


def hand_back(session: Session, held: Job) -> bool:
    return _change(session, _mine(held), leases.released())


def fail(session: Session, held: Job, message: str) -> bool:
    """It is tried again until it succeeds."""
    values = leases.put_off(min(held.failures + 1, 10), clock(session), at_most=MAX_WAIT)
    return _change(session, _mine(held), values | {"last_error": message[:MAX_MESSAGE]})


def take_back(session: Session) -> dict[str, int]:
    """Makes pending again what dead workers left; how many of each name those were."""
    locks.hold(session.connection(), "take back jobs")  # or two sweeps could wait for each other's rows in a circle
    lapsed = leases.lapsed(_ROW, clock(session))
    statement = update(_TABLE).where(lapsed).values(leases.released()).returning(_ROW.name)
    names = session.connection().scalars(statement).all()
    return {name: names.count(name) for name in names}


def to_send(session: Session, *, resend: bool = True) -> list[Place]:
    """Jobs that are due and that no message is on its way for; with `resend` those too whose message may have got lost.
    They count as sent now.
    """
    now = clock(session)
    unsent = leases.unsent(_ROW.sent_at, now, resend=resend)
    in_order = (_ROW.not_before, _ROW.account_id, _ROW.name, _ROW.subject)
    due = select(Job).where(leases.waiting(_ROW, now), unsent).order_by(*in_order).limit(1000)
    found: Sequence[Place] = [(job.account_id, job.name, job.subject) for job in session.exec(due)]
    return [place for place in found if _change(session, and_(_is(place), unsent), {"sent_at": now})]


def clock(session: Session) -> datetime:
    return dialects.now(session.connection())


def _is(place: Place) -> ColumnElement[bool]:
    account_id, name, subject = place
    return and_(_ROW.account_id == account_id, _ROW.name == name, _ROW.subject == subject)


def _mine(held: Job) -> ColumnElement[bool]:
    place = (held.account_id, held.name, held.subject)
    return and_(_is(place), _ROW.attempt == held.attempt, _ROW.status == leases.PROCESSING)


def _change(session: Session, condition: ColumnElement[bool], values: Values) -> bool:
    changed = session.connection().execute(update(_TABLE).where(condition).values(values)).rowcount > 0
    session.expire_all()
    return changed
