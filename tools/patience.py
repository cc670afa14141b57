"""How long tests and tools wait for a process: longer where the machine is busy with others.

A wait ends as soon as what it waits for has come: a generous limit costs nothing where all is well.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def seconds(usual: float) -> float:
    """What takes `usual` seconds at most on an idle machine may take as many times that as programs wait for each
    processor, times `SIGHTLOG_TEST_PATIENCE` (1, if that is not set).
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return usual * max(1.0, load) * float(os.environ.get("SIGHTLOG_TEST_PATIENCE", "1"))


class Deadline:
    """`usual` seconds from now, as `seconds` has them when one asks: the load of a machine is known late."""

    def __init__(self, usual: float) -> None:
        self._usual = usual
        self._began = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._began > seconds(self._usual)


def until(condition: Callable[[], T], usual: float, *, every: float = 0.03, what: str = "it did not come about") -> T:
    """What the condition gives once it is true, which it must become within that time."""
    deadline = Deadline(usual)
    while not (found := condition()):
        assert not deadline.is_over, what
        time.sleep(every)
    return found
