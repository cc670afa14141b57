"""Sightlog's processes in a moment: forked from one that has imported everything, which saves two seconds for each."""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tools import patience
from tools.servers import free_port
from tools.stack import ROOT, Process, Stack

PROGRAM = """
import json, os, sys
from app import cli, main, s3
from sightlog.commands import main as command
from tasks import worker

def start(arguments, environment, log, prelude):
    pid = os.fork()
    if pid:
        return pid
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["sightlog", *arguments]
    exec(prelude, {})
    command.main()

def poll(pid):
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None

for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps({"start": start, "poll": poll}[name](*arguments)), flush=True)
"""


class Nursery:
    """Started when it is first asked for something; it ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[str] | None = None

    def ask(self, *request: Any) -> Any:
        with self._lock:
            self._popen = self._popen or self._start()
            assert self._popen.stdin
            assert self._popen.stdout
            self._popen.stdin.write(json.dumps(request) + "\n")
            self._popen.stdin.flush()
            return json.loads(self._popen.stdout.readline())

    def _start(self) -> "subprocess.Popen[str]":
        popen = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(popen.communicate)
        return popen


NURSERY = Nursery()


@dataclass
class Forked(Process):
    """A process of the nursery. It is not forgotten before its end was asked for, so its id stays its own.

    `prelude` is Python that it runs first.
    """

    prelude: str = ""
    status: int | None = None
    id: int = 0

    def start(self) -> Self:
        self.status = None
        self.id = NURSERY.ask("start", list(self.arguments), dict(self.environment), str(self.log), self.prelude)
        return self

    @property
    def pid(self) -> int:
        return self.id

    def is_running(self) -> bool:
        if self.status is None:
            self.status = NURSERY.ask("poll", self.id)
        return self.status is None

    def signal(self, number: signal.Signals) -> None:
        if self.is_running():
            os.kill(self.id, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self, timeout: float = 30) -> int:
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = 30) -> int:
        patience.until(lambda: not self.is_running(), timeout, every=0.01, what=f"{self.arguments} does not end")
        assert self.status is not None
        return self.status


@dataclass
class ForkedStack(Stack):
    """A stack of such processes. Its end is SIGKILL."""

    forked: list[Forked] = field(default_factory=list)

    def _upgrade(self) -> None:
        assert self._fork("db", "upgrade").wait() == 0

    def add_api(self) -> Forked:
        self.ports.append(free_port())
        return self.serve(len(self.ports) - 1)

    def serve(self, place: int) -> Forked:
        """An API process on the port that has this place in `ports`; one that was there before must have ended."""
        process = self._fork("serve", "--port", str(self.ports[place]))
        self.api_processes[place : place + 1] = [process]
        return process

    def add_worker(self, settings: Mapping[str, str] | None = None, prelude: str = "") -> Forked:
        process = self._fork("worker", settings=settings, prelude=prelude)
        self.worker_processes.append(process)
        return process

    def running_workers(self) -> list[Forked]:
        return [process for process in self.forked if process.arguments == ("worker",) and process.is_running()]

    def end_workers(self) -> None:
        for worker in self.running_workers():
            worker.signal(signal.SIGTERM)
            worker.signal(signal.SIGCONT)  # where a test broke off that had paused it
        for worker in self.running_workers():
            worker.wait()

    def stop(self) -> None:
        for process in self.forked:
            process.signal(signal.SIGKILL)
        for process in self.forked:
            process.wait()

    def _fork(self, *arguments: str, settings: Mapping[str, str] | None = None, prelude: str = "") -> Forked:
        log = self.folder / f"{arguments[0]}-{len(self.forked) + 1}.log"
        environment = self.environment | dict(settings or {})
        process = Forked(arguments, environment, log, prelude=prelude).start()
        self.forked.append(process)
        return process
