"""`make bench`: what Sightlog does, beside what the database could do, in one run; prints a table."""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import psycopg
import strawberry
from rich.console import Console
from rich.table import Table
from strawberry.schema.config import StrawberryConfig

from app import auth, descriptions, jsontext, recording, rollup, shown, writers
from app.auth import Principal
from app.db import Database
from app.filters import DescriptionFilter
from app.models import Scope
from app.runtime import open_runtime
from app.settings import Settings
from benchmarks import history
from graphql_schema import selections
from graphql_schema.context import Context
from graphql_schema.documents import Documents
from graphql_schema.scalars import SCALARS
from graphql_schema.schema import Query, schema
from graphql_schema.server import RequestContext
from tasks.queue import open_queue
from tests import servers
from tests.stack import Process, Stack

SECONDS = 4.0
CONNECTIONS = 8
NODES = "id type status sourceType createdAt imageUrl imageId description confidenceScore metadata"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--sqlite", action="store_true", help="the embedded default instead of PostgreSQL, Redis and S3"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightlog-bench-") as folder:
        measure = embedded if asked.sqlite else production
        measure(Path(folder), asked.rows)


def production(folder: Path, rows: int) -> None:
    with servers.start_all(folder) as real:
        real.postgres.create_database("bench")
        real.s3.create_bucket("bench")
        settings = real.environment("bench", "bench") | {"SIGHTLOG_RATE_LIMIT": "0"}
        with Stack(folder / "stack", settings, workers=1) as stack:
            report, database, keys = prepare(stack, "PostgreSQL", rows)
            serve(report, stack, database, keys, rows)
            execute(report, stack, database)
            export(report, stack, keys["large"])
            record(report, database)
            start(report, folder)
            database.dispose()
            report.print()


def embedded(folder: Path, rows: int) -> None:
    with Stack(folder / "stack", {"SIGHTLOG_RATE_LIMIT": "0"}) as stack:
        report, database, keys = prepare(stack, "SQLite", rows)
        serve(report, stack, database, keys, rows)
        execute(report, stack, database)
        database.dispose()
        report.print()


def prepare(stack: Stack, engine: str, rows: int) -> tuple["Report", Database, dict[str, str]]:
    database = Database(stack.database_url)
    print(f"Making {rows:,} rows …", flush=True)
    keys = history.fill(database, rows)
    title = f"{engine}, {rows:,} rows, {date.today()}, {platform.machine()}, {os.cpu_count()} cores"  # noqa: DTZ011
    return Report(title), database, keys


class Report:
    def __init__(self, title: str) -> None:
        self.table = Table("work", "measured", "floor", "ratio", "reach", title=title, title_justify="left")

    def add(self, work: str, measured: str, floor: str = "", ratio: float | None = None, reach: str = "") -> None:
        print(f"{work}: {measured}  {floor}  {'' if ratio is None else f'{ratio:.2f}'}  {reach}", flush=True)
        self.table.add_row(work, measured, floor, "" if ratio is None else f"{ratio:.2f}", reach)

    def print(self) -> None:
        Console(width=140).print(self.table)


