"""Sightlog as its users run it: real processes, on the embedded default or on real servers."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tools import patience
from tools.servers import free_port

COMMAND = (sys.executable, "-m", "sightlog")
ROOT = Path(__file__).parent.parent


@dataclass
class Process:
    """One `sightlog` process; what it says goes into its log file. Ended by its own process id."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [*COMMAND, *self.arguments], cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log
            )
        return self

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def terminate(self, timeout: float = 30) -> int:
        """SIGTERM; its exit status."""
        assert self.popen is not None
        self.popen.terminate()
        return self.popen.wait(patience.seconds(timeout))

    def kill(self) -> None:
        """SIGKILL."""
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait()

    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


@dataclass
class Stack:
    """API and worker processes over one database. `settings` are the `SIGHTLOG_*` and `AWS_*` variables of all."""

    folder: Path
    settings: Mapping[str, str]
    apis: int = 1
    workers: int = 0
    api_processes: list[Process] = field(default_factory=list)
    worker_processes: list[Process] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SIGHTLOG_", "AWS_", "PYTHONDONTWRITE"))
        }
        return kept | {"SIGHTLOG_DATA_DIR": str(self.folder / "data")} | dict(self.settings)

    @property
    def url(self) -> str:
        """Of the first API process."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def database_url(self) -> str:
        return self.settings.get("SIGHTLOG_DATABASE_URL") or f"sqlite:///{self.folder / 'data' / 'sightlog.db'}"

    def start(self) -> Self:
        """All of it, or nothing is left running."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._upgrade()
        for _ in range(self.apis):
            self.add_api()
        for _ in range(self.workers):
            self.add_worker()
        self.wait_until_ready()

    def _upgrade(self) -> None:
        self.run("db", "upgrade")

    def add_api(self) -> Process:
        port = free_port()
        self.ports.append(port)
        log = self.folder / f"api-{len(self.ports)}.log"
        process = Process(("serve", "--port", str(port)), self.environment, log).start()
        self.api_processes.append(process)
        return process

    def add_worker(self) -> Process:
        log = self.folder / f"worker-{len(self.worker_processes) + 1}.log"
        process = Process(("worker",), self.environment, log).start()
        self.worker_processes.append(process)
        return process

    def wait_until_ready(self, timeout: float = 30) -> None:
        deadline = patience.Deadline(timeout)
        processes = [*self.api_processes, *self.worker_processes]
        for port in self.ports:
            while True:
                try:
                    answer = httpx.get(
                        f"http://127.0.0.1:{port}/health/ready", verify=False, timeout=patience.seconds(5)
                    )
                    if answer.status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                if not all(process.is_running() for process in processes) or deadline.is_over:
                    logs = (process.log.read_text()[-4000:] for process in processes)
                    raise RuntimeError("the processes did not get ready:\n" + "\n".join(logs))
                time.sleep(0.05)

    def run(
        self, *arguments: str, input: bytes | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """A `sightlog` command, to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=input,
            check=check,
            capture_output=True,
            timeout=patience.seconds(300),
        )

    def stop(self) -> None:
        running = [process for process in (*self.api_processes, *self.worker_processes) if process.is_running()]
        for process in running:
            assert process.popen is not None
            process.popen.terminate()
        for process in running:
            assert process.popen is not None
            try:
                process.popen.wait(patience.seconds(30))
            except subprocess.TimeoutExpired:
                process.kill()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
