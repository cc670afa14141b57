"""The job that removes files of an account: those kept long enough, and those that nobody needs."""

import threading

from app.exports import claims, runs
from app.jobs import rows as jobs
from app.runtime import Runtime

NAME = claims.RETENTION


def order_due(runtime: Runtime) -> None:
    """For the sweep: orders it for accounts that need it, whoever made it necessary."""
    with runtime.database.read() as session:
        accounts = claims.to_retain(session, runtime.settings.export_retention)
    if accounts:
        with runtime.database.write() as session:
            for account_id in accounts:
                jobs.order(session, account_id, NAME, at=jobs.clock(session))


def run(runtime: Runtime, account_id: int, subject: str, ended: threading.Event) -> None:
    """Lets files expire and removes them, so many at a time; the rest is ordered anew. OSError where the storage does
    not answer.
    """
    with runtime.database.write() as session:
        claims.expire(session, runtime.settings.export_retention, account_id)
    if runs.clean(runtime, account_id, ended) == claims.MAX_CLEANED:
        with runtime.database.write() as session:
            jobs.order(session, account_id, NAME, at=jobs.clock(session))
