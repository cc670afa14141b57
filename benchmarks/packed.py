"""Packed exports beside DuckDB, which has the same rows as a file of text; and what each takes of memory."""

import time
from datetime import datetime
from pathlib import Path

import duckdb
import httpx

from benchmarks import exports
from benchmarks.report import Report
from benchmarks.requests import forget_peak, resident
from tools.stack import Stack

KINDS = {
    ("csv", "none"): "",
    ("csv", "gzip"): "FORMAT csv, COMPRESSION gzip",
    ("parquet", "none"): "FORMAT parquet, COMPRESSION zstd",
}
"""Formats and compressions, and how DuckDB's COPY writes the like of it."""


def measure(report: Report, stack: Stack, key: str, rows: int, folder: Path) -> None:
    """Each kind of file with all rows. DuckDB writes the like of it, with one thread, out of the first, a CSV."""
    process = (stack.worker_processes or stack.api_processes)[0].pid
    text, plain = folder / "all.csv", 0.0
    begun = resident(process)
    with httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        for (format, compression), how in KINDS.items():
            name = format if compression == "none" else f"{format}, {compression}"
            exports.complete(client, format, 10, 0.25, compression)  # what its writer imports is there then
            idle = resident(process)
            forget_peak(process)
            id, url = exports.complete(client, format, None, 0.5, compression)
            most, spent = resident(process, most=True), _seconds(client, id)
            work, measured = f"export of all {rows:,} rows as {name}", f"{spent:.1f} s, {rows / spent:,.0f} rows/s"
            if how:
                copied = _duckdb(text, folder / "packed", how)
                beside = f"{plain:.1f} s as csv + {copied:.1f} s DuckDB's COPY of that"
                report.add(work, measured, beside, spent / (plain + copied), "≤ 1.5")
            else:
                plain = spent
                report.add(work, measured)
                with httpx.stream("GET", url) as answer, text.open("wb") as file:
                    for data in answer.raise_for_status().iter_bytes():
                        file.write(data)
            beside = f"{idle:.0f} MiB before, {begun:.0f} at first"
            report.add(f"memory at most meanwhile, as {name}", f"{most:.0f} MiB", beside, reach="≤ 64 MiB more")


def _seconds(client: httpx.Client, id: str) -> float:
    """From when it was ordered to its end."""
    told = exports.data_of(client, f'{{ export(id: "{id}") {{ createdAt completedAt }} }}')["export"]
    ended, ordered = (datetime.fromisoformat(told[name]) for name in ("completedAt", "createdAt"))
    return (ended - ordered).total_seconds()


def _duckdb(source: Path, target: Path, how: str) -> float:
    """Seconds that it takes to read the text and write the other file."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        began = time.perf_counter()
        connection.execute(f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}' ({how})")
        return time.perf_counter() - began
