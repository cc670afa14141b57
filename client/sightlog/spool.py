"""Results on disk that could not be sent: files of JSON lines, which the next process sends.

Each process writes a file of its own and locks it. The lock ends with the process, however that ends; whoever then
locks the file sends it. Only the owner may read the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

import platformdirs

from sightlog.locks import lock
from sightlog.profiles import Profile
from sightlog.rows import Refusal, Row, new_id, parse, values_of

_READ = 2**20
_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would write CRLF."""


def folder() -> Path:
    """SIGHTLOG_SPOOL_DIR, or in the folder of the system for states (`~/.local/state/sightlog/spool` on Linux)."""
    given = os.environ.get("SIGHTLOG_SPOOL_DIR")
    return Path(given) if given else platformdirs.user_state_path("sightlog") / "spool"


class SpoolFile:
    """A locked file: written line by line, or read batch by batch and removed at its end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._begun = b""
        self._rows: list[Row] = []
        self._at_end = False
        self.damaged = 0

    @classmethod
    def create(cls, path: Path) -> SpoolFile | None:
        """None where another process locked it at once."""
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | _BINARY, 0o600)
        if lock(descriptor):
            return cls(path, descriptor)
        os.close(descriptor)
        return None

    @classmethod
    def open(cls, path: Path) -> SpoolFile | None:
        """None while another process has it, and when it is gone."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _BINARY)
        except FileNotFoundError:
            return None
        if lock(descriptor) and os.fstat(descriptor).st_nlink:
            return cls(path, descriptor)
        os.close(descriptor)
        return None

    def append(self, lines: bytes) -> None:
        """All of it, or OSError and nothing."""
        size = os.fstat(self._descriptor).st_size
        try:
            written = 0
            while written < len(lines):
                written += os.write(self._descriptor, lines[written:])
        except OSError:
            os.ftruncate(self._descriptor, size)
            raise

    def rewind(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def batch(self, rows: int, bytes: int) -> list[Row]:
        """The next results, at most so many and, unless it is one, so large together; none at the end.

        Lines that are none, as the last one of a killed process, are left out and counted.
        """
        while not self._at_end and len(self._rows) < rows and sum(len(row.line) for row in self._rows) < bytes:
            self._read()
        taken, size = 0, 0
        for row in self._rows[:rows]:
            size += len(row.line)
            if taken and size > bytes:
                break
            taken += 1
        batch, self._rows = self._rows[:taken], self._rows[taken:]
        return batch

    def put_back(self, rows: Sequence[Row]) -> None:
        self._rows[:0] = rows

    @property
    def is_done(self) -> bool:
        return self._at_end and not self._rows

    def _read(self) -> None:
        block = os.read(self._descriptor, _READ)
        *lines, self._begun = (self._begun + block).split(b"\n")
        if not block:
            self._at_end = True
            lines, self._begun = [self._begun] if self._begun else [], b""
        for line in lines:
            row = parse(line)
            if row is None:
                self.damaged += 1
            else:
                self._rows.append(row)

    def remove(self) -> None:
        """Emptied first: another process may have opened it meanwhile."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Another process may now have it."""
        os.close(self._descriptor)


class Spool:
    """What one process keeps for a server and a key (or a name given instead of the key), and what others left."""

    def __init__(self, folder: Path, profile: Profile, name: str | None, max_bytes: int) -> None:
        server = hashlib.sha256(profile.url.encode()).hexdigest()[:12]
        owner = hashlib.sha256((name or profile.api_key).encode()).hexdigest()[:12]
        self.folder = folder
        self._server = f"{server}-"
        self._mine = f"{server}-{owner}-"
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._writing: SpoolFile | None = None
        self._reading: SpoolFile | None = None
        self._reads_own = False
        self._look_again = True
        self.damaged = 0

    @property
    def dead_letters(self) -> Path:
        return self.folder / f"{self._mine}refused.ndjson"

    @property
    def has_own(self) -> bool:
        """Whether this process wrote results that are not sent yet."""
        return self._writing is not None or (self._reading is not None and self._reads_own)

    @property
    def has_any(self) -> bool:
        return self._writing is not None or self._reading is not None or self._look_again

    def append(self, rows: Sequence[Row]) -> None:
        """OSError where the folder cannot be written, or would hold more than its bound; nothing is written then."""
        lines = b"".join([row.line + b"\n" for row in rows])
        with self._lock:
            size = self.size()
            if size + len(lines) > self._max_bytes:
                raise OSError(f"{self.folder} holds {size:,} bytes, and {self._max_bytes:,} is the most")
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            while self._writing is None:
                self._writing = SpoolFile.create(self.folder / f"{self._mine}{new_id()}.jsonl")
            self._writing.append(lines)

    def batch(self, rows: int, bytes: int) -> list[Row]:
        """The next results to send, oldest files first; none where no file is left that another process has not."""
        with self._lock:
            while True:
                if self._reading is None:
                    self._reading = self._next()
                if self._reading is None:
                    return []
                found = self._reading.batch(rows, bytes)
                self.damaged += self._reading.damaged
                self._reading.damaged = 0
                if found:
                    return found
                self._reading.remove()
                self._reading = None

    def settle(self, left: Sequence[Row]) -> None:
        """After a batch, of which these are to come again; a file of which none is left is removed."""
        with self._lock:
            if self._reading is not None:
                self._reading.put_back(left)
                if self._reading.is_done:
                    self._reading.remove()
                    self._reading = None

    def look_again(self) -> None:
        """For files that another process may have left meanwhile."""
        self._look_again = True

    def size(self) -> int:
        """Bytes of all files of this server and key, those of other processes too."""
        return sum(size for _, size in self._files())

    def others(self) -> bool:
        """Whether there are files for the same server and another key."""
        with suppress(OSError):
            return any(
                name.startswith(self._server) and not name.startswith(self._mine) and name.endswith(".jsonl")
                for name in os.listdir(self.folder)
            )
        return False

    def bury(self, rows: Sequence[tuple[Row, Refusal]]) -> None:
        """Adds refused results to the file of dead letters, or OSError."""
        at = datetime.now(timezone.utc).isoformat()
        letters = [{"refused_at": at, **refusal._asdict(), "result": values_of(row)} for row, refusal in rows]
        lines = b"".join(json.dumps(letter).encode() + b"\n" for letter in letters)
        with self._lock:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.dead_letters, os.O_CREAT | os.O_APPEND | os.O_WRONLY | _BINARY, 0o600)
            try:
                if os.fstat(descriptor).st_size + len(lines) > self._max_bytes:
                    raise OSError(f"{self.dead_letters} is full: {self._max_bytes:,} bytes are the most")
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Leaves the files to the next process; in a child, which has only inherited them, to its parent."""
        for opened in (self._reading, self._writing):
            if opened is not None:
                opened.close()
        self._reading = self._writing = None

    def _next(self) -> SpoolFile | None:
        if self._look_again:
            for name, size in self._files():
                if self._writing is not None and self._writing.path.name == name:
                    continue
                opened = SpoolFile.open(self.folder / name)
                if opened is not None:
                    if size:
                        self._reads_own = False
                        return opened
                    opened.remove()
            self._look_again = False
        own, self._writing = self._writing, None
        if own is not None:
            own.rewind()
            self._reads_own = True
        return own

    def _files(self) -> Iterator[tuple[str, int]]:
        """Names and sizes, oldest first."""
        try:
            names = sorted(
                name for name in os.listdir(self.folder) if name.startswith(self._mine) and name.endswith(".jsonl")
            )
        except OSError:
            return
        for name in names:
            with suppress(OSError):
                yield name, (self.folder / name).stat().st_size
