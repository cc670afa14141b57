"""The jobs that workers do, each on a queue of its own, and the sweep that finds what was lost."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from app import metrics, sessions
from app.exports import retention, runs
from app.jobs import rows
from app.jobs import runs as job_runs
from app.jobs.rows import Place
from app.jobs.runs import Work
from app.runtime import Runtime
from app.settings import Settings

Run = Callable[[Runtime, int, str, threading.Event], list[Place]]
"""What a message makes a worker do for an account and a subject: the places of jobs that are to be sent then.

The truth is in a row: doing it twice, or two at once, is harmless.
"""


@dataclass(frozen=True)
class Job:
    """`threads` of a worker are for this job alone, so that none waits for another; `subject` is what logs call it."""

    name: str
    queue: str
    run: Run
    threads: Callable[[Settings], int]
    subject: str = "subject"


def exported(due: list[tuple[int, uuid.UUID]]) -> list[Place]:
    """The places of exports, which have rows of their own."""
    return [(account_id, runs.NAME, str(id)) for account_id, id in due]


def sweep(runtime: Runtime, *, resend: bool) -> list[Place]:
    """What no message is on its way for, of all jobs; with `resend` also what may have got lost."""
    exports = exported(runs.sweep(runtime, resend=resend))
    retention.order_due(runtime)
    sessions.sweep(runtime.database, runtime.settings.session_idle)
    with runtime.database.write() as session:
        for name, count in rows.take_back(session).items():
            metrics.RECLAIMED.labels(name).inc(count)
        return exports + rows.to_send(session, resend=resend)


def _export(runtime: Runtime, account_id: int, subject: str, stop: threading.Event) -> list[Place]:
    return exported(runs.run(runtime, account_id, uuid.UUID(subject), stop))


def _with_a_row(name: str, work: Work) -> Run:
    """For jobs whose rows are those of `app.jobs.rows`."""

    def run(runtime: Runtime, account_id: int, subject: str, stop: threading.Event) -> list[Place]:
        job_runs.run(runtime, (account_id, name, subject), work, stop)
        return []

    return run


JOBS = (
    Job(runs.NAME, "exports", _export, lambda settings: settings.worker_threads, subject="export_id"),
    Job(retention.NAME, "retention", _with_a_row(retention.NAME, retention.run), lambda _: 1),
)
