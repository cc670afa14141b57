"""The file of an export: JSON lines, read again and again without holding it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, NoReturn

from sightlog.errors import Damaged

MOST_LINE = 32 * 2**20


class Unreadable(ValueError):
    """Why a line is no row."""


def check(file: IO[bytes], record_count: int | None) -> int:
    """How many rows the file has. Damaged where they are not as many as was told, or where the last one is cut."""
    rows, last = 0, b""
    for line in _lines(file):
        rows, last = rows + 1, line
    if record_count is not None and rows != record_count:
        raise Damaged(f"The file of an export holds {rows} rows, of {record_count} that were told.")
    if rows and not last.endswith(b"\n"):
        try:
            json.loads(last)
        except ValueError as error:
            raise Damaged(f"The file of an export ends within its row {rows}.") from error
    return rows


def rows(file: IO[bytes]) -> Iterator[tuple[object, int]]:
    """What each line holds, or Unreadable in place of it, and its bytes."""
    for line in _lines(file):
        yield _value(line), len(line)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """All but blank ones; of one that is too long the beginning."""
    file.seek(0)
    while line := file.readline(MOST_LINE):
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(MOST_LINE)):
            pass
        if line.strip():
            yield line


def _value(line: bytes) -> object:
    if len(line) >= MOST_LINE:
        return Unreadable(f"is longer than {MOST_LINE} bytes")
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Unreadable(f"is no JSON: {error}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
