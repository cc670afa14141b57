"""A history brought along: read window by window, recorded, and compared at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import IO

from sightlog.api.enums import DescriptionStatus
from sightlog.errors import ExportFailed, NotFound
from sightlog.mirror import files, moments, proof, results, windows
from sightlog.mirror.bounds import Bounds
from sightlog.mirror.exporting import ExportRefused, Exports
from sightlog.mirror.ledger import Ledger
from sightlog.mirror.proof import Difference
from sightlog.mirror.source import Source
from sightlog.mirror.state import OpenExport, Pass, State
from sightlog.mirror.target import Row, Tally, Target
from sightlog.mirror.windows import Found, Window
from sightlog.transport import Trying


@dataclass(frozen=True)
class Report:
    """What one pass did. `differences` are between both sides, up to `horizon`, where they hold `total` results on
    `days` days (None: the other side does not tell).
    """

    tally: Tally
    horizon: datetime
    total: int
    days: int | None
    differences: list[Difference]
    seconds: float


class Mirror:
    """`say` hears how it goes on; `hold` surrounds what should not be stopped in the middle. `by` is `export`, `pages`,
    or `either`: by pages where exports are refused.
    """

    def __init__(
        self,
        source: Source,
        target: Target,
        state: State,
        ledger: Ledger,
        *,
        bounds: Bounds | None = None,
        by: str = "either",
        say: Callable[[str], None] = lambda text: None,
        hold: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._source = source
        self._target = target
        self._state = state
        self._ledger = ledger
        self._bounds = bounds or Bounds()
        self._exports = Exports(source, self._bounds, say)
        self._by = by
        self._by_pages = by == "pages"
        self._say = say
        self._hold = hold
        self._tally = Tally()
        self._unmended: dict[date, tuple[float, float]] = {}

    def once(self) -> Report:
        """One pass through what is not copied yet, or the rest of one that was stopped."""
        begun = time.monotonic()
        self._tally = Tally()
        current = self._state.current or self._begin()
        self._copy(Window(current.position, current.horizon), closing=True)
        self._state.through, self._state.current = current.horizon, None
        self._save()
        self._copy(Window(current.horizon, None), closing=False)
        total, days, differences = self._prove(current.horizon)
        return Report(self._tally, current.horizon, total, days, differences, time.monotonic() - begun)

    def _begin(self) -> Pass:
        at = self._source.listed(Window(None, None)).at
        horizon = moments.whole(at - timedelta(seconds=self._bounds.settle))
        through = self._state.through
        position = through and through - timedelta(seconds=self._bounds.overlap)
        # A clock that was set back, or a short while since the last pass.
        horizon = max(horizon, through) if through else horizon
        self._state.current = Pass(horizon, position)
        self._save()
        return self._state.current

    def _save(self) -> None:
        with self._hold():
            self._state.save()

    # Copying

    def _copy(self, window: Window, *, closing: bool) -> None:
        """All of the window. Where it is closing, the state says how far it is."""
        opened = self._state.export
        if closing and opened and opened.window.begin == window.begin and opened.window.end and not self._by_pages:
            # As it was divided when it was begun, so that its export is of use.
            self._piece(self._found(opened.window), closing)
            if window.end and opened.window.end >= window.end:
                return
            window = Window(opened.window.end, window.end)
        most = self._bounds.page_window_rows if self._by_pages else self._bounds.window_rows
        for found in windows.of(window, most, self._source.listed):
            if found.total or closing:
                self._piece(found, closing)

    def _found(self, window: Window) -> Found:
        return next(windows.of(window, 2**63, self._source.listed))

    def _piece(self, found: Found, closing: bool) -> None:
        if not self._by_pages and self._exported(found, closing):
            return
        most = self._bounds.page_window_rows
        pieces = windows.of(found.window, most, self._source.listed) if found.total > most else iter((found,))
        for piece in pieces:
            self._paged(piece, closing)

    def _done(self, window: Window, closing: bool) -> None:
        tally = self._tally
        self._say(f"{window}: done; {tally.read} read, {tally.recorded} recorded, {tally.refused} refused")
        if closing and self._state.current:
            self._state.current.position = window.end
            self._state.export = None
            self._save()

    def _record(
        self, items: Iterable[tuple[object, int]], failed: Collection[str], done: Callable[[int], None]
    ) -> None:
        """Items with their sizes, in batches; `done` hears after each how many there were."""
        batch: dict[str, Row] = {}
        taken = size = 0

        def send() -> None:
            nonlocal taken, size
            with self._hold():
                self._target.record(list(batch.values()), self._tally, self._ledger.add)
                done(taken)
            batch.clear()
            taken = size = 0

        for item, bytes_ in items:
            row = self._row(item, failed)
            id = row and row.result.id
            full = len(batch) >= self._bounds.batch_rows or size + bytes_ > self._bounds.batch_bytes
            if batch and (full or id in batch):
                send()
            taken += 1
            if row and id:
                batch[id] = row
                size += bytes_
        send()

    def _row(self, item: object, failed: Collection[str]) -> Row | None:
        tally = self._tally
        tally.read += 1
        try:
            if isinstance(item, files.Unreadable):
                raise results.Unfit(str(item))
            result = results.of(item, failed)
        except results.Unfit as error:
            tally.refused += 1
            id = item.get("id") if isinstance(item, dict) else None
            self._ledger.add(None if id is None else str(id), str(error), None if isinstance(item, Exception) else item)
            return None
        tally.failed += result.status == DescriptionStatus.FAILED
        for name in results.unknown(item) if isinstance(item, dict) else ():
            tally.left_out[name] = tally.left_out.get(name, 0) + 1
        return Row(result, item)

    # By pages

    def _paged(self, found: Found, closing: bool) -> None:
        """By offset, which is safe where nothing moves; where something does, it is read again."""
        seen: set[str] = set()
        for _ in range(1 + self._bounds.mends):
            total, stood = 0, True
            for page, fits in self._source.pages(found.window):
                total, stood = page.total, stood and fits
                seen.update(str(item.get("id")) for item in page.items if isinstance(item, dict))
                each = page.bytes // max(1, len(page.items))
                self._record(((item, each) for item in page.items), (), lambda taken: None)
            if stood and len(seen) >= total:
                break
            self._say(f"{found.window}: its pages moved while they were read; they are read again")
        self._done(found.window, closing)

    # By export

    def _exported(self, found: Found, closing: bool) -> bool:
        """False where the window is to be read by pages."""
        with tempfile.TemporaryFile(dir=self._state.path.parent) as file:
            try:
                ended = self._export(found.window, file, closing)
            except ExportFailed as error:
                if self._by == "export":
                    raise
                self._by_pages = True
                self._say(f"{error} What is left is read by pages, which list no failed results.")
                return False
            if ended is None:
                return self._divided(found, closing)
            opened, rows = ended
            failed = self._failed(found.window, file, rows)
            items = islice(files.rows(file), opened.rows, None)

            def done(taken: int) -> None:
                opened.rows += taken
                if self._state.export is opened:
                    self._state.save()

            self._record(items, failed, done)
        self._done(found.window, closing)
        return True

    def _divided(self, found: Found, closing: bool) -> bool:
        """A window of which one file does not hold all."""
        halves = found.halves()
        if halves is None:
            self._say(
                f"{found.window}: more results than one export holds, and no time to divide them by; they are read by "
                "pages, which list no failed results."
            )
            return False
        for half in halves:
            self._piece(half, closing)
        return True

    def _export(
        self, window: Window, file: IO[bytes], closing: bool, *, include_failed: bool = True
    ) -> tuple[OpenExport, int] | None:
        """An export of the window, its file downloaded, and how many rows that has; None where it may lack some.

        ExportFailed where exports are refused, or fail again and again.
        """
        opened = self._state.export if closing and include_failed else None
        if opened and opened.window != window:
            opened = None
        trying = Trying(self._bounds.tries)
        while True:
            try:
                if opened is None:
                    opened = OpenExport(self._exports.start(window, include_failed=include_failed), window)
                    if closing and include_failed:
                        self._state.export = opened
                        self._save()
                ended = self._exports.wait(opened.id)
                is_full = (ended.record_count or 0) >= self._source.export_rows
                if is_full or (ended.status == "failed" and "limit" in (ended.error_message or "")):
                    self._state.export = None if self._state.export is opened else self._state.export
                    return None
                if ended.status == "failed":
                    raise ExportFailed(f"An export failed: {ended.error_message or 'no reason was given'}.")
                rows = self._exports.download(ended, file)
                return None if rows >= self._source.export_rows else (opened, rows)
            except ExportRefused:
                raise
            except NotFound as error:
                failure = ExportFailed(f"An export is not to be found: {error}")
            except ExportFailed as error:
                failure = error
            # A new one may succeed.
            opened = None
            time.sleep(trying.pause(failure))

    def _failed(self, window: Window, file: IO[bytes], rows: int) -> Collection[str]:
        """The ids of failed results, where the rows do not say that: those that an export without them has not."""
        if rows <= self._source.listed(window).total:
            return ()
        if any(results.tells_failed(item) for item, _ in files.rows(file)):
            return ()
        with tempfile.TemporaryFile(dir=self._state.path.parent) as completed:
            if self._export(window, completed, closing=False, include_failed=False) is None:
                return ()
            return set(_ids(file)) - set(_ids(completed))

    # The proof

    def _prove(self, horizon: datetime) -> tuple[int, int | None, list[Difference]]:
        """What both sides hold up to that time. Days of which the other side holds more are read again before."""
        mends = self._bounds.mends
        while True:
            there = proof.held_there(self._source.listed(Window(None, horizon)))
            here = proof.held_here(self._target.operations, horizon)
            found = proof.differences(there, here)
            days = {
                day: pair
                for day, pair in proof.days(found).items()
                if pair[0] > pair[1] and self._unmended.get(day) != pair
            }
            if days and mends:
                self._say(f"{len(days)} days differ, and are read again")
                for window in _ranges(sorted(days), horizon):
                    self._copy(window, closing=False)
                mends -= 1
                continue
            self._unmended = proof.days(found)
            return there.total, None if there.days is None else len(there.days), found


def _ids(file: IO[bytes]) -> Iterator[str]:
    return (str(item.get("id")) for item, _ in files.rows(file) if isinstance(item, dict))


def _ranges(days: list[date], horizon: datetime) -> Iterator[Window]:
    """Windows of days that follow each other."""
    begin = 0
    for place, day in enumerate(days):
        if place + 1 == len(days) or days[place + 1] - day > moments.DAY:
            first, last = moments.midnight(days[begin]), moments.midnight(day) + moments.DAY
            yield Window(first, min(last, horizon))
            begin = place + 1
