"""A worker: threads that run what the queue brings, and the sweep that finds what it lost."""

import logging
import threading

import dramatiq

from app import export_runs
from app.runtime import Runtime
from tasks.queue import Queue

log = logging.getLogger(__name__)

SWEEP_INTERVAL = 3.0
"""Seconds between two sweeps. With the lease it bounds how long a dead worker's export waits."""


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
        self._queue.stopping.set()
        self._sweeper.join()
        self._worker.stop()

    def _sweep(self) -> None:
        while True:
            try:
                for account_id, export_id in export_runs.sweep(self._runtime):
                    self._queue.wake(account_id, export_id)
            except Exception:
                log.warning("the sweep failed and is tried again in %.0f s", SWEEP_INTERVAL, exc_info=True)
            if self._queue.stopping.wait(SWEEP_INTERVAL):
                return
