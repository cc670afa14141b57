"""The broker and the actors on it."""

import logging
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Middleware

from app import logs
from app.errors import Unavailable
from app.exports import runs
from app.runtime import Runtime
from app.settings import Settings

log = logging.getLogger(__name__)

EXPORTS = "exports"
FULL = 1000
"""Messages."""


@dataclass(frozen=True)
class Queue:
    """Sends work to workers. `stopping` tells the actors of this process to hand back what they are at."""

    broker: dramatiq.Broker
    run_export: dramatiq.Actor[[int, str, str | None], None]
    stopping: threading.Event

    def wake(self, due: Iterable[tuple[int, uuid.UUID]]) -> None:
        """Sends the (account, id) of exports, after their rows were committed. Never raises: the sweep sends again what
        was not sent.
        """
        for account_id, export_id in due:
            with logs.context(account_id=account_id, export_id=export_id):
                try:
                    self.run_export.send(account_id, str(export_id), logs.current("request_id"))
                except Exception as error:
                    log.warning("export %s: no message can be sent now: %s", export_id, error)
                    return
                log.info("export %s: sent to a worker", export_id)

    def check(self) -> None:
        """Raises where the broker does not answer."""
        if isinstance(self.broker, RedisBroker):
            self.broker.client.ping()

    def depth(self) -> int:
        """Messages that wait for a worker or are with one."""
        if isinstance(self.broker, RedisBroker):
            return int(self.broker.do_qsize(EXPORTS))
        assert isinstance(self.broker, StubBroker)
        return int(self.broker.queues[EXPORTS].unfinished_tasks)

    def has_room(self) -> bool:
        """Whether messages that may have got lost are to be sent again: a long queue would only get longer."""
        try:
            return self.depth() < FULL
        except redis.RedisError:
            return False

    def close(self) -> None:
        self.broker.close()


def open_queue(runtime: Runtime) -> Queue:
    broker, stopping = _broker(runtime.settings), threading.Event()

    @dramatiq.actor(broker=broker, queue_name=EXPORTS, max_age=3_600_000)
    def run_export(account_id: int, export_id: str, request_id: str | None = None) -> None:
        next_ones: list[tuple[int, uuid.UUID]] = []
        with logs.context(request_id=request_id, account_id=account_id, export_id=export_id):
            try:
                next_ones = runs.run(runtime, account_id, uuid.UUID(export_id), stopping)
            except Unavailable as error:
                log.warning("export %s: left to the sweep: %s", export_id, error)
        queue.wake(next_ones)

    queue = Queue(broker, run_export, stopping)
    return queue


def _broker(settings: Settings) -> dramatiq.Broker:
    """Redis, or this process alone. Retries, time limits and results are the row's business, not the message's."""
    middleware: list[Middleware] = [AgeLimit()]
    if not settings.redis_url:
        return StubBroker(middleware=middleware)
    # Short, since requests wait for it; given with `url`, the broker would not pass them on.
    client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=1, socket_timeout=2)
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=middleware,
        namespace="{dramatiq}",  # the braces keep all keys on one node of a Redis Cluster
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
    )
