"""A worker: threads that run what the queue brings, a sweep that finds what it lost, and one that removes files."""

import logging
import threading
from collections.abc import Callable

import dramatiq

from app import metrics
from app.errors import Unavailable
from app.exports import runs
from app.runtime import Runtime
from tasks.queue import Queue

log = logging.getLogger(__name__)

SWEEP_INTERVAL = 2.0
"""Seconds between two sweeps. With the lease it bounds how long a dead worker's export waits."""

STOP_TIMEOUT = 10_000
"""Milliseconds to wait for threads that hang in a call; the lease of what they were at runs out."""


class Worker:
    """Runs inside any process; `stop` hands back what is running and returns when all threads have ended."""

    def __init__(self, runtime: Runtime, queue: Queue) -> None:
        self._runtime = runtime
        self._queue = queue
        self._worker = dramatiq.Worker(queue.broker, worker_timeout=200, worker_threads=runtime.settings.worker_threads)
        # A message stays with the worker that fetched it: fetch no more than can run here at a time.
        self._worker.queue_prefetch = runtime.settings.worker_threads
        self._threads = [
            threading.Thread(target=self._again_and_again, args=(work,), name=work.__name__, daemon=True)
            for work in (self._sweep, self._clean)
        ]

    def start(self) -> None:
        self._queue.broker.emit_after("process_boot")
        self._worker.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for running in self._worker.workers:
            running.stop()  # first, or one could take up again what another has just handed back
        self._queue.stopping.set()
        try:
            self._worker.stop(timeout=STOP_TIMEOUT)
        except Exception:
            log.warning("messages that were fetched could not be given back; the sweep sends them again", exc_info=True)
        for thread in self._threads:
            thread.join(STOP_TIMEOUT / 1000)

    def _sweep(self) -> None:
        outcome = "failed"
        try:
            self._queue.wake(runs.sweep(self._runtime, resend=self._queue.has_room()))
            outcome = "ok"
        finally:
            metrics.SWEEPS.labels(outcome).inc()

    def _clean(self) -> None:
        runs.clean(self._runtime)

    def _again_and_again(self, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
            except (Unavailable, OSError) as error:
                log.warning("%s is tried again in %.0f s: %s", work.__name__, SWEEP_INTERVAL, error)
            except Exception:
                log.exception("%s failed and is tried again in %.0f s", work.__name__, SWEEP_INTERVAL)
            if self._queue.stopping.wait(SWEEP_INTERVAL):
                return
