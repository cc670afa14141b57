"""What takes several requests, written once for programs that wait and for those of asyncio.

It is a generator that yields steps and is sent what came of each, or thrown what went wrong; `run` and `run_async` take
the steps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import httpx

T = TypeVar("T")


class Receiver(Protocol):
    """Takes an answer: its status and headers, then its bytes as they come. What it raises ends the answer."""

    def begin(self, status: int, headers: httpx.Headers) -> None: ...

    def write(self, chunk: bytes) -> None: ...


@dataclass(frozen=True)
class Call:
    """An operation, by the name of its method."""

    operation: str
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Fetch:
    """A GET without the key, whose answer goes to the receiver; httpx.TransportError where it breaks off."""

    url: str
    headers: Mapping[str, str]
    receiver: Receiver


@dataclass(frozen=True)
class Work:
    """What takes long on this machine."""

    do: Callable[[], Any]


Step = Call | Pause | Fetch | Work
Steps = Generator[Step, Any, T]


def run(steps: Steps[T], operations: Any, files: Callable[[], httpx.Client]) -> T:
    """What the steps return. `operations` has the methods that `Call` names, `files` gives what makes a `Fetch`."""

    def take(step: Step) -> Any:
        if isinstance(step, Call):
            return getattr(operations, step.operation)(**step.given)
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        if isinstance(step, Work):
            return step.do()
        with files().stream("GET", step.url, headers=dict(step.headers)) as answer:
            step.receiver.begin(answer.status_code, answer.headers)
            for chunk in answer.iter_raw():
                step.receiver.write(chunk)
        return None

    def outcome(step: Step) -> Callable[[], Step]:
        try:
            return partial(steps.send, take(step))
        except BaseException as error:
            return partial(steps.throw, error)

    resume: Callable[[], Step] = partial(next, steps)
    try:
        while True:
            resume = outcome(resume())
    except StopIteration as ended:
        returned: T = ended.value
        return returned


async def run_async(steps: Steps[T], operations: Any, files: Callable[[], httpx.AsyncClient]) -> T:
    """The same for asyncio."""

    async def take(step: Step) -> Any:
        if isinstance(step, Call):
            return await getattr(operations, step.operation)(**step.given)
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, Work):
            return await asyncio.to_thread(step.do)
        async with files().stream("GET", step.url, headers=dict(step.headers)) as answer:
            step.receiver.begin(answer.status_code, answer.headers)
            async for chunk in answer.aiter_raw():
                step.receiver.write(chunk)
        return None

    async def outcome(step: Step) -> Callable[[], Step]:
        try:
            return partial(steps.send, await take(step))
        except BaseException as error:
            return partial(steps.throw, error)

    resume: Callable[[], Step] = partial(next, steps)
    try:
        while True:
            resume = await outcome(resume())
    except StopIteration as ended:
        returned: T = ended.value
        return returned
