"""When an export should be done, from how the last ones went."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from app.engine.db import Database
from app.exports import estimates, lifecycle
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from tests.conftest import Account


def test_tiny_exports_tell_nothing_about_the_cost_of_a_row() -> None:
    usual = estimates.pace([(1, 0.02)] * 20)
    assert usual.usual == 1
    assert usual.seconds(1) == pytest.approx(0.02, abs=0.01)
    assert usual.seconds(10_000) == pytest.approx(0.5, abs=0.05)


def test_a_fixed_cost_and_a_cost_per_row_are_told_apart() -> None:
    usual = estimates.pace([(rows, 2 + rows / 10_000) for rows in (1, 10_000, 500_000, 1_000_000)] * 5)
    assert 1 < usual.fixed < 2
    assert usual.per_row == pytest.approx(1 / 10_000, rel=0.02)


def test_before_the_first_export_it_is_a_small_machine() -> None:
    usual = estimates.pace([])
    assert usual.usual == 1000
    assert usual.seconds(0) == pytest.approx(0.05)
    assert usual.seconds(100_000) == pytest.approx(5)


def test_larger_exports_that_went_faster_do_not_make_rows_cost_less_than_nothing() -> None:
    usual = estimates.pace([(1, 60.0), (1_000_000, 0.1)] * 10)
    assert usual.per_row == 0
    assert usual.fixed > 0


@pytest.mark.parametrize("number", [1, 12])
def test_a_page_waits_for_all_that_are_older_and_costs_as_much_as_one(
    account: Account, database: Database, number: int
) -> None:
    """An account runs two at a time: each pair begins when the pair before it is done."""
    wanted = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
    with database.write() as session:
        rows = [lifecycle.create(session, account.id, wanted) for _ in range(number)]
        for place, row in enumerate(rows):
            row.created_at += timedelta(seconds=place)
            row.not_before = row.created_at + timedelta(days=1)
    asked = list[str]()

    def count(_1: object, _2: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    with database.read() as session:
        found = estimates.estimate(session, account.id, rows, at_a_time=2)
    event.remove(database.engine, "before_cursor_execute", count)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 3
    first = found[rows[0].id]
    turn = estimates.pace([]).seconds(1000)
    assert [found[row.id] - first for row in rows] == [timedelta(seconds=place // 2 * turn) for place in range(number)]
    told = account.graphql("{ exports(first: 50) { nodes { id estimatedCompletionTime } } }")["exports"]["nodes"]
    by_id = {node["id"]: datetime.fromisoformat(node["estimatedCompletionTime"]) for node in told}
    assert by_id[str(rows[-1].id)] - by_id[str(rows[0].id)] == found[rows[-1].id] - first


def test_what_has_ended_has_no_estimate(account: Account) -> None:
    account.export()
    told = account.graphql("{ exports(first: 5) { nodes { status estimatedCompletionTime } } }")["exports"]["nodes"]
    assert told == [{"status": "COMPLETED", "estimatedCompletionTime": None}]
