"""What could not be recorded, with the reasons: one JSON object a line, `{"id", "reason", "row"}`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sightlog.errors import SightlogError

MOST_ROWS = 100_000


class Ledger:
    """Of each id the first reason is kept. SightlogError once there are more than `most`: then it is not single rows
    that are wrong.
    """

    def __init__(self, path: Path, most: int = MOST_ROWS) -> None:
        self.path = path
        self._most = most
        self._known = self._load()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, id: str | None, reason: str, row: object) -> None:
        name = id if id is not None else json.dumps(row, default=str)[:1000]
        if name in self._known:
            return
        if len(self._known) >= self._most:
            raise SightlogError(f"More than {self._most} rows cannot be recorded; {self.path} says why.")
        line = json.dumps({"id": id, "reason": reason, "row": row}, default=str)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as opened:
            opened.write(line + "\n")
        self._known.add(name)

    def _load(self) -> set[str]:
        try:
            with self.path.open(encoding="utf-8") as opened:
                return {_name(line) for line in opened if line.strip()}
        except FileNotFoundError:
            return set()


def _name(line: str) -> str:
    try:
        found = json.loads(line)
        return str(found["id"]) if found["id"] is not None else json.dumps(found["row"], default=str)[:1000]
    except (ValueError, KeyError, TypeError):
        return line  # the end of a crash
