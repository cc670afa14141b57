"""The broker and the actors on it."""

import logging
import threading
import uuid
from dataclasses import dataclass

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Middleware

from app import export_runs
from app.runtime import Runtime
from app.settings import Settings

log = logging.getLogger(__name__)

EXPORTS = "exports"


@dataclass(frozen=True)
class Queue:
    """Sends work to workers. `stopping` tells the actors of this process to hand back what they are at."""

    broker: dramatiq.Broker
    run_export: dramatiq.Actor[[int, str], None]
    stopping: threading.Event

    def wake(self, account_id: int, export_id: uuid.UUID) -> None:
        """Sends the id of an export, after its row was committed. Never raises: the sweep sends what was not."""
        try:
            self.run_export.send(account_id, str(export_id))
        except Exception:
            log.warning("export %s: no message could be sent; the sweep will", export_id, exc_info=True)

    def check(self) -> None:
        """Raises where the broker does not answer."""
        if isinstance(self.broker, RedisBroker):
            self.broker.client.ping()

    def close(self) -> None:
        self.broker.close()


def open_queue(runtime: Runtime) -> Queue:
    broker, stopping = _broker(runtime.settings), threading.Event()

    @dramatiq.actor(broker=broker, queue_name=EXPORTS, max_age=3_600_000)
    def run_export(account_id: int, export_id: str) -> None:
        export_runs.run(runtime, account_id, uuid.UUID(export_id), stopping)
        for next_account, next_id in export_runs.next_in_turn(runtime, account_id):
            queue.wake(next_account, next_id)

    queue = Queue(broker, run_export, stopping)
    return queue


def _broker(settings: Settings) -> dramatiq.Broker:
    """Redis, or this process alone. Retries, time limits and results are the row's business, not the message's."""
    middleware: list[Middleware] = [AgeLimit()]
    if not settings.redis_url:
        return StubBroker(middleware=middleware)
    return RedisBroker(  # type: ignore[no-untyped-call]
        url=settings.redis_url,
        middleware=middleware,
        namespace="{dramatiq}",  # the braces keep all keys on one node of a Redis Cluster
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
        socket_connect_timeout=2,
        socket_timeout=15,
    )
