"""The lines of a pipe, in groups: as many as are there, but none waits long for the next."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import IO, NamedTuple

LONGEST = 8 * 2**20
"""Bytes of a line that is read as a whole."""


class Line(NamedTuple):
    """`content` is the beginning of a line that is too long."""

    number: int
    content: bytes

    @property
    def is_too_long(self) -> bool:
        return len(self.content) > LONGEST


def groups(stream: IO[bytes], *, count: int = 1000, size: int = 4_000_000, age: float = 1.0) -> Iterator[list[Line]]:
    """Up to `count` lines and about `size` bytes at a time; the first of them waits `age` seconds at most. Empty lines
    are left out.
    """
    arriving: queue.Queue[Line | Exception | None] = queue.Queue(count)
    threading.Thread(target=_read, args=(stream, arriving), daemon=True).start()
    group, bytes_, due = list[Line](), 0, 0.0
    while True:
        try:
            found = arriving.get(timeout=max(0.0, due - time.monotonic()) if group else None)
        except queue.Empty:
            found = Line(0, b"")  # the group is due
        if isinstance(found, Line) and found.number:
            due = due if group else time.monotonic() + age
            group.append(found)
            bytes_ += len(found.content)
            if len(group) < count and bytes_ < size:
                continue
        if group:
            yield group
            group, bytes_ = [], 0
        if isinstance(found, Exception):
            raise found
        if found is None:
            return


def _read(stream: IO[bytes], arriving: queue.Queue[Line | Exception | None]) -> None:
    number = 0
    try:
        while content := stream.readline(LONGEST + 1):
            number += 1
            rest = content
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LONGEST + 1)
            if content.strip():
                arriving.put(Line(number, content))
        arriving.put(None)
    except Exception as error:
        arriving.put(error)
