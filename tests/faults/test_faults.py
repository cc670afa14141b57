"""Processes and servers that die, hang and come back. Each test ends with nothing lost and nothing twice."""

import hashlib
import itertools
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col, func, select

from app.errors import Unavailable
from app.exports import claims, writers
from app.exports.formats import ExportFormat
from app.exports.rows import Rows
from app.exports.statement import Selection
from app.history import rollup
from app.history.filters import DescriptionFilter
from app.models import Export
from tests.conftest import ENGINES, Account
from tests.faults.beside import expire, fill_disk, kill_serve
from tests.faults.site import (
    BIG,
    CANCELLED,
    LARGE,
    PENDING,
    PROCESSING,
    REQUESTS,
    ROWS,
    SMALL,
    WHOLE,
    Site,
    failed,
    fetch,
    site,
    start,
)
from tools.patience import until
from tools.servers import Servers, start_all

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_all(tmp_path_factory.mktemp("servers")) as started:
        yield started


@pytest.fixture(scope="module")
def opened_production(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    servers.postgres.create_database("faults")
    servers.s3.create_bucket("faults")
    settings = servers.environment("faults", "faults")
    with site(tmp_path_factory.mktemp("production"), settings, apis=2) as opened:
        yield opened


@pytest.fixture
def production(opened_production: Site) -> Site:
    """With two workers, whatever an earlier test has done to them."""
    while len(opened_production.stack.running_workers()) < 2:
        opened_production.stack.add_worker()
    return opened_production


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("embedded"), {}) as opened:
        yield opened


@pytest.fixture(scope="module")
def digests(opened_production: Site) -> list[str]:
    """Of the files of REQUESTS and WHOLE when nothing happens."""
    production = opened_production
    production.stack.add_worker()
    started = [start(production.history, **request) for request in (*REQUESTS, WHOLE)]
    return [production.digest(production.history, export_id) for export_id in started]


@pytest.fixture(scope="module")
def calm(digests: list[str]) -> list[str]:
    return digests[: len(REQUESTS)]


@pytest.fixture(scope="module")
def whole(digests: list[str]) -> str:
    return digests[-1]


Beside = dict[str, Future[None]]


