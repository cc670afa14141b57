"""A worker: threads that run what the queue brings, and the sweep that finds what it lost."""

import logging
import threading

import dramatiq

from app import export_runs, metrics
from app.errors import Unavailable
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
        self._sweeper = threading.Thread(target=self._sweep, name="sweep", daemon=True)

    def start(self) -> None:
        self._queue.broker.emit_after("process_boot")
        self._worker.start()
        self._sweeper.start()

    def stop(self) -> None:
        for thread in self._worker.workers:
            thread.stop()  # first, or one could take up again what another has just handed back
        self._queue.stopping.set()
        try:
            self._worker.stop(timeout=STOP_TIMEOUT)
        except Exception:
            log.warning("messages that were fetched could not be given back; the sweep sends them again", exc_info=True)
        self._sweeper.join(STOP_TIMEOUT / 1000)

    def _sweep(self) -> None:
        while True:
            outcome = "failed"
            try:
                self._queue.wake(export_runs.sweep(self._runtime))
                outcome = "ok"
            except Unavailable as error:
                log.warning("the sweep is tried again in %.0f s: %s", SWEEP_INTERVAL, error)
            except Exception:
                log.exception("the sweep failed and is tried again in %.0f s", SWEEP_INTERVAL)
            metrics.SWEEPS.labels(outcome).inc()
            if self._queue.stopping.wait(SWEEP_INTERVAL):
                return
