"""Exports of the other side, from being asked for to their files."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

from sightlog.errors import Damaged, ExportFailed, NotSignedIn, RateLimited, ServerFailed, SightlogError, Unavailable
from sightlog.mirror import files
from sightlog.mirror.bounds import Bounds
from sightlog.mirror.source import Expired, ExportState, Source
from sightlog.mirror.windows import Window
from sightlog.transport import Trying


class ExportRefused(ExportFailed):
    pass


class Exports:
    """`say` hears what is done again."""

    def __init__(self, source: Source, bounds: Bounds, say: Callable[[str], None]) -> None:
        self._source = source
        self._bounds = bounds
        self._say = say

    def start(self, window: Window, *, include_failed: bool = True) -> str:
        """Its id; ExportRefused where exports are."""
        try:
            return self._source.start_export(window, include_failed=include_failed).id
        except (NotSignedIn, RateLimited, Unavailable):
            raise
        except SightlogError as error:
            raise ExportRefused(f"Exports are refused: {error}") from error

    def wait(self, id: str) -> ExportState:
        """How it ended; Unavailable where it has not after the bound."""
        begun, pause = time.monotonic(), 0.1
        while True:
            state = self._source.export(id)
            if state.status in ("completed", "failed"):
                return state
            if time.monotonic() - begun > self._bounds.export_seconds:
                raise Unavailable(f"The export {id} is still {state.status}. Run this again later: it goes on with it.")
            time.sleep(pause)
            pause = min(pause * 1.5, 5)

    def download(self, ended: ExportState, file: IO[bytes]) -> int:
        """How many rows the file has. A download that breaks off or lacks rows is made again, with a new URL."""
        trying = Trying(self._bounds.tries)
        while True:
            try:
                if not ended.download_url:
                    raise ServerFailed(f"The export {ended.id} is completed, but has no download URL.")
                file.seek(0)
                file.truncate()
                self._source.download(ended.download_url, file, self._bounds.file_bytes)
                return files.check(file, ended.record_count)
            except (Damaged, Expired, ServerFailed, Unavailable) as error:
                time.sleep(trying.pause(error))
                self._say(f"{error} It is downloaded again.")
            ended = self._source.export(ended.id)