@pytest.fixture(scope="module")
def beside(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """What mostly waits and disturbs nobody runs beside the first test."""
    for name in ("expire", "disk"):
        servers.postgres.create_database(name)
    servers.s3.create_bucket("expire")
    postgres_and_s3 = servers.environment("expire", "expire")
    del postgres_and_s3["SIGHTLOG_REDIS_URL"]
    postgres = {"SIGHTLOG_DATABASE_URL": servers.postgres.database_url("disk")}
    folders = [tmp_path_factory.mktemp("beside") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        yield {
            "serve killed": threads.submit(kill_serve, folders[0]),
            "expire, embedded": threads.submit(expire, folders[1], {}),
            "expire, servers": threads.submit(expire, folders[2], postgres_and_s3),
            "disk": threads.submit(fill_disk, folders[3], postgres),
        }


def test_workers_killed_twenty_times(production: Site, calm: list[str], beside: Beside) -> None:
    stack, account = production.stack, production.history
    stack.end_workers()
    worker = stack.add_worker({"SIGHTLOG_WORKER_THREADS": "4"})
    started = []
    for kill in range(20):
        export_id = start(account, **REQUESTS[kill % len(REQUESTS)])
        started.append(export_id)
        until(partial(has_begun, production, export_id), 10)
        time.sleep(random.uniform(0, 0.3))
        worker.kill()
        worker = stack.add_worker({"SIGHTLOG_WORKER_THREADS": "4"})
    found = [production.digest(account, export_id) for export_id in started]
    assert found == [calm[kill % len(REQUESTS)] for kill in range(20)]
    attempts = [production.row(export_id).attempt for export_id in started]
    assert sum(attempts) - len(attempts) >= 5, attempts
    production.settle()


def has_begun(site: Site, export_id: str) -> bool:
    return site.row(export_id).status != PENDING


def test_serve_killed_with_its_worker(beside: Beside) -> None:
    beside["serve killed"].result()


@pytest.mark.parametrize("engine", ENGINES)
def test_files_expire(beside: Beside, engine: str) -> None:
    """On servers, PostgreSQL and S3 are set alone: the worker runs inside `serve`."""
    beside[f"expire, {engine}"].result()


def test_a_full_disk(beside: Beside) -> None:
    """PostgreSQL is set alone: files are local."""
    beside["disk"].result()


def test_dead_and_paused_workers(production: Site, whole: str) -> None:
    """A dead worker's export runs again within 15 seconds. One that was paused for longer than its lease and then goes
    on changes nothing that another has done meanwhile.
    """
    stack, account = production.stack, production.history
    stack.end_workers()
    paused = stack.add_worker()
    left = [start(account, **WHOLE), start(account, **BIG)]
    until(lambda: production.count(PROCESSING) == 2, 10)
    paused.signal(signal.SIGSTOP)
    dead = stack.add_worker()
    left.append(start(account, **WHOLE))
    until(lambda: production.count(PROCESSING) == 3, 10)
    dead.kill()
    died = time.monotonic()
    stack.add_worker()
    until(lambda: all(production.row(export_id).attempt == 2 for export_id in left), 15 - (time.monotonic() - died))
    digests = [production.digest(account, export_id) for export_id in left]
    assert digests == [whole, digests[1], whole]
    production.settle()
    rows = [outcome(production.row(export_id)) for export_id in left]
    assert [rows_written for rows_written, *_ in rows] == [ROWS, BIG["limit"], ROWS]
    paused.signal(signal.SIGCONT)
    time.sleep(1)
    assert paused.terminate() == 0
    assert [outcome(production.row(export_id)) for export_id in left] == rows
    assert [production.digest(account, export_id) for export_id in left] == digests
    production.settle()


def outcome(row: Export) -> tuple[Any, ...]:
    return row.rows_written, row.status, row.attempt, row.object_key, row.sha256, row.completed_at


def test_a_worker_that_is_told_to_stop_hands_its_exports_back(production: Site, whole: str) -> None:
    stack, account = production.stack, production.history
    stack.end_workers()
    busy = stack.add_worker()
    started = [start(account, **WHOLE), start(account, **WHOLE)]
    until(lambda: production.count(PROCESSING) == 2, 10)
    busy.signal(signal.SIGTERM)
    until(lambda: production.count(PENDING) == 2, 2)
    assert busy.wait(5) == 0
    stack.add_worker()
    assert [production.digest(account, export_id) for export_id in started] == [whole, whole]
    assert [production.row(export_id).attempt for export_id in started] == [2, 2]
    production.settle()


def test_serve_that_is_told_to_stop_finishes_requests_and_hands_exports_back(embedded: Site) -> None:
    account, serve = embedded.history, embedded.stack.forked[-1]
    export_id = start(account, **WHOLE)
    expected = embedded.digest(account, export_id)
    url = account.wait(export_id)["download_url"]
    started = [start(account, **WHOLE) for _ in range(4)]
    until(lambda: embedded.count(PROCESSING) == 2, 10)
    with httpx.stream("GET", url) as download:
        chunks = download.iter_raw(65536)
        content = next(chunks)
        serve.signal(signal.SIGTERM)
        until(lambda: refuses_connections(embedded.stack.url), 5)
        content += b"".join(chunks)
    assert hashlib.sha256(content).hexdigest() == expected
    assert serve.wait(5) == 0
    assert embedded.count(PROCESSING) == 0
    assert 1 in [row.attempt for row in map(embedded.row, started) if row.status == PENDING]
    embedded.stack.serve(0)
    embedded.stack.wait_until_ready()
    assert [embedded.digest(account, export_id) for export_id in started] == [expected] * 4
    embedded.settle()


def refuses_connections(url: str) -> bool:
    try:
        fetch(f"{url}/health/live")
    except httpx.TransportError:
        return True
    return False


def test_redis_stopped_hung_and_restarted_empty(production: Site, servers: Servers) -> None:
    """A request is answered within about two seconds, and every export runs once Redis is back."""
    account, redis = production.account(), servers.redis
    account.record({"id": "only"})
    workers = production.stack.running_workers()
    for worker in workers:
        worker.signal(signal.SIGSTOP)
    started = [start(account, format="jsonl") for _ in range(2)]
    redis.kill()
    redis.start()
    for worker in workers:
        worker.signal(signal.SIGCONT)
    redis.stop()
    started += [start_in_time(account) for _ in range(2)]
    redis.start()
    assert redis.process
    redis.process.send_signal(signal.SIGSTOP)
    started += [start_in_time(account)]
    redis.process.send_signal(signal.SIGCONT)
    assert len({production.digest(account, export_id) for export_id in started}) == 1
    assert [production.row(export_id).attempt for export_id in started] == [1] * 5
    production.settle()


def start_in_time(account: Account) -> str:
    began = time.monotonic()
    export_id = start(account, format="jsonl")
    assert time.monotonic() - began < 3
    return export_id


RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"


def test_postgres_restarted_under_load(production: Site, servers: Servers, calm: list[str]) -> None:
    """Requests fail for moments with 503 and recover by themselves; what was accepted is there, and once."""
    account, writer, ids = production.account(), production.account(), itertools.count()
    account.record({"id": "only"})
    small = production.digest(account, start(account, format="jsonl"))
    answers, ended = list[httpx.Response](), threading.Event()

    def load(port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        with account.connect(url=url) as client, writer.connect(url=url) as recording:
            while not ended.wait(0.02):
                for _ in range(5):
                    answers.append(client.get("/api/v2/data/descriptions"))
                body = {"data_type": "descriptions", "format": "jsonl"}
                answers.append(client.post("/api/v2/data/export", json=body))
                until(partial(is_recorded, recording, f"r{next(ids)}"), 20)

    with ThreadPoolExecutor(4) as threads:
        large = start(production.history, **LARGE)
        loads = [threads.submit(load, port) for port in production.stack.ports * 2]
        try:
            until(lambda: len(answers) > 50, 10)
            servers.postgres.restart()
            restarted = len(answers)
            until(lambda: len(answers) > restarted + 100, 10)
            servers.postgres.kill()
            servers.postgres.start()
            restarted = len(answers)
            until(lambda: len(answers) > restarted + 100, 10)
        finally:
            ended.set()
        for running in loads:
            running.result()
    assert {answer.status_code for answer in answers} == {200, 202, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json() == unavailable(answer.headers["X-Request-ID"])
    assert {answer.status_code for answer in answers[-50:]} == {200, 202}
    production.database.dispose()
    production.settle()
    accepted = [answer.json()["export_id"] for answer in answers if answer.status_code == 202]
    assert {production.row(export_id).sha256 for export_id in accepted} == {small}
    assert production.digest(production.history, large) == calm[0]
    assert writer.graphql("{ descriptions { totalCount } }") == {"descriptions": {"totalCount": next(ids)}}
    with production.database.read() as session:
        assert rollup.differences(session) == []


def is_recorded(client: httpx.Client, id: str) -> bool:
    result = {"id": id, "sourceType": "single", "createdAt": "2025-01-15T10:30:00Z", "confidenceScore": 0.3}
    answer = client.post("/graphql", json={"query": RECORD, "variables": {"input": [result]}})
    told = answer.json()
    if answer.status_code == 503:
        extensions = {"code": "SERVICE_UNAVAILABLE", "requestId": answer.headers["X-Request-ID"]}
        assert told == {"errors": [{"message": UNAVAILABLE, "extensions": extensions}]}
        return False
    if "errors" in told:
        assert told["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
        return False
    return True


UNAVAILABLE = "The database does not answer at the moment. Please try again."


def unavailable(request_id: str) -> dict[str, Any]:
    return {
        "error": {"code": "SERVICE_UNAVAILABLE", "message": UNAVAILABLE, "details": {}},
        "request_id": request_id,
    }


@pytest.mark.parametrize("ended_by", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_statement_that_is_ended_in_the_middle(production: Site, ended_by: str) -> None:
    selection = Selection(production.history.id, DescriptionFilter(), ["id", "metadata"])

    def read() -> None:
        with production.database.read() as session:
            process = session.connection().scalar(select(func.pg_backend_pid()))
            for _ in writers.write(Rows(session.connection(), selection), ExportFormat.CSV):
                with production.database.write() as other:
                    other.connection().execute(select(getattr(func, ended_by)(process)))

    with pytest.raises(Unavailable):
        read()
    assert production.count(PENDING, PROCESSING) == 0


def test_s3_down_for_a_while(production: Site, servers: Servers, calm: list[str]) -> None:
    """Exports are tried again, with more time between the tries each time; the last failure is told in plain words."""
    account = production.history
    servers.s3.kill()
    started = [start(account, **LARGE), start(account, **SMALL)]
    hopeless = start(account, **SMALL)
    for export_id in (*started, hopeless):
        assert failed(production, export_id, 1) > timedelta(seconds=2)
    almost = update(Export).where(col(Export.id) == uuid.UUID(hopeless)).values(failures=claims.MAX_FAILURES - 1)
    with production.database.write() as session:
        session.connection().execute(almost)
    for export_id in started:
        assert failed(production, export_id, 2) > timedelta(seconds=4)
    state = account.wait(hopeless)
    servers.s3.start()
    assert (state["status"], state["error_message"]) == (
        "failed",
        "The file could not be stored: the storage does not answer or has no space left. Please try again later.",
    )
    assert [production.digest(account, export_id) for export_id in started] == [calm[0], calm[2]]
    account.graphql("mutation($id: ID!) { retryExport(id: $id) { status } }", id=hopeless)
    assert production.digest(account, hopeless) == calm[2]
    production.settle()


CLOCK = """
import datetime, sys, time
shift = {shift}
now, real = time.time, datetime.datetime
class Same(type):
    def __instancecheck__(cls, value): return isinstance(value, real)
class Shifted(real, metaclass=Same):
    @classmethod
    def now(cls, tz=None): return real.now(tz) + datetime.timedelta(seconds=shift)
    @classmethod
    def utcnow(cls): return real.utcnow() + datetime.timedelta(seconds=shift)
time.time = lambda: now() + shift
for module in list(sys.modules.values()):
    if getattr(module, "datetime", None) is real:
        module.datetime = Shifted
"""
"""What a program sees on a machine whose clock is wrong."""


def test_clocks_that_differ_by_two_minutes(production: Site, whole: str) -> None:
    stack, account = production.stack, production.history
    stack.end_workers()
    settings = {"SIGHTLOG_WORKER_THREADS": "1"}
    workers = [stack.add_worker(settings, CLOCK.format(shift=shift)) for shift in (60, -60)]
    started, began = [], time.monotonic()
    while time.monotonic() - began < 3:
        started.append(start(account, **WHOLE))
        until(lambda: production.count(PENDING, PROCESSING) < 2, 30)
    assert {production.digest(account, export_id) for export_id in started} == {whole}
    assert {production.row(export_id).attempt for export_id in started} == {1}
    production.settle()
    for worker in workers:
        assert "completed" in worker.log.read_text()


SITES = ("embedded", "production")


@pytest.fixture(params=SITES)
def either(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


CANCEL = "mutation($id: ID!) { cancelExport(id: $id) { status errorMessage downloadUrl } }"


def test_a_running_export_is_cancelled_within_a_second(either: Site) -> None:
    account = either.history
    export_id = start(account, **BIG)
    key = f"{account.id}/{export_id}/1.jsonl"
    until(lambda: any(found.startswith(key) for found in either.stored()), 10)
    cancelled = account.graphql(CANCEL, id=export_id)["cancelExport"]
    assert cancelled == {"status": "CANCELLED", "errorMessage": "The export was cancelled", "downloadUrl": None}
    until(lambda: not any(found.startswith(key) for found in either.stored()), 1)
    assert account.wait(export_id)["status"] == "failed"
    assert either.row(export_id).status == CANCELLED
    account.graphql("mutation($id: ID!) { retryExport(id: $id) { status } }", id=export_id)
    assert either.digest(account, export_id)
    assert (either.row(export_id).attempt, either.row(export_id).rows_written) == (2, BIG["limit"])
    either.settle()


def test_a_running_export_is_deleted(either: Site) -> None:
    account = either.history
    export_id = start(account, **BIG)
    until(lambda: either.row(export_id).status == PROCESSING, 10)
    deleted = account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=export_id)
    assert deleted == {"deleteExport": export_id}
    assert account.graphql("query($id: ID!) { export(id: $id) { id } }", id=export_id) == {"export": None}
    assert account.client.get(f"/api/v2/data/export/{export_id}").status_code == 404
    until(lambda: not either.exists(export_id), 10)
    either.settle()
