import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from app import auth
from app.engine.db import Database
from app.migrations import migrate
from app.models import Scope
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from tools import node, patience, servers
from tools.stack import Stack

T = TypeVar("T")

ENGINES = ("embedded", "servers")
DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "flickr8k_history.jsonl.gz"

both_engines = [pytest.param(engine, marks=pytest.mark.xdist_group(engine)) for engine in ENGINES]
"""Parameters of a fixture: each engine in a test process of its own."""

only_embedded, only_servers = (pytest.mark.parametrize("stack", [engine], indirect=True) for engine in both_engines)
"""For a test that uses the fixture `stack` where the other engine would show nothing more."""

_numbers = itertools.count(1)

NO_CHROMIUM = "there is no Chromium"
"""Why tests of pages are skipped."""
NO_NODE = f"there is no Node {node.OLDEST} with npm"
"""Why the examples in TypeScript are skipped."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="Keep the pictures of the docs: docs/images/*.png.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    def skipped(reason: str) -> int:
        reports = terminalreporter.stats.get("skipped", ())
        return sum(report.longrepr[2].endswith(reason) for report in reports)

    if number := skipped(NO_CHROMIUM):
        from tools import chromium  # with Playwright, which takes long to import

        how = chromium.HOW_TO_GET_IT
        terminalreporter.write_line(f"{number} tests in a browser were not run, as {NO_CHROMIUM}: {how}.")
    if number := skipped(NO_NODE):
        terminalreporter.write_line(f"{number} tests in Node were not run, as {NO_NODE}: {node.HOW_TO_GET_IT}.")


@dataclass
class Account:
    """A fresh account of a stack, with one client for each scope. `client` may write, which is what most tests need."""

    stack: Stack
    database: Database
    name: str
    id: int
    keys: dict[Scope, str]

    def connect(self, scope: Scope = Scope.WRITE, url: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.keys[scope]}"}
        # Reading the certificates, which plain HTTP does not need, takes longer than most tests.
        return httpx.Client(base_url=url or self.stack.url, headers=headers, timeout=patience.seconds(30), verify=False)

    def graphql(self, query: str, **variables: Any) -> Any:
        """The `data` of an operation that must succeed."""
        answer = self.client.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> Any:
        """The first error of an operation that must be refused."""
        answer = self.client.post("/graphql", json={"query": query, "variables": variables}).json()
        return answer["errors"][0]

    def record(self, *results: dict[str, Any]) -> None:
        """Records results given by their GraphQL names; what a result must have is filled in."""
        inputs = [
            {"id": f"r{place}", "sourceType": "single", "createdAt": f"2025-01-15T10:30:{place % 60:02}Z"} | result
            for place, result in enumerate(results)
        ]
        mutation = (
            "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"
        )
        told = self.graphql(mutation, input=inputs)["recordDescriptions"]
        assert told == {"recorded": len(results), "alreadyKnown": 0}

    def export(self, **body: Any) -> dict[str, Any]:
        """Starts an export through REST and waits for its end; what the API then says."""
        answer = self.client.post("/api/v2/data/export", json={"data_type": "descriptions", "format": "jsonl"} | body)
        assert answer.status_code == 202, answer.text
        return self.wait(answer.json()["export_id"])

    def wait(self, export_id: str, timeout: float = 60) -> dict[str, Any]:
        deadline = patience.Deadline(timeout)
        while True:
            state: dict[str, Any] = self.client.get(f"/api/v2/data/export/{export_id}").json()
            if state["status"] in ("completed", "failed"):
                return state
            assert not deadline.is_over, state
            time.sleep(0.01)

    def download(self, **body: Any) -> bytes:
        """The file of an export that must be completed."""
        state = self.export(**body)
        assert state["status"] == "completed", state
        return httpx.get(state["download_url"], verify=False, timeout=patience.seconds(30)).content

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            self._client = self.connect()
        return self._client

    _client: httpx.Client | None = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def at_the_second_try(request: pytest.FixtureRequest, start: Callable[[], T]) -> T:
    """What starts, at once or when it is tried again. Otherwise the whole run ends, and says why there and then:
    thousands of tests would fail for the same reason.
    """
    with suppress(Exception):
        return start()
    try:
        return start()
    except Exception as error:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\n{request.fixturename} cannot be started, twice: {error}", file=sys.stderr, flush=True)
        pytest.exit(f"{request.fixturename} cannot be started")


@pytest.fixture(scope="session")
def real_servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Servers]:
    """PostgreSQL, Redis and S3, started once in a test process and stopped at its end."""
    started = at_the_second_try(request, lambda: servers.start_all(tmp_path_factory.mktemp("servers")))
    yield started
    started.stop()


_stacks = itertools.count()


@pytest.fixture(scope="session", params=both_engines)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running Sightlog of each kind: every test that uses it runs on both."""
    settings = {"SIGHTLOG_RATE_LIMIT": "0"}
    workers = 0
    if request.param == "servers":
        real: servers.Servers = request.getfixturevalue("real_servers")
        name = f"suite{next(_stacks)}"  # with one process for all, pytest may come back to an engine that it had left
        real.postgres.create_database(name)
        real.s3.create_bucket(name)
        settings |= real.environment(name, name)
        workers = 1

    def start() -> Stack:
        return Stack(tmp_path_factory.mktemp(request.param), settings, workers=workers).start()

    with at_the_second_try(request, start) as running:
        yield running


@pytest.fixture(scope="session", params=both_engines)
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """What a process works with, on each engine; no worker does anything here but what a test does."""
    url = ""
    if request.param == "servers":
        url = request.getfixturevalue("real_servers").postgres.create_database("core")
    opened = open_runtime(Settings(data_dir=tmp_path_factory.mktemp("core"), database_url=url))
    migrate.upgrade(opened.database)
    yield opened
    opened.close()


@pytest.fixture
def account_id(core: Runtime) -> int:
    """Of a fresh account, without a key."""
    with core.database.write() as session:
        return auth.account_id(session, f"account {next(_numbers)}", create=True)


@pytest.fixture(scope="session")
def database(stack: Stack) -> Iterator[Database]:
    """The database of the stack, for what has no public interface: making accounts, and looking at rows."""
    opened = Database(stack.database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def make_account(stack: Stack, database: Database) -> Iterator[Callable[[], Account]]:
    made: list[Account] = []

    def make() -> Account:
        made.append(new_account(stack, database))
        return made[-1]

    yield make
    for account in made:
        account.close()


@pytest.fixture
def account(make_account: Callable[[], Account]) -> Account:
    return make_account()


def new_account(stack: Stack, database: Database) -> Account:
    name = f"account {os.getpid()} {next(_numbers)}"
    with database.write() as session:
        id = auth.account_id(session, name, create=True)
        keys = {scope: auth.create_key(session, id, scope) for scope in Scope}
    return Account(stack, database, name, id, keys)


def code_of(refused: httpx.Response) -> str:
    """The code of a refusal, in the shape of GraphQL or of the documented paths."""
    answer = refused.json()
    error = answer["errors"][0]["extensions"] if "errors" in answer else answer.get("error") or answer["detail"]
    code: str = error["code"]
    return code


@pytest.fixture(scope="session")
def flickr() -> Path:
    """The 88,290 real results that lie beside the repository; where they do not, the tests on them are skipped."""
    if not DATA.is_file():
        pytest.skip("the Flickr8k history is not there")
    return DATA
