"""What a mirror takes at most."""

from __future__ import annotations

from dataclasses import dataclass, field

from sightlog.transport import Retries


@dataclass(frozen=True)
class Bounds:
    """What a mirror takes at most. Times are in seconds, sizes in bytes.

    `settle`: what is younger comes along too, but is not compared yet, as more of it may be on its way. `overlap`: how
    far before the end of the last pass the next one begins, for results that came late. `window_rows` and
    `page_window_rows`: results that a window should have, by export and by pages. `mends`: how often days that differ,
    and pages that moved, are read again.
    """

    settle: float = 30
    overlap: float = 3600
    window_rows: int = 50_000
    page_window_rows: int = 10_000
    batch_rows: int = 2000
    batch_bytes: int = 4 * 2**20
    file_bytes: int = 4 * 2**30
    export_seconds: float = 3600
    mends: int = 2
    tries: Retries = field(default_factory=lambda: Retries(tries=6, first=0.5, longest=30, total=600))
    """Of an export that fails, and of a download."""
