"""An export that is ended in the midst of a statement gives its thread back, and its account's turn with it."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import pytest
from sqlalchemy import text
from sqlmodel import Session

from app.exports import claims, lifecycle, runs
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.exports.statement import Selection
from app.history.filters import DescriptionFilter
from app.models import Export
from app.runtime import Runtime

WANTED = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())

ENDLESS = {
    True: "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    False: "SELECT count(*) FROM (SELECT pg_sleep(3600)) asleep",
}
DEAF = "SELECT (repeat('a', 1000000) LIKE '%' || repeat('a', 5000) || 'b%')::int"
"""PostgreSQL looks for no cancel while it compares, which takes it some 10 seconds of a processor."""

Ending = Callable[[Session, int, uuid.UUID, Event], object]


def lapse(session: Session, account_id: int, id: uuid.UUID, stop: Event) -> None:
    row = session.get(Export, (account_id, id))
    assert row
    row.lease_until = datetime(2025, 1, 1, tzinfo=UTC)
    session.flush()
    claims.take_back(session)


ENDINGS: dict[str, tuple[Ending, str]] = {
    "cancelled": (lambda session, account_id, export, stop: lifecycle.cancel(session, account_id, export), "cancelled"),
    "deleted": (lambda session, account_id, export, stop: lifecycle.delete(session, account_id, export), "pending"),
    "taken back": (lapse, "pending"),
    "the worker stops": (lambda session, account_id, export, stop: stop.set(), "pending"),
}


def create(core: Runtime, account_id: int) -> uuid.UUID:
    with core.database.write() as session:
        return lifecycle.create(session, account_id, WANTED).id


def claim(core: Runtime, account_id: int, id: uuid.UUID) -> claims.Claim | None:
    with core.database.write() as session:
        return claims.claim(session, account_id, id, at_a_time=1)


@pytest.mark.parametrize("how", ENDINGS)
def test_its_statement_ends(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    ends(core, account_id, monkeypatch, how, ENDLESS[core.database.is_sqlite])


def test_one_that_heeds_nothing_loses_its_connection(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if core.database.is_sqlite:
        pytest.skip("SQLite heeds it at every step.")
    ends(core, account_id, monkeypatch, "cancelled", DEAF)


def ends(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch, how: str, statement: str) -> None:
    begun, stop = Event(), Event()
    end, status = ENDINGS[how]

    def never_counted(_: Selection, session: Session, at_most: int | None) -> int:
        begun.set()
        return int(session.connection().scalar(text(statement)) or 0)

    monkeypatch.setattr(Selection, "count", never_counted)
    id = create(core, account_id)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(runs.run, core, account_id, id, stop)
        begun.wait()
        with core.database.write() as session:
            end(session, account_id, id, stop)
        running.result()
    with core.database.read() as session:
        row = session.get(Export, (account_id, id))
        assert row
        assert (row.status, row.attempt, row.failures, row.lease_until) == (status, 1, 0, None)


def test_one_that_fails_as_it_is_cancelled_gives_its_turn_back(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = create(core, account_id)

    def fails(*_: object) -> int:
        with core.database.write() as session:
            lifecycle.cancel(session, account_id, id)
        raise OSError

    monkeypatch.setattr(Selection, "count", fails)
    runs.run(core, account_id, id, Event())
    with core.database.read() as session:
        row = session.get(Export, (account_id, id))
        assert row
        assert (row.status, row.attempt, row.failures, row.lease_until) == ("cancelled", 1, 0, None)


@pytest.mark.parametrize("is_retried", [False, True])
def test_a_cancelled_one_takes_its_turn_until_its_thread_is_free(
    core: Runtime, account_id: int, is_retried: bool
) -> None:
    first, second = create(core, account_id), create(core, account_id)
    held = claim(core, account_id, first)
    assert held
    with core.database.write() as session:
        lifecycle.cancel(session, account_id, first)
        assert claims.to_send(session, at_a_time=1, account_id=account_id) == []
        if is_retried:
            lifecycle.retry(session, account_id, first)
    assert claim(core, account_id, second) is None
    with core.database.write() as session:
        claims.let_go(session, held)
    assert claim(core, account_id, first if is_retried else second)


def test_the_progress_of_many_in_one_statement(core: Runtime, account_id: int) -> None:
    ids = [create(core, account_id) for _ in range(3)]
    held = claim(core, account_id, ids[0])
    assert held
    with core.database.write() as session:
        claims.renew(session, held, rows_written=2, rows_total=5)
        lifecycle.delete(session, account_id, ids[2])
    with core.database.read() as session:
        asked = [*((account_id, id) for id in ids), (account_id + 1, ids[0]), (account_id, uuid.uuid4())]
        assert lifecycle.progress(session, asked) == {
            (account_id, ids[0]): ("processing", 2, 5),
            (account_id, ids[1]): ("pending", 0, None),
        }
        assert lifecycle.progress(session, []) == {}
