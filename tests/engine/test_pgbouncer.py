"""Through PgBouncer in transaction mode each statement may meet another server process."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from app.engine.db import Database
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tools.pgbouncer import PROGRAM, PgBouncer
from tools.servers import Servers
from tools.stack import Stack

pytestmark = [
    pytest.mark.xdist_group("servers"),
    pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed: apt-get install pgbouncer"),
]

NAME = "pooled"


@pytest.fixture(scope="module")
def pooler(real_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    real_servers.postgres.create_database(NAME)
    with real_servers.postgres.connect() as connection:
        connection.execute(f"ALTER DATABASE {NAME} SET timezone = 'America/New_York'")  # which no result may show
    with PgBouncer(tmp_path_factory.mktemp("pgbouncer"), real_servers.postgres) as running:
        yield running


@pytest.fixture(scope="module")
def pooled(pooler: PgBouncer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {
        "SIGHTLOG_DATABASE_URL": pooler.database_url(NAME), "SIGHTLOG_RATE_LIMIT": "0",
        "SIGHTLOG_STATEMENT_TIMEOUT": "1s",
    }  # fmt: skip
    with ForkedStack(tmp_path_factory.mktemp("pooled"), settings) as running:
        yield running


@pytest.fixture
def own(pooled: Stack) -> Iterator[Account]:
    database = Database(pooled.database_url)
    account = new_account(pooled, database)
    yield account
    account.close()
    database.dispose()


def test_all_clients_at_once_get_their_answers(own: Account) -> None:
    """Each of them more often than psycopg needs to prepare a statement."""

    def work(number: int) -> list[tuple[int, int]]:
        found = []
        with own.connect() as client:
            for turn in range(12):
                result = f'{{id: "{number}-{turn}", sourceType: "s", createdAt: "2025-01-15T23:30:00-05:00"}}'
                mutation = f"mutation {{ recordDescriptions(input: [{result}]) {{ recorded }} }}"
                answers = [
                    client.post("/graphql", json={"query": mutation}),
                    client.get("/api/v2/data/descriptions", params={"limit": 3}),
                    client.post("/graphql", json={"query": "{ statistics { totalCount } exports { totalCount } }"}),
                ]
                assert "errors" not in answers[0].text + answers[2].text, [answer.text for answer in answers]
                found += [(answer.status_code, len(answers)) for answer in answers]
        return found

    with ThreadPoolExecutor(8) as threads:
        told = [answer for found in threads.map(work, range(8)) for answer in found]
    assert told == [(200, 3)] * (8 * 12 * 3)
    page = own.client.get("/api/v2/data/descriptions", params={"limit": 1}).json()
    assert (page["total_count"], page["items"][0]["created_at"]) == (96, "2025-01-16T04:30:00Z")
    days = own.graphql("{ statistics { dailyCounts { date count } } }")["statistics"]["dailyCounts"]
    assert days == [{"date": "2025-01-16", "count": 96}]


def test_exports_are_written_through_it(own: Account) -> None:
    own.record(*({"description": f"text {number}"} for number in range(50)))
    states = [own.export(format=format, fields=["id", "created_at"]) for format in ("csv", "json", "jsonl")]
    assert [(state["status"], state["record_count"]) for state in states] == [("completed", 50)] * 3
    assert (
        httpx.get(states[2]["download_url"]).text.splitlines()[0] == '{"id":"r49","created_at":"2025-01-15T10:30:49Z"}'
    )


LEFT = """SELECT count(*) FROM pg_prepared_statements
    UNION ALL SELECT count(*) FROM pg_class WHERE relname LIKE 'incoming%'"""


def test_nothing_of_a_client_is_left_on_the_server(own: Account, pooler: PgBouncer) -> None:
    own.record({})
    own.client.get("/api/v2/data/descriptions")
    with psycopg.connect(pooler.database_url(NAME), autocommit=True, prepare_threshold=None) as connection:
        for _ in range(20):
            assert connection.execute(LEFT).fetchall() == [(0,), (0,)]


def test_a_statement_that_takes_too_long_ends(own: Account, pooler: PgBouncer) -> None:
    own.client.get("/api/v2/data/descriptions")
    with psycopg.connect(pooler.postgres.database_url(NAME).replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE descriptions")
        answer = own.client.get("/api/v2/data/descriptions")
        assert (answer.status_code, answer.json()["detail"]["code"]) == (422, "QUERY_TIMEOUT")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        assert connection.execute(waiting, (NAME,)).fetchall() == [(0,)]
    assert own.client.get("/api/v2/data/descriptions").status_code == 200


def test_it_is_ready(pooled: Stack) -> None:
    answer = httpx.get(f"{pooled.url}/health/ready")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (200, "ok")
