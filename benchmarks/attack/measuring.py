"""What an account notices while others are attacking."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.attack import attacks
from benchmarks.attack.attacks import Aim
from benchmarks.attack.victim import Victim
from benchmarks.requests import resident


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each page and seconds of each export, what was refused of them, the most MiB that the attacked
    process took, and what each attack was answered: counts by outcome.
    """

    pages: Sequence[float]
    exports: Sequence[float]
    refused: Sequence[str]
    memory: float
    told: Mapping[str, Mapping[str, int]]

    @property
    def p95(self) -> float:
        return sorted(self.pages)[int(len(self.pages) * 0.95)]


def measure(names: Sequence[str], aim: Aim, victim_key: str, pid: int) -> Measured:
    """The pages and the exports of another account while these attacks run together, or for some seconds of none."""
    with _memory(pid) as memory, Victim(aim.url, victim_key) as victim:
        told = _run(names, aim)
        if not names:
            time.sleep(5)
    return Measured(victim.pages, victim.exports, victim.refused, max(memory), told)


def _run(names: Sequence[str], aim: Aim) -> dict[str, Any]:
    """What the server answered to each, once all have ended."""
    running = {}
    for name in names:
        command, given = attacks.command(name, aim)
        running[name] = process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
    return {name: json.loads(process.communicate()[0]) for name, process in running.items()}


@contextmanager
def _memory(pid: int) -> Iterator[list[float]]:
    """MiB of a process, ten times a second while the block runs."""
    found, ended = [resident(pid)], threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            with suppress(FileNotFoundError):  # it has ended
                found.append(resident(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
