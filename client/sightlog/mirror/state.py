"""How far a mirror is, in a small file that is replaced as a whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs

from sightlog import whole
from sightlog.errors import SightlogError
from sightlog.mirror import moments
from sightlog.mirror.windows import Window

VERSION = 1


@dataclass
class OpenExport:
    """An export that was asked for, and how many rows of its file are done."""

    id: str
    window: Window
    rows: int = 0


@dataclass
class Pass:
    """One way through the history up to `horizon`, done up to `position` (None: not begun)."""

    horizon: datetime
    position: datetime | None


@dataclass
class State:
    """`through`: all up to this time was copied once. `source` and `target` say whose history goes where."""

    path: Path
    source: str
    target: str
    through: datetime | None = None
    current: Pass | None = None
    export: OpenExport | None = field(default=None)

    def save(self) -> None:
        """Either the file as it was or as it is now is there after a crash."""
        content = {
            "version": VERSION,
            "source": self.source,
            "target": self.target,
            "through": _text(self.through),
            "pass": self.current and {"horizon": _text(self.current.horizon), "position": _text(self.current.position)},
            "export": self.export
            and {
                "id": self.export.id,
                "begin": _text(self.export.window.begin),
                "end": _text(self.export.window.end),
                "rows": self.export.rows,
            },
        }
        whole.write(self.path, json.dumps(content, indent=2) + "\n")


def default_path(source: str, target: str) -> Path:
    """A file for these two, in the folder of the system for states (`~/.local/state/sightlog` on Linux)."""
    name = hashlib.sha256(f"{source}\n{target}".encode()).hexdigest()[:16]
    return platformdirs.user_state_path("sightlog") / "mirror" / f"{name}.json"


def load(path: Path, source: str, target: str) -> State:
    """What the file says, or a beginning where there is none. SightlogError where it is about others, or damaged."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        found = json.loads(path.read_bytes())
        if found["version"] != VERSION:
            raise SightlogError(f"{path} was written by another version of sightlog: use that, or another --state.")
        if (found["source"], found["target"]) != (source, target):
            raise SightlogError(
                f"{path} is about {found['source']} to {found['target']}, not {source} to {target}: "
                "give each pair a --state of its own."
            )
        return _state(path, found)
    except FileNotFoundError:
        return State(path, source, target)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SightlogError(
            f"{path} cannot be read: {error}. Remove it to begin again; what is known already is not recorded twice."
        ) from error


def _state(path: Path, found: dict[str, Any]) -> State:
    state = State(path, found["source"], found["target"], _moment(found["through"]))
    if current := found["pass"]:
        state.current = Pass(moments.parse(current["horizon"]), _moment(current["position"]))
    if export := found["export"]:
        window = Window(_moment(export["begin"]), _moment(export["end"]))
        state.export = OpenExport(str(export["id"]), window, int(export["rows"]))
    return state


def _text(moment: datetime | None) -> str | None:
    return moments.text(moment) if moment else None


def _moment(told: str | None) -> datetime | None:
    return moments.parse(told) if told else None