def serve(report: Report, stack: Stack, database: Database, keys: dict[str, str], rows: int) -> None:
    key = keys["large"]
    with floor(database) as url:
        floors = {size: load(get(url, f"/{size}")) for size in (100, 1000)}
    rest = "/api/v2/data/descriptions"

    def page(work: str, request: tuple[str, bytes], size: int, reach: str) -> dict[str, float]:
        found = load(request)
        share = found["rate"] / floors[size]["rate"]
        report.add(work, f"{found['rate']:.0f}/s", f"{floors[size]['rate']:.0f}/s", share, reach)
        return found

    graphql = f"descriptions(first: %d) {{ nodes {{ {NODES} }} %s }}"
    page("REST page of 100 with statistics", get(stack.url, rest, key), 100, "≥ 0.6")
    page(
        "REST page of 100, a month, two sources, a score",
        get(
            stack.url,
            rest + "?start_date=2025-01-01&end_date=2025-02-01&source_types=single,batch&min_confidence=0.5",
            key,
        ),
        100,
        "≥ 0.6",
    )
    without = page("GraphQL page of 100, 10 fields", post(stack.url, key, graphql % (100, "")), 100, "≥ 0.6")
    page("GraphQL page of 1000, 10 fields", post(stack.url, key, graphql % (1000, "")), 1000, "")
    totals = "totalCount statistics { averageConfidence confidenceDistribution { range count } }"
    found = load(post(stack.url, key, graphql % (100, totals)))
    ratio = without["rate"] / found["rate"]
    report.add(
        "GraphQL page with totalCount and statistics",
        f"{found['rate']:.0f}/s",
        f"{without['rate']:.0f}/s without",
        ratio,
        "≤ 1.5",
    )
    first = load(get(stack.url, rest + "?offset=0", key))
    last = load(get(stack.url, rest + f"?offset={int(rows * 0.9)}", key))
    ratio = last["median_ms"] / first["median_ms"]
    report.add("offset at 90 %", f"{last['median_ms']:.1f} ms", f"{first['median_ms']:.1f} ms at 0", ratio, "< 3")
    query = "statistics { totalCount averageConfidence dailyCounts { date count } }"
    found = load(post(stack.url, key, query), connections=1)
    report.add("statistics alone, as remembered", f"{found['median_ms']:.1f} ms")
    large, small = (counted(database, name) for name in ("large", "small"))
    report.add("statistics counted anew", f"{large:.1f} ms", f"{small:.1f} ms of a tenth", large / small, "< 2")
    for term in ("trampoline", "dog"):
        url, request = get(stack.url, rest + f"?search={term}", key)
        began = time.perf_counter()
        httpx.get(f"{url}{rest}", params={"search": term}, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        first_ms = (time.perf_counter() - began) * 1000
        found = load((url, request), connections=1)
        report.add(f"search for '{term}', with statistics", f"{first_ms:.0f} ms", f"{found['median_ms']:.0f} ms again")


def counted(database: Database, name: str) -> float:
    """Milliseconds that the statistics of an account take, the median of several."""
    with database.read() as session:
        account_id = auth.account_id(session, name)
    spent = []
    for _ in range(15):
        began = time.perf_counter()
        database.answer_now(rollup.totals(account_id, DescriptionFilter()))
        spent.append(time.perf_counter() - began)
    return sorted(spent)[len(spent) // 2] * 1000


def execute(report: Report, stack: Stack, database: Database) -> None:
    """A page of 1000 in this process, by the stock executor and by ours."""
    with database.read() as session:
        account_id = auth.account_id(session, "large")
    runtime = open_runtime(Settings(database_url=stack.database_url))
    context = RequestContext()
    context.core = Context(runtime, open_queue(runtime), Principal(account_id, "sightlog_benchmark", Scope.READ, None))
    query = f"{{ descriptions(first: 1000) {{ nodes {{ {NODES} }} }} }}"
    stock = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS), extensions=[Documents])

    async def milliseconds(of: strawberry.Schema, rounds: int = 15) -> float:
        spent = []
        for _ in range(rounds):
            began = time.perf_counter()
            result = await of.execute(query, context_value=context)
            jsontext.dumps(result.data)
            spent.append(time.perf_counter() - began)
            assert result.data is not None
            assert not result.errors
        return sorted(spent)[len(spent) // 2] * 1000

    ours = asyncio.run(milliseconds(schema))
    with mock.patch.object(selections, "written", return_value=None):
        theirs = asyncio.run(milliseconds(stock))
    runtime.close()
    report.add("GraphQL page of 1000, executed", f"{ours:.1f} ms", f"{theirs:.1f} ms stock", theirs / ours, "≥ 6")


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


def export(report: Report, stack: Stack, key: str) -> None:
    client = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    dsn = stack.database_url.replace("+psycopg", "")
    for format in ("csv", "jsonl"):
        body = {"data_type": "descriptions", "format": format, "limit": 100_000}
        id = client.post("/api/v2/data/export", json=body).json()["export_id"]
        query = f'{{ export(id: "{id}") {{ status }} }}'
        while client.post("/graphql", json={"query": query}).json()["data"]["export"]["status"] != "COMPLETED":
            time.sleep(0.25)  # seldom, since what asks takes the processor from what is asked
        with psycopg.connect(dsn) as connection:
            spent = connection.execute(
                "SELECT extract(epoch FROM completed_at - started_at)::float8 FROM exports WHERE id = %s", (id,)
            ).fetchone()
        assert spent is not None
        copied = copy(stack, format)
        report.add(
            f"export of 100,000 rows as {format}",
            f"{spent[0]:.2f} s",
            f"{copied:.2f} s COPY",
            spent[0] / copied,
            "≤ 1.5",
        )


def copy(stack: Stack, format: str) -> float:
    """Seconds that COPY takes for the same query, into a file."""
    database = Database(stack.database_url)
    with database.read() as session, tempfile.TemporaryFile() as file:
        account_id = auth.account_id(session, "large")
        statement = descriptions.export_statement(account_id, DescriptionFilter(), shown.ITEM_COLUMNS, 100_000)
        if format == "jsonl":
            statement = writers._as_objects(statement)
        compiled = statement.compile(dialect=session.connection().dialect, compile_kwargs={"render_postcompile": True})
        driver: Any = session.connection().connection.driver_connection
        began = time.perf_counter()
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY ({compiled}) TO STDOUT".encode(), compiled.params) as copying,
        ):
            for data in copying:
                file.write(data)
        return time.perf_counter() - began


def record(report: Report, database: Database) -> None:
    fresh = history.results(20_000)
    names = ", ".join(column.name for column in recording._TABLE.columns)
    with database.write() as session:
        account_id = auth.account_id(session, "recording", create=True)
    began = time.perf_counter()
    for start in range(0, len(fresh), 1000):
        with database.write() as session:
            recording.record(session, account_id, fresh[start : start + 1000])
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
    report.add(
        "recording in batches of 1000", f"{rate:,.0f} rows/s", f"{bare:,.0f} rows/s COPY FROM", rate / bare, "≥ 0.25"
    )


@contextmanager
def floor(database: Database) -> Iterator[str]:
    port = servers.free_port()
    driver = "sqlite" if database.is_sqlite else "postgresql"
    dsn = database.url.set(drivername=driver).render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.floor", "1", str(port)], env=os.environ | {"FLOOR_URL": dsn}
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: httpx.get(url + "/1").status_code == 200)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(ready: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def get(url: str, path: str, key: str = "") -> tuple[str, bytes]:
    return url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def post(url: str, key: str, query: str) -> tuple[str, bytes]:
    body = json.dumps({"query": f"{{ {query} }}"})
    head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    return url, f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def load(request: tuple[str, bytes], connections: int = CONNECTIONS) -> dict[str, float]:
    asked = {"url": request[0], "request": request[1].decode(), "connections": connections, "seconds": SECONDS}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(asked).encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
