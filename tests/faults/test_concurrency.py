"""Many clients at once, on both engines: nothing is counted twice, nobody waits in a circle or without an end."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import chain, cycle
from threading import Barrier, Event
from typing import Any, TypeVar

import httpx
import pytest
from sqlmodel import Session, select

from app.engine.db import Database
from app.history import recording, rollup
from app.history.recording import Result
from app.models import Export
from tests.conftest import ENGINES, Account
from tests.forked import ForkedStack
from tools.servers import Servers

pytestmark = pytest.mark.xdist_group("faults")

T = TypeVar("T")

CLIENTS = 8
AT_A_TIME = 2
RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"


@pytest.fixture(scope="module", params=ENGINES)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedStack]:
    settings = {"SIGHTLOG_RATE_LIMIT": "0", "SIGHTLOG_WORKER_THREADS": "2"}
    settings["SIGHTLOG_EXPORTS_PER_ACCOUNT"] = str(AT_A_TIME)
    apis, workers = 1, 0
    if request.param == "servers":
        real: Servers = request.getfixturevalue("real_servers")
        real.postgres.create_database("concurrency")
        real.s3.create_bucket("concurrency")
        settings |= real.environment("concurrency", "concurrency")
        apis, workers = 2, 1
    folder = tmp_path_factory.mktemp("concurrency")
    with ForkedStack(folder, settings, apis=apis, workers=workers) as running:
        yield running


@pytest.fixture(scope="module")
def database(stack: ForkedStack) -> Iterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def clients(account: Account, stack: ForkedStack) -> Iterator[list[httpx.Client]]:
    """Eight of one account, spread over all API processes."""
    ports = cycle(stack.ports)
    opened = [account.connect(url=f"http://127.0.0.1:{next(ports)}") for _ in range(CLIENTS)]
    yield opened
    for client in opened:
        client.close()


def at_once(acts: list[Callable[[], T]]) -> list[T]:
    barrier = Barrier(len(acts))

    def together(act: Callable[[], T]) -> T:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(together, acts))


def results(numbers: range | list[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{number}",
            "sourceType": ("single", "batch")[number % 2],
            "createdAt": f"2025-01-{1 + number % 28:02}T00:00:00Z",
            "confidenceScore": number % 11 / 10,
        }
        for number in numbers
    ]


def recorded_by(client: httpx.Client, numbers: range | list[int]) -> Callable[[], dict[str, int]]:
    def record() -> dict[str, int]:
        answer = client.post("/graphql", json={"query": RECORD, "variables": {"input": results(numbers)}}).json()
        assert "errors" not in answer, answer
        counts: dict[str, int] = answer["data"]["recordDescriptions"]
        return counts

    return record


def total(account: Account) -> int:
    found: int = account.graphql("{ statistics { totalCount } }")["statistics"]["totalCount"]
    return found


def test_the_same_batch_at_once_is_recorded_once(account: Account, clients: list[httpx.Client]) -> None:
    told = at_once([recorded_by(client, range(500)) for client in clients])
    assert sum(counts["recorded"] for counts in told) == 500
    assert sum(counts["alreadyKnown"] for counts in told) == 500 * (CLIENTS - 1)
    assert total(account) == 500


def test_overlapping_batches_in_any_order_wait_in_no_circle(
    account: Account, clients: list[httpx.Client], database: Database
) -> None:
    batches = [random.sample(range(start, start + 600), 600) for start in range(0, CLIENTS * 100, 100)]
    for numbers in batches[::2]:
        numbers.sort(reverse=True)
    told = at_once([recorded_by(client, numbers) for client, numbers in zip(clients, batches, strict=True)])
    distinct = len(set(chain(*batches)))
    assert sum(counts["recorded"] for counts in told) == distinct == 1300
    assert sum(counts["alreadyKnown"] for counts in told) == CLIENTS * 600 - distinct
    assert total(account) == distinct
    with database.read() as session:
        assert rollup.differences(session) == []


def test_an_idempotency_key_at_once_makes_one_export(account: Account, clients: list[httpx.Client]) -> None:
    body = {"data_type": "descriptions", "format": "csv"}
    query = """mutation($key: String) { createExport(input: {format: CSV}, idempotencyKey: $key) { id } }"""

    def by_rest(client: httpx.Client) -> str:
        answer = client.post("/api/v2/data/export", json=body, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["export_id"])

    def by_graphql(client: httpx.Client) -> str:
        answer = client.post("/graphql", json={"query": query, "variables": {"key": "once"}}).json()
        return str(answer["data"]["createExport"]["id"])

    made = at_once([partial(way, client) for way, client in zip(cycle((by_rest, by_graphql)), clients, strict=False)])
    assert len(set(made)) == 1
    assert account.wait(made[0])["status"] == "completed"
    assert account.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 1}}
    other = account.client.post(
        "/api/v2/data/export", json=body | {"format": "json"}, headers={"Idempotency-Key": "once"}
    )
    assert other.status_code == 422
    assert account.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 1}}


def fill(session: Session, account: Account, rows: int) -> None:
    created_at = datetime(2025, 1, 1, tzinfo=UTC)
    history = [Result(id=f"r{number}", source_type="single", created_at=created_at) for number in range(rows)]
    recording.record(session, account.id, history)


def test_an_export_holds_one_moment_of_a_history_that_grows(
    account: Account, clients: list[httpx.Client], database: Database
) -> None:
    growing, batch, ended = clients[:4], 20, Event()
    acknowledged = [0] * len(growing)
    with database.write() as session:
        fill(session, account, 5000)

    def grow(place: int) -> None:
        while not ended.is_set():
            first = (place + 1) * 1_000_000 + acknowledged[place] * batch
            told = recorded_by(growing[place], range(first, first + batch))()
            assert told == {"recorded": batch, "alreadyKnown": 0}
            acknowledged[place] += 1

    with ThreadPoolExecutor(len(growing)) as threads:
        running = [threads.submit(grow, place) for place in range(len(growing))]
        try:
            for _ in range(5):
                before = list(acknowledged)
                state = account.export(format="jsonl", fields=["id"])
                numbers = [int(line[8:-2]) for line in httpx.get(state["download_url"]).text.splitlines()]
                assert len(numbers) == state["record_count"] == len(set(numbers))
                for place, least in enumerate(before):
                    first = (place + 1) * 1_000_000
                    found = sorted(number for number in numbers if first <= number < first + 1_000_000)
                    assert least * batch <= len(found) <= (acknowledged[place] + 1) * batch
                    assert len(found) % batch == 0
                    assert found == list(range(first, first + len(found)))
        finally:
            ended.set()
        for thread in running:
            thread.result()
    with database.read() as session:
        assert session.exec(select(Export.attempt).where(Export.account_id == account.id)).all() == [1] * 5


def test_thirty_exports_of_one_account_do_not_keep_another_waiting(
    make_account: Callable[[], Account], database: Database
) -> None:
    busy, other = make_account(), make_account()
    with database.write() as session:
        fill(session, busy, 6000)
        fill(session, other, 10)
    body = {"data_type": "descriptions", "format": "csv"}
    started = [busy.client.post("/api/v2/data/export", json=body).json()["export_id"] for _ in range(30)]
    assert other.export(format="csv")["status"] == "completed"
    assert {busy.wait(export_id)["status"] for export_id in started} == {"completed"}
    with database.read() as session:
        rows = session.exec(select(Export).where(Export.account_id == busy.id)).all()
        others = session.exec(select(Export).where(Export.account_id == other.id)).one()
    starts = [row.started_at for row in rows if row.started_at and row.started_at > others.created_at]
    assert len(starts) > AT_A_TIME
    assert others.started_at
    assert sum(start < others.started_at for start in starts) <= 2 * AT_A_TIME  # some had their turn already
    assert most_at_a_time(rows) == AT_A_TIME
    assert [row.attempt for row in rows] == [1] * 30


def most_at_a_time(rows: Any) -> int:
    """How many of the exports ran at the same time, at most."""
    changes = sorted([(row.completed_at, -1) for row in rows] + [(row.started_at, 1) for row in rows])
    running, most = 0, 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most
