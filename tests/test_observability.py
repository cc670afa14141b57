import json
import os
import re
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from websockets.sync.client import connect

from app.engine.db import Database
from app.migrations import revisions
from app.models import Scope
from tests.conftest import Account, both_engines, new_account
from tools import patience
from tools.servers import Postgres, Redis, Server, Servers, free_port, is_free
from tools.stack import Stack

DESCRIPTIONS = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
CREATE = "mutation { createExport(input: {format: CSV}) { id } }"


def only(engine: str) -> pytest.MarkDecorator:
    group = pytest.mark.xdist_group(engine)
    return pytest.mark.parametrize("observed", [pytest.param(engine, marks=group)], indirect=True)


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def own_servers(real_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis that may be stopped; the S3 is that of all tests, which does not forget."""
    folder = tmp_path_factory.mktemp("own")
    with Postgres(folder / "postgres") as postgres, Redis(folder / "redis") as redis:
        postgres.create_database("observed")
        real_servers.s3.create_bucket("observed")
        yield Servers(postgres, redis, real_servers.s3)


@pytest.fixture(scope="module", params=both_engines)
def observed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Logs as JSON. The second process, an API or a worker, has a port of its own for the metrics."""
    settings = {"SIGHTLOG_RATE_LIMIT": "0", "SIGHTLOG_LOG_FORMAT": "json"}
    if request.param == "servers":
        settings |= request.getfixturevalue("own_servers").environment("observed", "observed")
    with Stack(tmp_path_factory.mktemp("observed"), settings) as stack:
        port = free_port()
        stack.settings = settings | {"SIGHTLOG_METRICS_PORT": str(port), "SIGHTLOG_EMBEDDED_WORKER": "no"}
        if request.param == "servers":
            stack.add_worker()
        else:
            stack.add_api()
        stack.wait_until_ready()
        becomes(False, lambda: is_free(port))
        yield stack


@pytest.fixture(scope="module")
def opened(observed: Stack) -> Iterator[Database]:
    database = Database(observed.database_url)
    yield database
    database.dispose()


@pytest.fixture
def own(observed: Stack, opened: Database) -> Iterator[Account]:
    account = new_account(observed, opened)
    yield account
    account.close()


def metrics_of(url: str) -> Samples:
    answer = httpx.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"sightlog_{name}", frozenset(labels.items())))


ON_ITS_OWN = ("sightlog_sweeps", "sightlog_job_seconds")
"""Counters that grow without a request."""


def grown(before: Samples, after: Samples) -> dict[str, float]:
    """What the counters grew by, by name and label values, without the buckets."""
    found = {}
    for (name, labels), count in after.items():
        values = [label for _, label in sorted(labels)]
        counts = name.startswith("sightlog_") and name.endswith(("_total", "_count"))
        growth = count - before.get((name, labels), 0)
        if counts and growth and "/metrics" not in values and not name.startswith(ON_ITS_OWN):
            found[" ".join([name.removeprefix("sightlog_"), *values])] = growth
    return found


def aside(stack: Stack) -> str:
    """Where the metrics with a port of their own are."""
    return f"http://127.0.0.1:{stack.settings['SIGHTLOG_METRICS_PORT']}"


