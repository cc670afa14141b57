"""`sightlog import` of a file, beside recording the same results without reading them."""

import gzip
import os
import subprocess
import time
from pathlib import Path

from app import auth
from app.engine.db import Database
from app.history import recording
from benchmarks import history
from benchmarks.report import Report
from tools.stack import COMMAND, ROOT, Stack

RESULTS = 50_000
BATCH = 2000


def measure(report: Report, stack: Stack, database: Database, folder: Path) -> None:
    results = history.first_results(RESULTS)
    file = folder / "results.jsonl.gz"
    with gzip.open(file, "wt", compresslevel=1) as lines:
        lines.writelines(result.model_dump_json() + "\n" for result in results)
    with database.write() as session:
        account_id = auth.account_id(session, "recorded", create=True)
        auth.account_id(session, "imported", create=True)
    began = time.perf_counter()
    for start in range(0, len(results), BATCH):
        with database.write() as session:
            recording.record(session, account_id, results[start : start + BATCH])
    recorded = len(results) / (time.perf_counter() - began)
    began = time.perf_counter()
    command = [*COMMAND, "import", str(file), "--account", "imported"]
    subprocess.run(command, cwd=ROOT, env=os.environ | stack.environment, check=True, capture_output=True)
    imported = len(results) / (time.perf_counter() - began)
    work = f"`sightlog import` of {len(results):,} results, .jsonl.gz"
    report.add(work, f"{imported:,.0f} rows/s", f"{recorded:,.0f} rows/s recorded", imported / recorded)
