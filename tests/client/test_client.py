"""Reading, counting and recording through `Client` and `AsyncClient`."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest

import sightlog
from app.models import Scope
from sightlog import AsyncClient, Client, Options, Retries, errors, recording, results
from tests.client.conftest import QUICKLY
from tests.commands import sightlog as server
from tests.conftest import Account
from tests.forked import ForkedStack
from tools import patience
from tools.stack import Stack

LATEST = datetime(2025, 3, 1, 12, tzinfo=UTC)


def given(count: int) -> list[dict[str, Any]]:
    """Newest first, as they are read."""
    return [
        {
            "id": f"r{place:05}",
            "source_type": ("single", "batch")[place % 2],
            "created_at": LATEST - timedelta(minutes=place),
            "description": f"A {('dog', 'cat', 'red door')[place % 3]}, {place}",
            "confidence_score": None if place % 4 == 0 else place % 100 / 100,
            "metadata": {"model": f"m{place % 2}"},
        }
        for place in range(count)
    ]


def ids(found: results.Results) -> list[str]:
    return [result.id for result in found]


def test_results_come_newest_first_page_after_page(client: Client) -> None:
    recorded = given(2500)
    assert client.record(recorded).recorded == 2500
    everything = client.descriptions()
    assert ids(everything) == [result["id"] for result in recorded]
    assert [len(page) for page in everything.pages()] == [1000, 1000, 500]
    assert ids(client.descriptions(limit=1001)) == [result["id"] for result in recorded[:1001]]
    assert ids(client.descriptions(limit=0)) == []
    assert ids(client.descriptions(ascending=True, limit=2)) == ["r02499", "r02498"]
    assert ids(client.descriptions(order_by="confidence", ascending=True, limit=2)) == ["r02401", "r02301"]


def test_what_is_recorded_meanwhile_moves_nothing(client: Client) -> None:
    client.record(given(1500))
    reading = iter(client.descriptions())
    first = [next(reading).id for _ in range(10)]
    client.record(
        [{"id": "new", "source_type": "single", "description": "x", "created_at": LATEST + timedelta(days=1)}]
    )
    assert [*first, *(result.id for result in reading)] == [result["id"] for result in given(1500)]


def test_a_result_has_its_types(client: Client) -> None:
    client.record([{**given(2)[1], "verification": {"by": "eve"}, "image_url": "https://example.com/1.jpg"}])
    [found] = client.descriptions()
    assert isinstance(found, sightlog.Result)
    assert (found.id, found.type_, found.status.value, found.source_type) == (
        "r00001",
        "description",
        "COMPLETED",
        "batch",
    )
    assert found.created_at == LATEST - timedelta(minutes=1)
    assert (found.confidence_score, found.metadata, found.verification) == (0.01, {"model": "m1"}, {"by": "eve"})
    one = client.description("r00001")
    assert (one.description, one.reviews) == ("A cat, 1", [])


FILTERS: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({"search": "DOG"}, lambda one: "dog" in one["description"]),
    ({"search": ["dog", "cat"]}, lambda one: "red" not in one["description"]),
    (
        {"search": ["red", "1"], "search_mode": "all"},
        lambda one: "red" in one["description"] and "1" in one["description"],
    ),
    ({"exclude_search": "dog"}, lambda one: "dog" not in one["description"]),
    ({"min_confidence": 0.3, "max_confidence": 0.5}, lambda one: 0.3 <= (one["confidence_score"] or 0) <= 0.5),
    (
        {"min_confidence": 0.3, "include_unscored": True},
        lambda one: one["confidence_score"] is None or one["confidence_score"] >= 0.3,
    ),
    ({"source_types": "batch"}, lambda one: one["source_type"] == "batch"),
    ({"metadata": {"model": "m1"}}, lambda one: one["metadata"] == {"model": "m1"}),
    ({"start_date": LATEST - timedelta(minutes=5)}, lambda one: one["created_at"] >= LATEST - timedelta(minutes=5)),
    ({"start_date": "2025-03-01T11:50:00Z"}, lambda one: one["created_at"] >= LATEST - timedelta(minutes=10)),
    (
        {"end_date": datetime(2025, 3, 1, 13, 50, tzinfo=timezone(timedelta(hours=2)))},
        lambda one: one["created_at"] <= LATEST - timedelta(minutes=10),
    ),
    ({"end_date": date(2025, 3, 1)}, lambda one: False),
    ({"review_states": "accepted"}, lambda one: False),
    ({"review_states": ["unreviewed", "rejected"], "types": ("description",)}, lambda one: True),
    ({"image_ids": "none", "source_ids": [], "include_failed": True}, lambda one: False),
    ({"search": None, "min_confidence": None}, lambda one: True),
]


def test_filters_in_pages_statistics_and_exports(client: Client, tmp_path: Path) -> None:
    recorded = given(120)
    client.record(recorded)
    for filter, matches in FILTERS:
        expected = [one["id"] for one in recorded if matches(one)]
        assert ids(client.descriptions(**filter)) == expected, filter
        assert client.statistics(**filter).total_count == len(expected), filter
    path = client.export("csv", fields=["id"], **FILTERS[0][0]).save(tmp_path)
    assert path.read_text().split() == ["id", *(one["id"] for one in recorded if FILTERS[0][1](one))]


def test_search(client: Client) -> None:
    client.record(given(9))
    assert ids(client.search("dog", "cat", limit=3)) == ["r00000", "r00001", "r00003"]
    assert ids(client.search("dog", min_confidence=0.05)) == ["r00006"]


@pytest.mark.parametrize(
    ("filter", "field", "sentence"),
    [
        ({"min_confidnce": 1}, "min_confidnce", "There is no filter 'min_confidnce'; did you mean 'min_confidence'?"),
        ({"zzz": 1}, "zzz", "There is no filter 'zzz': there are start_date, end_date, "),
        ({"search": 3}, "search", "search is a text or several, not 3."),
        ({"search_mode": "most"}, "search_mode", "search_mode is one of any, all, not 'most'."),
        ({"start_date": 5}, "start_date", "start_date is a datetime, a date, or a text such as"),
        ({"start_date": "yesterday"}, "start_date", "start_date: Input should be a valid datetime"),
        ({"min_confidence": "high"}, "min_confidence", "min_confidence: Input should be a valid number"),
        ({"metadata": "m1"}, "metadata", "metadata is a dictionary of paths and values"),
        ({"review_states": ["new"]}, "review_states", "review_states is one of unreviewed, accepted, "),
        ({"review_states": 1}, "review_states", "review_states is one of unreviewed, accepted, "),
        ({"order_by": "size"}, "order_by", "order_by is one of created_at, confidence, not 'size'."),
        ({"limit": -1}, "limit", "limit is 0 or more, not -1."),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    filter: dict[str, Any], field: str, sentence: str
) -> None:
    with Client("http://127.0.0.1:9", "unused") as client, pytest.raises(errors.InvalidInput) as refused:
        client.descriptions(**filter)
    assert refused.value.field == field
    assert refused.value.message.startswith(sentence)


def test_recording_tells_what_became_of_them(client: Client, connect: Callable[..., Client]) -> None:
    told = client.record(given(3))
    assert told == recording.Recorded(recorded=3, ids=["r00000", "r00001", "r00002"])
    other = [given(1)[0], {**given(2)[1], "description": "Another"}]
    told = client.record(other)
    assert (told.recorded, told.already_known, told.conflicting_ids) == (0, 2, ["r00001"])
    connect(Scope.ADMIN).record(other, on_conflict="replace")
    assert client.description("r00001").description == "Another"


def test_ids_are_made_in_the_order_of_time(client: Client) -> None:
    told = client.record({"source_type": "single", "description": str(place)} for place in range(3))
    assert [len(id) for id in told.ids] == [36] * 3
    assert {id[14] for id in told.ids} == {"7"}
    assert {result.id for result in client.descriptions()} == set(told.ids)


def test_what_was_read_can_be_recorded_elsewhere(client: Client, make_account: Callable[[], Account]) -> None:
    client.record(
        [
            {**given(1)[0], "verification": {"by": "eve"}},
            {**given(2)[1], "status": "failed", "description": None, "error_message": "timeout"},
        ]
    )
    other = make_account()
    with Client(other.stack.url, other.keys[Scope.WRITE], options=QUICKLY) as there:
        assert there.record(client.descriptions(include_failed=True)).recorded == 2
        assert list(there.descriptions(include_failed=True)) == list(client.descriptions(include_failed=True))


def test_more_than_one_request_takes(client: Client) -> None:
    many = given(10_001)
    assert client.record(many).recorded == 10_001
    many[10_000]["confidence_score"] = 7
    many[10_000]["id"] = "other"
    with pytest.raises(errors.InvalidInput) as refused:
        client.record(many)
    assert refused.value.field == "input.10000.confidenceScore"


def test_what_is_good_of_a_batch_is_recorded(client: Client) -> None:
    one, two, three, four = given(4)
    two["confidence_score"], three["confidence_score"], three["id"] = 7, "high", None
    told = client.record([one, two, three, four], on_invalid="skip")
    assert (told.recorded, told.ids) == (2, ["r00000", "r00003"])
    found = [
        (refused.place, refused.id, refused.error.field) for refused in sorted(told.refused, key=lambda one: one.place)
    ]
    assert found == [(1, "r00001", "input.1.confidenceScore"), (2, None, "input.2.confidenceScore")]
    assert {type(refused.error) for refused in told.refused} == {errors.InvalidInput}
    changed = {**one, "description": "Another"}
    again = client.record([{"source_type": "single", "status": "done"}, changed, four], on_invalid="skip")
    assert (again.already_known, again.conflicting_ids, [one.place for one in again.refused]) == (2, ["r00000"], [0])


def test_what_was_erased_is_told_of(client: Client, account: Account) -> None:
    one, two = given(2)
    with account.connect(Scope.ADMIN) as admin:
        admin.post("/graphql", json={"query": 'mutation { eraseDescriptions(ids: ["r00000"]) { erased } }'})
    for on_invalid in ("fail", "skip"):
        told = client.record([one, two], on_invalid=on_invalid)
        assert (told.ids, told.erased_ids) == (["r00001"], ["r00000"])
        assert told.recorded + told.already_known == 1


def test_results_too_large_for_one_request_are_sent_in_smaller_ones(client: Client) -> None:
    """17 MB, more than the server takes at once."""
    told = client.record(
        {"id": f"r{place}", "source_type": "single", "description": "x" * 100_000} for place in range(170)
    )
    assert (told.recorded, told.ids) == (170, [f"r{place}" for place in range(170)])
    assert client.statistics().total_count == 170


@pytest.mark.parametrize(
    ("result", "field", "sentence"),
    [
        ({"sourceType": "single"}, "input.1.sourceType", "A result has no 'sourceType'; did you mean 'source_type'?"),
        ({"description": "x"}, "input.1.sourceType", "source_type: Field required."),
        (
            {"source_type": "single", "status": "done"},
            "input.1.status",
            "status is one of completed, failed, not 'done'.",
        ),
    ],
)
def test_what_is_no_result_is_refused_before_anything_is_sent(
    result: dict[str, Any], field: str, sentence: str
) -> None:
    with Client("http://127.0.0.1:9", "unused") as client, pytest.raises(errors.InvalidInput) as refused:
        client.record([given(1)[0], result])
    assert (refused.value.field, refused.value.message) == (field, sentence)


def test_exports_are_listed_newest_first(client: Client) -> None:
    started = [client.export(format).wait() for format in ("csv", "json", "jsonl")]
    found = list(client.exports())
    assert [export.id for export in found] == [export.id for export in reversed(started)]
    assert [export.status for export in client.exports(status="completed", limit=2)] == ["completed"] * 2
    assert list(client.exports(status="failed")) == []
    started[0].delete()
    assert [export.id for export in client.exports()] == [started[2].id, started[1].id]


def test_the_same_key_gives_the_same_export(client: Client) -> None:
    first, second = (client.export("csv", idempotency_key="k") for _ in range(2))
    assert (first.id, client.export("csv").id == first.id) == (second.id, False)


def test_an_export_that_was_cancelled_can_be_tried_again(client: Client, tmp_path: Path) -> None:
    client.record(given(3))
    export = client.export("csv")
    try:
        export.cancel()
    except errors.Conflict:  # it was faster
        assert export.wait().status == "completed"
        return
    with pytest.raises(errors.ExportFailed, match="The export was cancelled"):
        export.wait()
    assert sightlog.verify(export.retry().save(tmp_path)).rows == 3


ROWS: list[dict[str, Any]] = [
    {
        "id": "b",
        "source_type": "single",
        "created_at": "2025-01-02T00:00:00.5Z",
        "description": 'a "b",\r\nc',
        "confidence_score": 0.5,
        "metadata": {"ü": [1, "x"]},
    },
    {
        "id": "a",
        "source_type": "batch",
        "created_at": "2025-01-01T00:00:00Z",
        "description": "",
        "verification": "seen",
    },
]
COLUMNS = {
    "id": ["b", "a"],
    "created_at": [datetime(2025, 1, 2, 0, 0, 0, 500_000, UTC), datetime(2025, 1, 1, tzinfo=UTC)],
    "description": ['a "b",\r\nc', ""],
    "confidence_score": [0.5, None],
    "source_id": [None, None],
    "verification": [None, '"seen"'],
    "metadata": ['{"ü":[1,"x"]}', "{}"],
}


def columns_of(table: Any) -> dict[str, list[Any]]:
    if isinstance(table, pandas.DataFrame):
        found = table.astype(object).where(table.notna(), None).to_dict("list")
        return {name: list(found[name]) for name in COLUMNS}
    if isinstance(table, polars.DataFrame):
        return {name: table[name].to_list() for name in COLUMNS}
    assert isinstance(table, pyarrow.Table)
    return {name: table[name].to_pylist() for name in COLUMNS}


def test_tables_of_results_and_of_every_file(client: Client) -> None:
    client.record(ROWS)
    found = client.descriptions()
    for table in (found.to_pandas(), found.to_polars(), found.to_arrow()):
        assert columns_of(table) == COLUMNS
    files = [(format, compression) for format in ("csv", "json", "jsonl") for compression in ("none", "gzip", "zstd")]
    for format, compression in [*files, ("parquet", "none")]:
        export = client.export(format, compression=compression)
        for table in (export.to_pandas(), export.to_polars(), export.to_arrow()):
            assert columns_of(table) == COLUMNS, (format, compression)
    chosen = client.export("csv", fields=["confidence_score", "id"]).to_polars()
    assert dict(chosen.schema) == {"confidence_score": polars.Float64, "id": polars.String}


def test_tables_without_rows_have_their_columns(client: Client) -> None:
    found = client.descriptions()
    assert found.to_arrow().schema.field("created_at").type == pyarrow.timestamp("us", "UTC")
    assert found.to_polars().schema["created_at"] == polars.Datetime("us", "UTC")
    assert str(found.to_pandas().dtypes["created_at"]) == "datetime64[us, UTC]"
    assert client.export("csv").to_arrow().num_rows == 0


def test_asyncio(account: Account, tmp_path: Path) -> None:
    async def use() -> None:
        async with AsyncClient(account.stack.url, account.keys[Scope.WRITE], options=QUICKLY) as client:
            assert (await client.viewer()).account_name == account.name
            assert (await client.record(given(1200))).recorded == 1200
            found = [result.id async for result in client.descriptions()]
            assert found == [one["id"] for one in given(1200)]
            assert [result.id async for result in client.search("dog", limit=2)] == ["r00000", "r00003"]
            assert (await client.statistics(search="dog")).total_count == 400
            assert (await client.description("r00001")).description == "A cat, 1"
            with pytest.raises(errors.NotFound):
                await client.description("nowhere")
            export = await client.export("csv", search="dog")
            assert sightlog.verify(await export.save(tmp_path)).rows == 400
            assert (await (await client.find_export(export.id)).wait()).status == "completed"
            assert [one.id async for one in client.exports()] == [export.id]
            assert (await export.to_polars()).height == (await client.search("dog").to_arrow()).num_rows == 400
            assert len(await client.search("dog").to_pandas()) == 400
            await export.delete()
            assert [one.id async for one in client.exports()] == []

    asyncio.run(use())


def test_pages_whose_answer_is_too_large_are_made_smaller(tmp_path: Path) -> None:
    """3 MB of results, and answers of 1 MB."""
    with (
        ForkedStack(tmp_path, {"SIGHTLOG_MAX_ANSWER_BYTES": "1000000"}) as stack,
        Client(stack.url, key(stack)) as client,
    ):
        client.record({"id": str(place), "source_type": "single", "description": "x" * 3000} for place in range(1000))
        assert sorted(map(int, ids(client.descriptions()))) == list(range(1000))

        async def read() -> int:
            async with AsyncClient(stack.url, key(stack)) as there:
                return len([result async for result in there.descriptions()])

        assert asyncio.run(read()) == 1000


def test_waiting_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    patient = Options(Retries(tries=1000, first=0.1, longest=0.5, total=patience.seconds(60)))
    with ForkedStack(tmp_path, {}) as stack, Client(stack.url, key(stack), options=patient) as client:
        client.record(given(2000))
        export = client.export("jsonl")
        [process] = stack.api_processes
        process.kill()
        process.start()
        assert sightlog.verify(export.save(tmp_path / "out.jsonl")).rows == 2000


def key(stack: Stack) -> str:
    server(stack, "accounts", "create", "team")
    return server(stack, "keys", "create", "--account", "team", "--scopes", "admin").stdout.split()[-1]


def test_the_import_loads_nothing() -> None:
    program = "import sys, sightlog; print(sorted({'httpx', 'pydantic', 'rich', 'typer'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_name_of_the_package_is_there() -> None:
    assert [name for name in sightlog.__all__ if not hasattr(sightlog, name)] == []
    assert set(sightlog.__all__) <= set(dir(sightlog))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sightlog.nothing  # noqa: B018
