"""A plan tells what the export then is."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.errors import InvalidInput
from app.exports import lifecycle, plans
from app.exports.formats import ExportFormat
from app.exports.plans import Estimate, EstimateBasis
from app.exports.requests import MAX_ROWS, ExportRequest
from app.history import recording, windows
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.history.windows import Window
from app.models import ExportStatus, Scope
from app.runtime import Runtime
from tests.conftest import Account

PLAN = """query($input: CreateExportInput!) { planExport(input: $input) {
    rows revision bytes { value basis exports rows } seconds { value basis exports rows }
    brokenLimit { name value message windows { start end endDate rows } }
} }"""
CREATE = "mutation($input: CreateExportInput!) { createExport(input: $input) { id } }"
DAY = datetime(2025, 1, 15, tzinfo=UTC)


def planned(account: Account, **input: Any) -> Any:
    return account.graphql(PLAN, input=input)["planExport"]


@pytest.mark.parametrize(
    ("input", "rows"),
    [
        ({"format": "CSV"}, 30),
        ({"format": "JSON", "filter": {"search": ["dog 1"]}}, 11),
        ({"format": "JSONL", "compression": "GZIP", "limit": 7, "fields": ["id", "created_at"]}, 7),
        ({"format": "JSONL", "filter": {"types": ["none"]}}, 0),
    ],
)
def test_a_small_export_is_told_exactly(account: Account, input: dict[str, Any], rows: int) -> None:
    account.record(*({"id": f"r{place}", "description": f"A dog {place}"} for place in range(30)))
    plan = planned(account, **input)
    assert (plan["rows"], plan["brokenLimit"]) == (rows, None)
    assert account.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}
    state = account.wait(account.graphql(CREATE, input=input)["createExport"]["id"])
    size = len(httpx.get(state["download_url"], verify=False).content)
    assert (state["record_count"], plan["bytes"]) == (
        rows,
        {"value": size, "basis": "SAMPLE", "exports": 0, "rows": rows},
    )
    first = plan["seconds"]
    assert first == {"value": pytest.approx(0.05 + rows * 0.0000495), "basis": "SMALL_MACHINE", "exports": 0, "rows": 0}
    later = planned(account, **input)["seconds"]
    assert later == {"value": later["value"], "basis": "COMPLETED_EXPORTS", "exports": 1, "rows": rows}
    assert later["value"] > 0


def test_a_large_one_is_estimated_by_its_newest_rows(account: Account) -> None:
    results = [result(place, DAY + timedelta(seconds=place)) for place in range(3000)]
    with account.database.write() as session:
        recording.record(session, account.id, results)
    plan = planned(account, format="CSV")
    assert (plan["bytes"]["basis"], plan["bytes"]["rows"]) == ("SAMPLE", 1000)
    state = account.export(format="csv")
    size = len(httpx.get(state["download_url"], verify=False).content)
    assert plan["bytes"]["value"] == pytest.approx(size, rel=0.02)


def test_one_that_breaks_the_limit_is_split(account: Account) -> None:
    """100,001 results on three days: a key without the scope `admin` may export no more than 100,000 at once."""
    counts = {0: 60_000, 1: 30_001, 5: 10_000}
    for day, count in counts.items():
        for start in range(0, count, 10_000):
            places = range(start, min(start + 10_000, count))
            at = DAY + timedelta(days=day)
            results = [result(f"{day}-{place}", at + timedelta(seconds=place), description=None) for place in places]
            with account.database.write() as session:
                recording.record(session, account.id, results)
    plan = planned(account, format="CSV")
    assert plan["rows"] == 100_001
    found = plan["brokenLimit"]
    assert (found["name"], found["value"]) == ("MAX_ROWS", MAX_ROWS)
    assert found["message"] == (
        "100,001 results match, and an export of this key holds 100,000 at most: export these 2 windows of time one by "
        "one, or ask for the newest with a limit."
    )
    assert found["windows"] == [
        {"start": "2025-01-15T00:00:00Z", "end": "2025-01-20T00:00:00Z", "endDate": "2025-01-19T23:59:59.999999Z"}
        | {"rows": 90_001},
        {"start": "2025-01-20T00:00:00Z", "end": "2025-01-21T00:00:00Z", "endDate": "2025-01-20T23:59:59.999999Z"}
        | {"rows": 10_000},
    ]
    for one in found["windows"]:
        within = {"startDate": one["start"], "endDate": one["endDate"]}
        assert planned(account, format="CSV", filter=within)["rows"] == one["rows"]
    assert planned(account, format="CSV", limit=100_000)["brokenLimit"] is None
    with account.connect(Scope.ADMIN) as client:
        told = client.post("/graphql", json={"query": PLAN, "variables": {"input": {"format": "CSV"}}}).json()
    assert told["data"]["planExport"]["brokenLimit"] is None


# Windows, each with few results


def result(id: object, at: datetime, **more: Any) -> Result:
    values = {"id": str(id), "source_type": "single", "created_at": at, "description": f"A dog, number {id}"}
    return Result.model_validate(values | more)


def split(core: Runtime, account_id: int, most: int, **wanted: Any) -> list[Window]:
    meant = DescriptionFilter(**wanted)
    with core.database.read() as session:
        known = core.database.answer_in(session, core.statistics.ask(account_id, meant))
        return list(core.database.answer_in(session, windows.ask(account_id, meant, known, most)))


MOMENTS = [
    *(DAY + timedelta(days=day, hours=hour) for day in range(4) for hour in (0, 1, 23)),
    *(DAY + timedelta(days=9, microseconds=place * 37) for place in range(40)),
    *(DAY + timedelta(days=9, seconds=place * 7) for place in range(1, 30)),
]


@pytest.mark.parametrize("most", [1, 5, 12])
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"search": ("dog, number 02", "7")},
        {"start_date": DAY + timedelta(hours=1), "end_date": DAY + timedelta(days=9, seconds=100)},
        {"min_confidence": 0.5, "include_failed": True},
    ],
)
def test_windows_are_each_within_the_limit_and_have_all_together(
    core: Runtime, account_id: int, most: int, wanted: dict[str, Any]
) -> None:
    with core.database.write() as session:
        given = (result(f"{place:03}", at, confidence_score=place % 4 / 4) for place, at in enumerate(MOMENTS))
        recording.record(session, account_id, given)
    found = split(core, account_id, most, **wanted)
    matching = core.database.answer_now(core.statistics.ask(account_id, DescriptionFilter(**wanted)))
    assert sum(one.rows for one in found) == matching.total_count
    assert all(0 < one.rows <= most for one in found)
    assert all(one.end == following.start for one, following in itertools.pairwise(found))
    assert all(one.rows + following.rows > most for one, following in itertools.pairwise(found))
    for one in found:
        within = DescriptionFilter(**wanted | {"start_date": one.start, "end_date": one.end_date})
        assert core.database.answer_now(core.statistics.ask(account_id, within)).total_count == one.rows
    if "start_date" in wanted:
        assert (found[0].start, found[-1].end_date) == (wanted["start_date"], wanted["end_date"])


def test_what_no_time_divides_is_told(core: Runtime, account_id: int) -> None:
    with core.database.write() as session:
        recording.record(session, account_id, [result(place, DAY) for place in range(5)])
    with pytest.raises(InvalidInput, match="5 are of one and the same moment, so that no time divides them"):
        split(core, account_id, 4)


def test_there_are_no_more_windows_than_can_be_read(core: Runtime, account_id: int) -> None:
    with core.database.write() as session:
        recording.record(session, account_id, [result(place, DAY + timedelta(hours=place)) for place in range(1001)])
    with pytest.raises(InvalidInput, match="more than 1,000 of them; narrow the filter first"):
        split(core, account_id, 1)
    assert len(split(core, account_id, 2)) == 501


def test_the_last_window_may_end_with_the_calendar(core: Runtime, account_id: int) -> None:
    with core.database.write() as session:
        days = (datetime(9999, 12, day, 12, tzinfo=UTC) for day in (30, 31))
        recording.record(session, account_id, [result(day.day, day) for day in days])
    last = split(core, account_id, 1)[-1]
    assert (last.start, last.end, last.end_date) == (datetime(9999, 12, 31, tzinfo=UTC), None, None)


def test_a_packed_format_is_estimated_by_exports_of_its_kind(core: Runtime, account_id: int) -> None:
    wanted = ExportRequest(format=ExportFormat.IMAGEFOLDER, filter=DescriptionFilter(), options={"images": True})
    with core.database.write() as session:
        recording.record(session, account_id, [result(place, DAY) for place in range(3)])
    assert plans.plan(core, account_id, wanted).bytes is None
    with core.database.write() as session:
        for request, rows, size in ((wanted, 10, 5000), (replace(wanted, options={}), 10, 100), (wanted, 30, 11000)):
            row = lifecycle.create(session, account_id, request)
            row.status, row.rows_written, row.bytes = ExportStatus.COMPLETED, rows, size
    found = plans.plan(core, account_id, wanted)
    assert (found.rows, found.bytes) == (3, Estimate(1200, EstimateBasis.COMPLETED_EXPORTS, 2, 40))
