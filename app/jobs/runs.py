"""The running of one job: claimed, done, and finished; or tried again later."""

import logging
import threading
import time
from collections.abc import Callable

from app import metrics
from app.jobs import heart, rows
from app.jobs.rows import Place
from app.models import Job
from app.runtime import Runtime

log = logging.getLogger(__name__)

Work = Callable[[Runtime, int, str, threading.Event], None]
"""Does it for an account and a subject. Doing it twice is harmless. Once the event is set, it may go no further; an
error is kept in the job's row, and it is tried again.
"""


def run(runtime: Runtime, place: Place, work: Work, stop: threading.Event) -> None:
    """Does the job, if it is there to be claimed. `stop` set: it is handed back for another worker."""
    if stop.is_set():
        return
    with runtime.database.write() as session:
        held = rows.claim(session, place)
    if held is None:
        return
    began = time.monotonic()
    outcome = _attempt(runtime, held, work, stop)
    metrics.ran(held.name, outcome, time.monotonic() - began)


def _attempt(runtime: Runtime, held: Job, work: Work, stop: threading.Event) -> str:
    """How it ended, in one word."""
    lost = threading.Event()

    def renew() -> bool:
        with runtime.database.write() as session:
            return not stop.is_set() and rows.renew(session, held)

    try:
        with heart.beating(f"job {held.name}", renew, lost.set, stop):
            work(runtime, held.account_id, held.subject, lost)
    except Exception as error:
        log.warning("job %s: attempt %d failed", held.name, held.attempt, exc_info=True)
        with runtime.database.write() as session:
            rows.fail(session, held, f"{type(error).__name__}: {error}")
        return "failed"
    with runtime.database.write() as session:
        if lost.is_set() or stop.is_set():
            return "handed back" if rows.hand_back(session, held) else "lost"
        return "done" if rows.finish(session, held) else "lost"
