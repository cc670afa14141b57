"""The messages of jobs."""

import uuid

from dramatiq import Message
from dramatiq.brokers.stub import StubBroker

from app import logs
from app.runtime import Runtime
from tasks import table
from tasks.queue import open_queue


def test_each_job_has_a_queue_and_names_that_older_and_newer_processes_understand(core: Runtime) -> None:
    """While an upgrade goes on, each may get the other's messages."""
    queue = open_queue(core)
    actors = {name: (actor.queue_name, actor.actor_name) for name, actor in queue.actors.items()}
    assert actors == {"export": ("exports", "run_export"), "retention": ("retention", "run_retention")}
    id = uuid.uuid4()
    with logs.context(request_id="a request"):
        queue.wake([*table.exported([(7, id)]), (8, "retention", "")])
    assert queue.depths() == {"exports": 1, "retention": 1}
    sent = []
    for actor in queue.actors.values():
        assert isinstance(actor.broker, StubBroker)
        sent.append(Message[None].decode(actor.broker.queues[actor.queue_name].get()))
    assert [message.args for message in sent] == [(7, str(id), "a request"), (8, "", "a request")]
    queue.close()
