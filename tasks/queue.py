"""An actor for each job, and the broker that carries its messages."""

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Middleware

from app import logs
from app.errors import Unavailable
from app.jobs.rows import Place
from app.runtime import Runtime
from app.settings import Settings
from tasks.table import JOBS, Job

log = logging.getLogger(__name__)

FULL = 1000
"""Messages."""

MAX_AGE = 3_600_000
"""Milliseconds after which a message is worth nothing: the sweep has sent another."""


@dataclass(frozen=True)
class Queue:
    """Sends jobs to workers. `stopping` tells the actors of this process to hand back what they are at."""

    actors: dict[str, dramatiq.Actor[[int, str, str | None], None]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def wake(self, due: Iterable[Place]) -> None:
        """Sends jobs, after their rows were committed. Never raises: the sweep sends again what was not sent."""
        for account_id, name, subject in due:
            with _told(name, account_id, subject):
                try:
                    self.actors[name].send(account_id, subject, logs.current("request_id"))
                except Exception as error:
                    log.warning("%s: no message can be sent now: %s", f"{name} {subject}".rstrip(), error)
                    return
                log.info("%s: sent to a worker", f"{name} {subject}".rstrip())

    def check(self) -> None:
        """Raises where the broker does not answer."""
        broker = next(iter(self.actors.values())).broker
        if isinstance(broker, RedisBroker):
            broker.client.ping()

    def depths(self) -> Mapping[str, int]:
        """Messages in each queue that wait for a worker or are with one."""
        return {actor.queue_name: _depth(actor.broker, actor.queue_name) for actor in self.actors.values()}

    def has_room(self) -> bool:
        """Whether messages that may have got lost are to be sent again: a long queue would only get longer."""
        try:
            return max(self.depths().values()) < FULL
        except redis.RedisError:
            return False

    def close(self) -> None:
        for actor in self.actors.values():
            actor.broker.close()


def open_queue(runtime: Runtime) -> Queue:
    """Each job has a broker of its own, since a worker of Dramatiq wants one for itself."""
    queue = Queue()
    for job in JOBS:
        queue.actors[job.name] = _actor(runtime, queue, job)
    return queue


def _actor(runtime: Runtime, queue: Queue, job: Job) -> dramatiq.Actor[[int, str, str | None], None]:
    @dramatiq.actor(
        actor_name=f"run_{job.name}", broker=_broker(runtime.settings), queue_name=job.queue, max_age=MAX_AGE
    )
    def act(account_id: int, subject: str, request_id: str | None = None) -> None:
        next_ones: list[Place] = []
        with logs.context(request_id=request_id), _told(job.name, account_id, subject):
            try:
                next_ones = job.run(runtime, account_id, subject, queue.stopping)
            except Unavailable as error:
                log.warning("%s: left to the sweep: %s", f"{job.name} {subject}".rstrip(), error)
        queue.wake(next_ones)

    return act


def _depth(broker: dramatiq.Broker, queue: str) -> int:
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(queue))
    assert isinstance(broker, StubBroker)
    return int(broker.queues[queue].unfinished_tasks)


def _told(name: str, account_id: int, subject: str) -> Any:
    """What is logged meanwhile names the job."""
    called = next(job.subject for job in JOBS if job.name == name)
    return logs.context(job=name, account_id=account_id, **({called: subject} if subject else {}))


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
