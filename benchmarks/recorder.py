"""Recording through the client beside the floor: bare httpx that posts batches of the same rows, written beforehand.

python -m benchmarks.recorder [--results 100000] [--seconds 20]
"""

import argparse
import itertools
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from app import auth
from app.engine.db import Database
from app.models import Scope
from benchmarks.report import Report
from sightlog import batches, rows
from sightlog.recorder import Bounds, Recorder
from tools.stack import Stack

TEXT = "Two brown dogs run over the wet grass with a red ball, while a man in a blue jacket looks on from the fence"


def results() -> Iterator[dict[str, Any]]:
    """As a program would say them, without end."""
    for number in itertools.count():
        yield {
            "description": f"{TEXT} {number}",
            "image_url": f"https://images.example.com/2025/01/{number:08}.jpg",
            "source_type": "batch",
            "confidence_score": number % 1000 / 1000,
            "metadata": {"model": "captioner-2", "tokens": number % 40},
        }


def row_of(fields: dict[str, Any]) -> rows.Row:
    absent = dict.fromkeys(
        ("id", "response_id", "type", "source_id", "created_at", "image_id", "verification", "error_message")
    )
    return rows.make(**{**absent, **fields, "failed": False})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorder", description=__doc__)
    parser.add_argument("--results", type=int, default=100_000, help="sent by each; 100,000 if not said")
    parser.add_argument("--seconds", type=float, default=10, help="for which results come at a steady rate")
    parser.add_argument("--rate", type=int, default=10_000, help="of these, in a second")
    asked = parser.parse_args()
    report = Report(f"the recorder, SQLite, {date.today()}, {platform.machine()}, {os.cpu_count()} cores")  # noqa: DTZ011
    with (
        tempfile.TemporaryDirectory(prefix="sightlog-bench-") as name,
        Stack(Path(name, "stack"), {"SIGHTLOG_RATE_LIMIT": "1000000000"}) as stack,
    ):
        database = Database(stack.database_url)
        keys = []
        for account in ("floor", "client", "steady"):
            with database.write() as session:
                id = auth.account_id(session, account, create=True)
                keys.append(auth.create_key(session, id, Scope.WRITE))
        calls(report, stack.url, keys[1], Path(name, "calls"))
        floor = prebuilt(stack.url, keys[0], asked.results)
        throughput(report, stack.url, keys[1], Path(name, "client"), asked.results, floor)
        steady(report, stack.url, keys[2], Path(name, "steady"), asked.rate, asked.seconds)
        database.dispose()
    report.print()


def calls(report: Report, url: str, key: str, spool: Path) -> None:
    """What one call costs the program, while nothing is sent."""
    log = Recorder(url, key, bounds=Bounds(batch_rows=10_000, queue_rows=10_000, age=3600), spool_dir=spool)
    spent, cpu = [], time.thread_time()
    for fields in itertools.islice(results(), 9_000):
        began = time.perf_counter()
        log.record(**fields)
        spent.append(time.perf_counter() - began)
    cpu = (time.thread_time() - cpu) / len(spent)
    log.close(0)
    spent.sort()
    median, high = statistics.median(spent) * 1e6, spent[int(len(spent) * 0.99)] * 1e6
    report.add("one record()", f"{median:.1f} µs, 99 % under {high:.1f} µs", f"{cpu * 1e6:.1f} µs CPU", None, "< 20 µs")


def prebuilt(url: str, key: str, count: int) -> float:
    """Results a second of bare httpx."""
    body, size = batches.body(), Bounds().batch_rows
    given = [row_of(fields) for fields in itertools.islice(results(), count)]
    bodies = [body(given[start : start + size]) for start in range(0, count, size)]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers, timeout=60) as client:
        began = time.perf_counter()
        for content in bodies:
            answer = client.post(f"{url}/graphql", content=content)
            assert all(row["outcome"] == "RECORDED" for row in answer.json()["data"]["recordDescriptions"]["rows"])
        return count / (time.perf_counter() - began)


def throughput(report: Report, url: str, key: str, spool: Path, count: int, floor: float) -> None:
    """As many as the server takes, from one process that makes them meanwhile."""
    log = Recorder(url, key, spool_dir=spool)
    began = time.perf_counter()
    for fields in itertools.islice(results(), count):
        while log.counters().waiting > 9_000:
            time.sleep(0.002)
        log.record(**fields)
    assert log.flush(600)
    rate = count / (time.perf_counter() - began)
    done = log.close()
    assert (done.recorded, done.dropped) == (count, 0), done
    report.add(f"{count:,} results", f"{rate:,.0f} a second", f"{floor:,.0f} by bare httpx", rate / floor, "≥ 0.8")


def steady(report: Report, url: str, key: str, spool: Path, rate: int, seconds: float) -> None:
    """Results that come at a rate, and what waits meanwhile."""
    log = Recorder(url, key, spool_dir=spool)
    most, number, before = 0, 0, memory()
    began = time.perf_counter()
    source = results()
    while (passed := time.perf_counter() - began) < seconds:
        while number < passed * rate:
            log.record(**next(source))
            number += 1
        most = max(most, log.counters().waiting)
        time.sleep(0.005)
    sent = log.counters().recorded / (time.perf_counter() - began)
    while log.counters().recorded < number:  # what is on disk too
        time.sleep(0.05)
    done = log.close()
    assert done.dropped == 0, done
    assert done.recorded == number, done
    grown = f"{most:,} waited at most, {done.spooled:,} on disk, {memory() - before:+.0f} MiB"
    report.add(f"{rate:,} results a second for {seconds:.0f} s", f"{sent:,.0f} a second", grown, sent / rate, "≥ 0.95")


def memory() -> float:
    """The most that this process had, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
