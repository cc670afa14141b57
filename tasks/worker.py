"""A worker: threads that do the jobs that their queue brings, and a sweep that finds what the queues lost."""

import logging
import threading

import dramatiq

from app import metrics
from app.errors import Unavailable
from app.runtime import Runtime
from tasks import table
from tasks.queue import Queue
from tasks.table import Job

log = logging.getLogger(__name__)

SWEEP_INTERVAL = 2.0
"""Seconds between two sweeps. With the lease it bounds how long a dead worker's job waits."""

STOP_TIMEOUT = 10_000
"""Milliseconds to wait for threads that hang in a call; the lease of what they were at runs out."""


class Worker:
    """Runs inside any process; `stop` hands back what is running and returns when all threads have ended."""

    def __init__(self, runtime: Runtime, queue: Queue) -> None:
        self._runtime = runtime
        self._queue = queue
        self._workers = [self._threads(job) for job in table.JOBS]
        self._sweeper = threading.Thread(target=self._again_and_again, name="sweep", daemon=True)

    def start(self) -> None:
        if self._runtime.signer is None:
            log.warning("receipts are not signed: give all processes the same SIGHTLOG_RECEIPT_KEY")
        for worker in self._workers:
            worker.broker.emit_after("process_boot")
            worker.start()
        self._sweeper.start()

    def stop(self) -> None:
        for worker in self._workers:
            for running in worker.workers:
                running.stop()  # first, or one could take up again what another has just handed back
        self._queue.stopping.set()
        stops = [threading.Thread(target=self._stop, args=(worker,)) for worker in self._workers]
        for thread in stops:
            thread.start()
        for thread in (*stops, self._sweeper):
            thread.join(STOP_TIMEOUT / 1000)

    def _threads(self, job: Job) -> dramatiq.Worker:
        count = job.threads(self._runtime.settings)
        broker = self._queue.actors[job.name].broker
        worker = dramatiq.Worker(broker, worker_timeout=200, worker_threads=count)
        worker.queue_prefetch = count  # a message stays with who fetched it: no more than can be done here at a time
        return worker

    def _stop(self, worker: dramatiq.Worker) -> None:
        try:
            worker.stop(timeout=STOP_TIMEOUT)
        except Exception:
            log.warning("messages that were fetched could not be given back; the sweep sends them again", exc_info=True)

    def _sweep(self) -> None:
        outcome = "failed"
        try:
            self._queue.wake(table.sweep(self._runtime, resend=self._queue.has_room()))
            outcome = "ok"
        finally:
            metrics.SWEEPS.labels(outcome).inc()

    def _again_and_again(self) -> None:
        while True:
            try:
                self._sweep()
            except (Unavailable, OSError) as error:
                log.warning("the sweep is tried again in %.0f s: %s", SWEEP_INTERVAL, error)
            except Exception:
                log.exception("the sweep failed and is tried again in %.0f s", SWEEP_INTERVAL)
            if self._queue.stopping.wait(SWEEP_INTERVAL):
                return
