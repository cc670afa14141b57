"""Exports beside a bare COPY of the same query, and what the worker takes of memory."""

import tempfile
import time
from typing import Any

import httpx
import psycopg

from app import auth
from app.engine.db import Database
from app.exports import rows
from app.exports.statement import Selection
from app.history import columns
from app.history.filters import DescriptionFilter
from benchmarks.report import Report
from benchmarks.requests import resident
from tools.stack import Stack

LIMIT = 100_000


def measure(report: Report, stack: Stack, key: str, rows: int) -> None:
    worker = stack.worker_processes[0].pid
    idle = resident(worker)
    with httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        rates = {}
        for format in ("csv", "jsonl"):
            # Each a second time: the first reads the table into memory.
            spent = min(_export(client, stack, format, LIMIT) for _ in range(2))
            copied = min(_copy(stack, format) for _ in range(2))
            rates[format] = LIMIT / spent
            work = f"export of {LIMIT:,} rows as {format}, claim to completed"
            report.add(work, f"{spent:.2f} s", f"{copied:.2f} s COPY", spent / copied, "≤ 1.5")
            waited = min(_wait(client, format, LIMIT) for _ in range(2))
            work = f"export of {LIMIT:,} rows as {format}, request to last byte"
            report.add(work, f"{waited:.2f} s", f"{copied:.2f} s COPY", waited / copied)
        rate = rows / _export(client, stack, "csv", None)
    beside = f"{rates['csv']:,.0f} rows/s of {LIMIT:,}"
    report.add(f"export of all {rows:,} rows as csv", f"{rate:,.0f} rows/s", beside, rate / rates["csv"], "~ 1")
    most = resident(worker, most=True)
    report.add("memory of the worker at most", f"{most:.0f} MiB", f"{idle:.0f} MiB idle", reach="≤ 64 MiB more")


def complete(
    client: httpx.Client, format: str, limit: int | None, interval: float, compression: str = "none"
) -> tuple[str, str]:
    """The id and the download URL of an export that has been waited for."""
    create = "mutation($input: CreateExportInput!) { createExport(input: $input) { id } }"
    variables = {"input": {"format": format.upper(), "compression": compression.upper(), "limit": limit}}
    id = data_of(client, create, variables)["createExport"]["id"]
    while True:
        state = data_of(client, f'{{ export(id: "{id}") {{ status downloadUrl }} }}')["export"]
        if state["status"] == "COMPLETED":
            return id, state["downloadUrl"]
        assert state["status"] in ("PENDING", "PROCESSING")
        time.sleep(interval)


def _wait(client: httpx.Client, format: str, limit: int) -> float:
    """Seconds from the request to the last byte of the download, as a user waits."""
    began = time.perf_counter()
    _, url = complete(client, format, limit, 0.05)
    with httpx.stream("GET", url) as download:
        download.raise_for_status()
        for _ in download.iter_bytes():
            pass
    return time.perf_counter() - began


def _export(client: httpx.Client, stack: Stack, format: str, limit: int | None) -> float:
    """Seconds from the claim to its end."""
    id, _ = complete(client, format, limit, 0.25)  # seldom, since what asks takes the processor from what is asked
    with psycopg.connect(stack.database_url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM completed_at - started_at)::float8 FROM exports WHERE id = %s", (id,)
        ).fetchone()
    assert row is not None
    seconds: float = row[0]
    return seconds


def data_of(client: httpx.Client, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer, answer["errors"]
    data: dict[str, Any] = answer["data"]
    return data


def _copy(stack: Stack, format: str) -> float:
    """Seconds that COPY takes for the same query, into a file."""
    database = Database(stack.database_url)
    with database.read() as session, tempfile.TemporaryFile() as file:
        account_id = auth.account_id(session, "large")
        selection = Selection(account_id, DescriptionFilter(), columns.ITEM_COLUMNS, LIMIT)
        selected = selection.texts()
        if format == "jsonl":
            selected = rows.as_objects(selected, selection.chosen)
        compiled = selected.compile(dialect=session.connection().dialect, compile_kwargs={"render_postcompile": True})
        driver: Any = session.connection().connection.driver_connection
        began = time.perf_counter()
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY ({compiled}) TO STDOUT".encode(), compiled.params) as copying,
        ):
            for data in copying:
                file.write(data)
        return time.perf_counter() - began
