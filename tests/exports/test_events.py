"""What happened to an export, as GraphQL tells it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from app.engine.db import Database
from app.exports import claims, events, lifecycle
from app.exports.claims import Claim
from app.exports.formats import ExportFormat
from app.exports.lifecycle import Receipt
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.models import ExportEventType, Scope
from app.runtime import Runtime
from tests.conftest import Account

WANTED = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
EVENTS = "events { type at attempt keyPrefix message }"


def happened(account: Account, id: str) -> list[tuple[Any, ...]]:
    """Without their times, which go up."""
    told = account.graphql(f"query($id: ID!) {{ export(id: $id) {{ createdAt {EVENTS} }} }}", id=id)["export"]
    times = [datetime.fromisoformat(event["at"]) for event in told["events"]]
    assert times == sorted(times)
    assert times[0] == datetime.fromisoformat(told["createdAt"])
    return [(one["type"], one["attempt"], one["keyPrefix"], one["message"]) for one in told["events"]]


def test_an_export_that_nothing_happens_to(account: Account) -> None:
    key = account.keys[Scope.WRITE][:17]
    id = account.export(format="csv")["export_id"]
    assert happened(account, id) == [
        ("CREATED", 0, key, None),
        ("STARTED", 1, None, None),
        ("COMPLETED", 1, None, None),
    ]


def test_what_customers_do(account: Account, database: Database) -> None:
    key = account.keys[Scope.WRITE][:17]
    with database.write() as session:
        row = lifecycle.create(session, account.id, WANTED, by="sightlog_maker")
        row.not_before = row.created_at + timedelta(days=1)
    id = str(row.id)
    for operation in ("cancelExport", "cancelExport", "retryExport"):
        account.graphql(f"mutation($id: ID!) {{ {operation}(id: $id) {{ id }} }}", id=id)
    account.wait(id)
    assert happened(account, id) == [
        ("CREATED", 0, "sightlog_maker", None),
        ("CANCELLED", 0, key, None),
        ("RETRIED", 0, key, None),
        ("STARTED", 1, None, None),
        ("COMPLETED", 1, None, None),
    ]


def test_a_page_asks_once_for_all(account: Account, database: Database) -> None:
    with database.write() as session:
        rows = [lifecycle.create(session, account.id, WANTED) for _ in range(7)]
        for row in rows:
            row.not_before = row.created_at + timedelta(days=1)
    asked = list[str]()

    def count(_1: object, _2: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    with database.read() as session:
        found = events.of(session, account.id, [row.id for row in rows])
    event.remove(database.engine, "before_cursor_execute", count)
    assert len([statement for statement in asked if "export_events" in statement]) == 1
    assert {id: [one.type for one in all] for id, all in found.items()} == {row.id: ["created"] for row in rows}
    page = account.graphql("{ exports(first: 50) { nodes { events { type } } edges { node { events { type } } } } }")
    created = [{"events": [{"type": "CREATED"}]}] * 7
    assert page["exports"] == {"nodes": created, "edges": [{"node": node} for node in created]}


@pytest.fixture
def held(core: Runtime, account_id: int) -> Claim:
    with core.database.write() as session:
        id = lifecycle.create(session, account_id, WANTED).id
        claim = claims.claim(session, account_id, id, at_a_time=1)
    assert claim
    return claim


def types(core: Runtime, claim: Claim) -> list[tuple[str, str | None]]:
    export = claim.export
    with core.database.read() as session:
        return [(one.type, one.message) for one in events.of(session, export.account_id, [export.id])[export.id]]


def test_a_failure_that_passes_and_one_that_does_not(core: Runtime, held: Claim) -> None:
    export = held.export
    with core.database.write() as session:
        assert claims.hand_back_later(session, held, "The storage does not answer.")
        session.connection().execute(text("UPDATE exports SET not_before = NULL"))
        again = claims.claim(session, export.account_id, export.id, at_a_time=1)
        assert again
        assert claims.fail(session, again, "There is no luck.")
    assert types(core, held)[2:] == [
        ("handed_back", "The storage does not answer."),
        ("started", None),
        ("failed", "There is no luck."),
    ]


def test_a_worker_that_stops_and_one_that_dies(core: Runtime, held: Claim) -> None:
    export = held.export
    past = text("UPDATE exports SET lease_until = :past WHERE account_id = :id")
    with core.database.write() as session:
        assert claims.hand_back(session, held)
        assert claims.claim(session, export.account_id, export.id, at_a_time=1)
        session.connection().execute(past, {"past": "2025-01-15T10:30:00.000000Z", "id": export.account_id})
        claims.take_back(session)
    assert types(core, held)[2:] == [
        ("handed_back", "The worker stopped."),
        ("started", None),
        ("handed_back", "The worker ended without a word."),
    ]


def test_expiry_and_deletion(core: Runtime, held: Claim) -> None:
    """The events go with the export."""
    export = held.export
    with core.database.write() as session:
        receipt = Receipt(0, 0, "00" * 32, lifecycle.clock(session))
        assert claims.complete(session, held, receipt, object_key="key")
        claims.expire(session, timedelta(0), export.account_id)
        lifecycle.delete(session, export.account_id, export.id, by="sightlog_deleter")
    assert [type for type, _ in types(core, held)] == ["created", "started", "completed", "expired", "deleted"]
    with core.database.write() as session:
        for one in claims.to_clean(session, export.account_id):
            claims.cleaned(session, one)
    assert types(core, held) == []


def test_the_last_hundred_are_kept(core: Runtime, account_id: int) -> None:
    id, now = uuid.uuid4(), datetime.fromisoformat("2025-01-01T00:00:00+00:00")
    with core.database.write() as session:
        for number in range(events.MAX_EVENTS + 5):
            events.add(session, account_id, id, ExportEventType.STARTED, at=now, attempt=number)
        found = events.of(session, account_id, [id])[id]
    assert [one.attempt for one in found] == list(range(5, events.MAX_EVENTS + 5))
