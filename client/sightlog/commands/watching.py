"""Waiting for an export and its file, shown to people and told to logs; a server that is away a while comes back."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sightlog.commands import output
from sightlog.errors import RateLimited, SightlogError, StillRunning, Unavailable

if TYPE_CHECKING:
    from sightlog.client import Client
    from sightlog.exports import Export, Progress

ROUNDS = 60
"""How often in a row the server may be away. Each is several tries and a pause: some ten minutes in all. They
are counted and not timed, as a laptop that sleeps is not a server that is away."""
PAUSE, LONGEST_PAUSE = 3.0, 300.0
"""Seconds between two of them; longer where the server says when to come back."""
TOLD_EVERY = 10.0
"""Seconds between two lines of a log."""


def resume(id: str, target: str | None, profile: str | None) -> str:
    """What to type to go on."""
    words = ["sightlog", "exports", "download", id]
    words += ["-o", target] if target else []
    words += ["--profile", profile] if profile else []
    return f"`{shlex.join(words)}`"


def find(client: Client, id: str, timeout: timedelta | None, resumed_by: str) -> Export:
    """The export of that id, from a server that may be away a while. StillRunning where it is away for long."""
    ends, away = _end(timeout), _Away()
    while True:
        left = _left(ends)
        try:
            return client.find_export(id)
        except (Unavailable, RateLimited) as error:
            if not away.pause(error, left):
                raise _still_away(error, resumed_by) from None


def watch(export: Export, target: str | None, timeout: timedelta | None, resumed_by: str) -> Path | None:
    """Until it is completed; with a target, until its file is there, which is returned.

    StillRunning, which says how to go on, where the time is over or the server is away for long; Ctrl-C says it too.
    """
    ends = _end(timeout)
    with _Shown() as shown:
        try:
            return _watch(export, target, ends, shown)
        except StillRunning:
            raise StillRunning(f"The export {export.id} is still {export.status}: {resumed_by} goes on.") from None
        except (Unavailable, RateLimited) as error:
            raise _still_away(error, resumed_by) from None
        except KeyboardInterrupt:
            output.say(f"The server goes on with the export {export.id}: {resumed_by} comes back to it.")
            raise


def _watch(export: Export, target: str | None, ends: float | None, shown: _Shown) -> Path | None:
    known, away = export.state, _Away()
    while True:
        left = _left(ends)
        try:
            if target is not None:
                return export.save(target, shown.show, left)
            export.wait(shown.show, left)
            return None
        except (Unavailable, RateLimited) as error:
            if export.state is not known:  # the server has answered since
                known, away = export.state, _Away()
            if not away.pause(error, left):
                raise


class _Away:
    """A server that does not answer, round after round."""

    def __init__(self) -> None:
        self._rounds = 0

    def pause(self, error: SightlogError, left: float | None) -> bool:
        """Waits before the next round; False where it was the last, or no time is left."""
        self._rounds += 1
        if self._rounds == ROUNDS or (left is not None and left < PAUSE):
            return False
        output.say(f"{error.message.rstrip('.')}; asking again.")
        time.sleep(min(max(PAUSE, error.retry_after or 0), LONGEST_PAUSE))
        return True


def _still_away(error: SightlogError, resumed_by: str) -> StillRunning:
    return StillRunning(f"{error.message.rstrip('.')}. The export may be running: {resumed_by} goes on.")


def _end(timeout: timedelta | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout.total_seconds()


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(0.0, ends - time.monotonic())


class _Shown:
    """A bar on a terminal, a line now and then elsewhere; on standard error."""

    _TITLES = {"rows": "Writing", "bytes": "Downloading"}

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._unit = ""
        self._due = 0.0

    def __enter__(self) -> _Shown:
        if sys.stderr.isatty():
            from rich import progress

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(bar_width=None),
                progress.TextColumn("{task.fields[count]}"),
                progress.TimeElapsedColumn(),
                console=output.console(error=True, wraps=True),
                transient=True,
                expand=True,
            )
            self._bar.start()
            output.says_above(self._bar.console)
            self._task = self._bar.add_task("Waiting", total=None, count="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
            output.says_above(None)

    def show(self, progress: Progress) -> None:
        title, count = self._TITLES[progress.unit], _count(progress)
        if self._bar:
            self._bar.update(self._task, description=title, completed=progress.done, total=progress.total, count=count)
        elif progress.unit != self._unit or time.monotonic() >= self._due:
            output.say(f"{title}: {count}")
            self._due = time.monotonic() + TOLD_EVERY
        self._unit = progress.unit


def _count(progress: Progress) -> str:
    if progress.unit == "bytes":
        return f"{output.size(progress.done)} of {output.size(progress.total or 0)}"
    return f"{progress.done:,}" + ("" if progress.total is None else f" of {progress.total:,}") + " rows"
