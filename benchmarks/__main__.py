"""`make bench`: what Sightlog does, beside what the database could do, in one run; prints a table."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx

from app.engine.db import Database
from benchmarks import console, exports, history, imports, packed, pages, recordings, soak
from benchmarks.report import Report
from benchmarks.requests import wait_for
from tools import servers
from tools.stack import Process, Stack

LIMITED = {"SIGHTLOG_RATE_LIMIT": "1000000000"}
"""Requests are counted, as they are in production; so many that none is refused."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the largest account; 1,000,000 if not said")
    parser.add_argument("--sqlite", action="store_true", help="the embedded default, not PostgreSQL, Redis and S3")
    parser.add_argument("--peer", action="store_true", help="PostGraphile too; installs it with npm")
    parser.add_argument("--packed", action="store_true", help="only Parquet and gzip of all rows, and their memory")
    parser.add_argument("--soak", type=int, metavar="REQUESTS", help="only send so many, and watch the memory")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightlog-bench-") as name:
        folder = Path(name)
        with embedded(folder) if asked.sqlite else production(folder) as stack:
            database = Database(stack.database_url)
            print(f"Making {asked.rows:,} rows …", flush=True)
            keys = history.fill(database, asked.rows)
            engine = "SQLite" if asked.sqlite else "PostgreSQL"
            machine = f"{platform.machine()}, {os.cpu_count()} cores"
            report = Report(f"{engine}, {asked.rows:,} rows, {date.today()}, {machine}")  # noqa: DTZ011
            if asked.soak:
                soak.measure(report, stack, keys, asked.soak)
            elif asked.packed:
                packed.measure(report, stack, keys["large"], asked.rows, folder)
            else:
                pages.measure(report, stack, database, keys, asked.rows, peer=asked.peer and not asked.sqlite)
                console.measure(report, stack, keys["large"])
                if not asked.sqlite:
                    exports.measure(report, stack, keys["large"], asked.rows)
                    packed.measure(report, stack, keys["large"], asked.rows, folder)
                    recordings.measure(report, database)
                imports.measure(report, stack, database, folder)
                start(report, folder)
            database.dispose()
        report.print()


@contextmanager
def production(folder: Path) -> Iterator[Stack]:
    with servers.start_all(folder) as real:
        real.postgres.create_database("bench")
        real.s3.create_bucket("bench")
        settings = real.environment("bench", "bench") | LIMITED
        with Stack(folder / "stack", settings, workers=1) as stack:
            yield stack


@contextmanager
def embedded(folder: Path) -> Iterator[Stack]:
    with Stack(folder / "stack", LIMITED) as stack:
        yield stack


def start(report: Report, folder: Path) -> None:
    """From nothing to the first answer of the embedded default."""
    spent = []
    for number in range(3):
        began = time.perf_counter()
        settings = {"SIGHTLOG_DATA_DIR": str(folder / f"fresh-{number}")}
        port = servers.free_port()
        process = Process(("serve", "--port", str(port)), os.environ | settings, folder / "start.log").start()
        wait_for(lambda port=port: httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200)  # type: ignore[misc]
        spent.append(time.perf_counter() - began)
        process.terminate()
    report.add("start of `sightlog serve` to first answer", f"{sorted(spent)[1]:.2f} s", reach="≤ 2 s")


if __name__ == "__main__":
    main()
