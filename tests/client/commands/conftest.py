"""The client's commands, as people and programs run them."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from app.models import Scope
from tests.commands import invoke
from tests.conftest import Account
from tools import patience
from tools.stack import COMMAND, ROOT

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass
class Shell:
    """Who runs commands, with a configuration of their own. In a pipe: nothing is a terminal."""

    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, input: str | bytes = b"", code: int = 0) -> Result:
        told = invoke(self.environment, *arguments, input=input.encode() if isinstance(input, str) else input)
        assert told.exit_code == code, (told.exit_code, told.stdout, told.stderr)
        return told

    def lines(self, *arguments: str) -> list[Any]:
        """The JSON that it prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def one(self, *arguments: str) -> Any:
        [line] = self.lines(*arguments)
        return line

    def rows(self, *arguments: str) -> list[list[str]]:
        """The values that are between tabs."""
        return [line.split("\t") for line in self.run(*arguments).stdout.splitlines()]

    def start(self, *arguments: str, **given: Any) -> "subprocess.Popen[bytes]":
        """A process of its own."""
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, env=self.whole_environment, **pipes | given)

    @property
    def whole_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLOG_")}
        return kept | self.environment


@pytest.fixture(autouse=True)
def config(config_home: Path) -> Path:
    """Where profiles are saved."""
    return config_home / "sightlog" / "profiles.json"


@pytest.fixture
def nobody() -> Shell:
    """Without a server or a key."""
    return Shell()


@pytest.fixture
def shell(account: Account) -> Shell:
    """May write."""
    return Shell({"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[Scope.WRITE]})


@dataclass
class Terminal:
    """A process on a terminal of 80 columns and 24 lines."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    shown: str = ""

    def __post_init__(self) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {name: value for name, value in self.environment.items() if name not in ("COLUMNS", "LINES")}
        self._process = subprocess.Popen(
            [*COMMAND, *self.arguments],
            cwd=ROOT,
            env=environment | {"TERM": "xterm", "NO_COLOR": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),  # so that getpass finds it, and Ctrl-C ends it
        )
        os.close(theirs)

    def expect(self, text: str, seconds: float = 30) -> None:
        deadline = patience.Deadline(seconds)
        while text not in self.plain:
            assert not deadline.is_over, self.plain
            self._read(0.1)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self, code: int = 0) -> str:
        """What was shown, when it has ended with that code."""
        deadline = patience.Deadline(60)
        while self._process.poll() is None:
            assert not deadline.is_over, self.plain
            self._read(0.1)
        self._read(0)
        os.close(self._ours)
        assert self._process.returncode == code, self.plain
        return self.plain

    @property
    def plain(self) -> str:
        """Without colours and movements; what a bar draws over is still there."""
        return _ESCAPES.sub("", self.shown).replace("\r\n", "\n")

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            try:
                found = os.read(self._ours, 65536)
            except OSError:  # the other side is closed
                return
            if not found:
                return
            self.shown += found.decode()


@pytest.fixture
def terminal(shell: Shell) -> Iterator[Any]:
    """Starts a command on a terminal."""
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(arguments, shell.whole_environment))
        return opened[-1]

    yield start
    for one in opened:
        if one._process.poll() is None:
            one._process.kill()
            one._process.wait()
