"""Recording beside a bare COPY FROM into the same table and indexes."""

import time
from typing import Any

from app import auth
from app.engine.db import Database
from app.history import recording
from benchmarks import history
from benchmarks.report import Report

BATCH = 1000


def measure(report: Report, database: Database) -> None:
    fresh = history.first_results(20_000)
    names = ", ".join(column.name for column in recording._TABLE.columns)
    with database.write() as session:
        account_id = auth.account_id(session, "recording", create=True)
    began = time.perf_counter()
    for start in range(0, len(fresh), BATCH):
        with database.write() as session:
            recording.record(session, account_id, fresh[start : start + BATCH])
    rate = len(fresh) / (time.perf_counter() - began)
    with database.write() as session:
        driver: Any = session.connection().connection.driver_connection
        with driver.cursor() as cursor:
            others = names.partition(", ")[2]
            rows = f"SELECT account_id + 1000 AS account_id, {others} FROM descriptions WHERE account_id = {account_id}"
            with cursor.copy(f"COPY ({rows}) TO STDOUT".encode()) as copying:
                data = b"".join(bytes(block) for block in copying)
            began = time.perf_counter()
            with cursor.copy(f"COPY descriptions ({names}) FROM STDIN".encode()) as copying:
                copying.write(data)
    bare = len(fresh) / (time.perf_counter() - began)
    work = f"recording in batches of {BATCH}"
    report.add(work, f"{rate:,.0f} rows/s", f"{bare:,.0f} rows/s COPY FROM", rate / bare, "≥ 0.25")