def exporting(stack: Stack) -> str:
    """Where the metrics of the process that runs exports are."""
    return aside(stack) if stack.worker_processes else stack.url


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Every line of a log but for what `serve` announces on standard output."""
    lines = [line for line in log.read_text().splitlines() if line and not line.startswith("  ")]
    return [json.loads(line) for line in lines]


def of_request(account: Account, request_id: str) -> list[dict[str, Any]]:
    return [line for line in logs_of(account.stack) if line.get("request_id") == request_id]


def logs_of(stack: Stack) -> list[dict[str, Any]]:
    return [line for log in sorted(stack.folder.glob("*.log")) for line in lines_of(log)]


def becomes(expected: Any, found: Callable[[], Any], timeout: float = 10) -> None:
    deadline = patience.Deadline(timeout)
    while found() != expected and not deadline.is_over:
        time.sleep(0.02)
    assert found() == expected


def test_requests_are_counted_by_the_template_of_their_route(own: Account) -> None:
    before = metrics_of(own.stack.url)
    for _ in range(3):
        own.client.get(f"{EXPORT}/{uuid.uuid4()}")
    own.client.get(f"{EXPORT}/x")
    own.client.get(f"{DESCRIPTIONS}?search=secretword")
    own.client.get("/api/v2/secretword")
    refused = own.client.get("/files/secretword?signature=x").status_code
    own.client.get("/assets/secretword")
    httpx.post(f"{own.stack.url}{EXPORT}/secretword")
    expected = {
        "request_seconds_count GET /api/v2/data/export/{export_id} 404": 3,
        "request_seconds_count GET /api/v2/data/export/{export_id} 422": 1,
        "request_seconds_count GET /api/v2/data/descriptions 200": 1,
        "request_seconds_count GET other 404": 1,
        f"request_seconds_count GET /files/{{key:path}} {refused}": 1,
        "request_seconds_count GET /assets 404": 1,
        "request_seconds_count POST other 401": 1,
    }
    becomes(expected, lambda: grown(before, metrics_of(own.stack.url)))
    after = metrics_of(own.stack.url)
    assert "secretword" not in str(after)
    route = {"method": "GET", "route": "/api/v2/data/export/{export_id}", "status": "404"}
    count = value(after, "request_seconds_count", **route)
    assert value(after, "request_seconds_bucket", le="+Inf", **route) == count
    assert 0 < (value(after, "request_seconds_sum", **route) or 0) < 5


@pytest.mark.parametrize(
    ("document", "labels"),
    [
        ("{ __typename }", "ok query"),
        ("query secretword { statistics { totalCount } }", "ok query"),
        (CREATE, "ok mutation"),
        ('mutation { cancelExport(id: "x") { id } }', "failed mutation"),
        ('{ export(id: "x") { id } }', "failed query"),
        ("query($id: ID!) { export(id: $id) { id } }", "refused query"),
        ("{ secretword }", "refused query"),
        ("{", "refused unknown"),
    ],
)
def test_operations_are_counted_by_type_and_outcome(own: Account, document: str, labels: str) -> None:
    before = metrics_of(own.stack.url)
    assert own.client.post("/graphql", json={"query": document}).status_code == 200
    after = metrics_of(own.stack.url)
    counted = {name: count for name, count in grown(before, after).items() if name.startswith("graphql")}
    assert counted == {f"graphql_operations_total {labels}": 1}
    assert "secretword" not in str(after)


def test_a_subscription_is_counted_once(own: Account) -> None:
    created = own.graphql(CREATE)["createExport"]["id"]
    own.wait(created)
    before = metrics_of(own.stack.url)
    document = f'subscription {{ exportProgress(id: "{created}") {{ status }} }}'
    answer = own.client.post("/graphql", json={"query": document}, headers={"Accept": "text/event-stream"})
    assert "COMPLETED" in answer.text
    after = metrics_of(own.stack.url)
    assert grown(before, after)["graphql_operations_total ok subscription"] == 1


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_exports_are_counted_with_their_rows_bytes_and_seconds(own: Account, format: str) -> None:
    own.record(*({"description": "text"} for _ in range(7)))
    url = exporting(own.stack)
    before = metrics_of(url)
    content = own.download(format=format)
    expected = {f"export_seconds_count {format}": 1, "exported_rows_total": 7, "exported_bytes_total": len(content)}

    def exported() -> dict[str, float]:
        return {name: count for name, count in grown(before, metrics_of(url)).items() if name.startswith("export")}

    becomes(expected, exported)
    of_job = {"job": "export", "outcome": "done"}
    attempts = [value(samples, "job_seconds_count", **of_job) or 0 for samples in (before, metrics_of(url))]
    assert attempts[1] == attempts[0] + 1
    states = [value(metrics_of(api), "exports", state="completed") for api in (url, own.stack.url)]
    assert states[0] == states[1] == (value(before, "exports", state="completed") or 0) + 1
    # What a stopped Redis took along counts until its worker is missed for 15 seconds.
    becomes(0, lambda: value(metrics_of(url), "queue_messages", queue="exports"), timeout=40)


def test_sweeps_and_what_they_take_back_are_counted(own: Account, opened: Database) -> None:
    state = own.export(format="csv")
    url = exporting(own.stack)
    before = metrics_of(url)
    with opened.write() as session:
        lapsed = "UPDATE exports SET status = 'processing', lease_until = :past WHERE account_id = :id"
        session.connection().execute(text(lapsed), {"id": own.id, "past": "2025-01-15T10:30:00.000000Z"})
    becomes(1, lambda: value(metrics_of(url), "reclaimed_total", job="export"))
    assert own.wait(state["export_id"])["status"] == "completed"
    assert (value(metrics_of(url), "sweeps_total", outcome="ok") or 0) > (
        value(before, "sweeps_total", outcome="ok") or 0
    )


@only("servers")
def test_a_worker_whose_metrics_port_is_taken_says_so(observed: Stack) -> None:
    result = observed.run("worker", check=False)
    port = observed.settings["SIGHTLOG_METRICS_PORT"]
    message = f"Error: Metrics cannot be served on 127.0.0.1:{port}: Address already in use.\n"
    assert (result.returncode, result.stdout, result.stderr.decode()) == (2, b"", message)


@only("embedded")
def test_metrics_on_a_port_of_their_own_are_not_on_the_api(observed: Stack) -> None:
    url = f"http://127.0.0.1:{observed.ports[1]}"
    assert httpx.get(f"{url}/metrics").status_code == 404
    found = metrics_of(aside(observed))
    assert value(found, "request_seconds_count", method="GET", route="other", status="404") == 1
    assert value(found, "exports", state="pending") == 0


def test_every_line_of_a_log_is_one_json_object(own: Account) -> None:
    own.download()
    for line in logs_of(own.stack):
        assert list(line)[:4] == ["time", "level", "logger", "message"]
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", line["time"])
        assert line["level"] in ("info", "warning", "error", "critical")


def test_a_request_is_one_line(own: Account) -> None:
    request_id, export_id = f"request-{uuid.uuid4()}", str(uuid.uuid4())
    own.client.get(f"{EXPORT}/{export_id}?limit=5", headers={"X-Request-ID": request_id})
    becomes(1, lambda: len(of_request(own, request_id)))
    [line] = of_request(own, request_id)
    assert 0 < line.pop("milliseconds") < 5000
    assert line.pop("time") is not None
    message = line.pop("message")
    assert re.fullmatch(rf"GET {EXPORT}/{export_id} 404 \d+\.\d ms", message)
    assert line == {
        "level": "info",
        "logger": "app.http.middleware",
        "request_id": request_id,
        "method": "GET",
        "route": "/api/v2/data/export/{export_id}",
        "path": f"{EXPORT}/{export_id}",
        "status": 404,
        "account_id": own.id,
        "export_id": export_id,
    }


@pytest.mark.parametrize("edge", ["rest", "graphql"])
def test_a_request_id_runs_through_to_the_worker(own: Account, edge: str) -> None:
    headers = {"X-Request-ID": f"request-{uuid.uuid4()}"}
    if edge == "rest":
        body = {"data_type": "descriptions", "format": "csv"}
        export_id = own.client.post(EXPORT, json=body, headers=headers).json()["export_id"]
    else:
        answer = own.client.post("/graphql", json={"query": CREATE}, headers=headers).json()
        export_id = answer["data"]["createExport"]["id"]
    own.wait(export_id)

    def said() -> list[str]:
        lines = of_request(own, headers["X-Request-ID"])
        of_export = [line for line in lines if line.get("export_id") == export_id and line["account_id"] == own.id]
        return sorted(line["message"] for line in of_export)

    expected = ["attempt 1 started", "completed, 0 rows, 112 bytes", "sent to a worker"]
    becomes([f"export {export_id}: {message}" for message in expected], said)


@pytest.mark.parametrize("path", [DESCRIPTIONS, "/graphql"])
def test_what_nobody_expected_is_logged_with_its_request_id(own: Account, opened: Database, path: str) -> None:
    with opened.write() as session:
        broken = text("UPDATE api_keys SET scope = 'broken' WHERE account_id = :id")
        session.connection().execute(broken, {"id": own.id})
    request_id = f"request-{uuid.uuid4()}"
    answer = own.client.get(path, headers={"X-Request-ID": request_id})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, request_id)
    message = "Something went wrong on our side."
    extensions = {"code": "INTERNAL_ERROR", "requestId": request_id}
    assert (
        answer.json()
        == {
            DESCRIPTIONS: {
                "error": {"code": "INTERNAL_ERROR", "message": message, "details": {}},
                "request_id": request_id,
            },
            "/graphql": {"errors": [{"message": message, "extensions": extensions}]},
        }[path]
    )
    becomes(["error", "info"], lambda: [line["level"] for line in of_request(own, request_id)])
    error = of_request(own, request_id)[0]
    assert error["exception"].startswith("Traceback (most recent call last):\n")
    assert error["exception"].endswith("ValueError: 'broken' is not a valid Scope")
    with opened.write() as session:
        session.connection().execute(text("DELETE FROM api_keys WHERE account_id = :id"), {"id": own.id})


def test_no_log_holds_a_key_or_a_signature(own: Account) -> None:
    key, wrong = own.keys[Scope.WRITE], "sightlog_" + "w" * 51
    state = own.export(format="csv")
    assert httpx.get(state["download_url"]).status_code == 200
    own.client.get(DESCRIPTIONS, params={"key": key, "search": key})
    own.client.get(f"{EXPORT}/{key}")
    own.client.get(f"/api/{key}/{wrong}")
    httpx.get(f"{own.stack.url}{DESCRIPTIONS}", headers={"Authorization": f"Bearer {wrong}"})
    own.client.post("/graphql", json={"query": f'{{ export(id: "{key}") {{ id }} }}'})
    url = own.stack.url.replace("http", "ws")
    with connect(f"{url}/graphql?key={key}&signature=abc", subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {key}"}}))
        assert json.loads(socket.recv())["type"] == "connection_ack"
    everything = "".join(log.read_text() for log in own.stack.folder.glob("*.log"))
    assert f"/api/{key[:17]}***/{wrong[:17]}***" in everything
    assert f"/graphql?key={key[:17]}***&signature=***" in everything
    signature = re.split("(?i)signature=", state["download_url"])[1]
    assert [secret for secret in (key[17:], wrong[17:], signature) if secret in everything] == []


def test_text_is_for_people(account: Account) -> None:
    request_id = f"request-{uuid.uuid4()}"
    account.client.get(f"{DESCRIPTIONS}?limit=1", headers={"X-Request-ID": request_id})
    log = account.stack.folder / "api-1.log"
    becomes(1, lambda: log.read_text().count(request_id))
    [line] = [line for line in log.read_text().splitlines() if request_id in line]
    moment = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ"
    assert re.fullmatch(
        rf"{moment} INFO    app.http.middleware: GET {DESCRIPTIONS} 200 \d+\.\d ms \[request_id={request_id}\]", line
    )


def test_readiness_of_a_database_that_is_behind(observed: Stack, opened: Database) -> None:
    def ready(revision: str | None) -> tuple[int, Any]:
        with opened.write() as session:
            session.connection().execute(text("DELETE FROM alembic_version"))
            if revision:
                session.connection().execute(text("INSERT INTO alembic_version VALUES (:id)"), {"id": revision})
        answer = httpx.get(f"{observed.url}/health/ready")
        return answer.status_code, answer.json()

    head = revisions.head()
    behind = {"database": "behind", "queue": "ok", "storage": "ok"}
    well = {"database": "ok", "queue": "ok", "storage": "ok"}
    assert ready(None) == (503, {"status": "unavailable", "checks": behind})
    assert ready("of a newer version") == (200, {"status": "ok", "checks": well})
    assert ready(head) == (200, {"status": "ok", "checks": well})


@only("embedded")
def test_readiness_of_a_folder_that_is_none(observed: Stack) -> None:
    folder = observed.folder / "data" / "exports"
    away = folder.rename(folder.with_name("away"))
    folder.touch()
    answer = httpx.get(f"{observed.url}/health/ready")
    checks = {"database": "ok", "queue": "ok", "storage": "unavailable"}
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "checks": checks})
    assert httpx.get(f"{observed.url}/health/live").json() == {"status": "ok"}
    folder.unlink()
    away.rename(folder)
    assert httpx.get(f"{observed.url}/health/ready").status_code == 200


def processes_of(server: Server) -> list[int]:
    assert server.process is not None
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@contextmanager
def hanging(server: Server) -> Iterator[None]:
    pids = processes_of(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@only("servers")
@pytest.mark.parametrize("how", [hanging, stopped])
@pytest.mark.parametrize("name", ["queue", "storage", "database"])
def test_readiness_names_what_is_down(
    own_servers: Servers,
    observed: Stack,
    opened: Database,
    name: str,
    how: Callable[[Server], AbstractContextManager[None]],
) -> None:
    server: Server = {"database": own_servers.postgres, "queue": own_servers.redis, "storage": own_servers.s3}[name]
    with httpx.Client(base_url=observed.url) as client:
        with how(server):
            began = time.monotonic()
            answer = client.get("/health/ready")
            seconds = time.monotonic() - began
            assert client.get("/health/live").status_code == 200
            found = metrics_of(observed.url)
            seconds_of_all = time.monotonic() - began
        assert answer.status_code == 503
        checks = {"database": "ok", "queue": "ok", "storage": "ok"} | {name: "unavailable"}
        assert answer.json() == {"status": "unavailable", "checks": checks}
        assert seconds < 2.5
        assert seconds_of_all < 5
        assert (value(found, "exports", state="pending") is None) == (name == "database")
        assert (value(found, "queue_messages", queue="exports") is None) == (name == "queue")
        becomes(200, lambda: client.get("/health/ready").status_code)
    opened.dispose()  # whose connections went with the server


@pytest.mark.xdist_group("servers")
def test_what_does_not_answer_at_the_start_is_told_in_one_line(tmp_path: Path, real_servers: Servers) -> None:
    """And nobody waits for it: the API serves, the worker takes up its work when it is back."""
    url = real_servers.postgres.create_database(f"start_{uuid.uuid4().hex}")
    settings = real_servers.environment("x", "no-such-bucket") | {
        "SIGHTLOG_DATABASE_URL": url,
        "SIGHTLOG_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    stack = Stack(tmp_path, settings)
    stack.run("db", "upgrade")
    try:
        for process in (stack.add_api(), stack.add_worker()):
            log = process.log
            becomes(["queue", "storage"], lambda log=log: told_as_not_ready(log), 30)  # type: ignore[misc]
            assert process.is_running()
        assert httpx.get(f"{stack.url}/health/live", timeout=patience.seconds(5)).status_code == 200
    finally:
        stack.stop()


def told_as_not_ready(log: Path) -> list[str]:
    return sorted(set(re.findall(r"WARNING app.probes: not ready: the (\w+) does not answer: \S", log.read_text())))
