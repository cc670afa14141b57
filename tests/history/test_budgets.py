"""An answer has so many bytes at most, whatever it is made of; and statistics so many days, source types and types."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.engine.db import Database
from app.history import recording
from app.history.recording import Result
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tools.stack import Stack

REFUSED = "The answer would be larger than 1 MiB: ask for fewer results at a time or fewer fields, or start an export."
LIST = "/api/v2/data/descriptions"
SIZE = 31_000


def fill(account: Account, database: Database, values: list[dict[str, Any]]) -> None:
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(value) for value in values])


@pytest.fixture(scope="module")
def strict(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Another API on the same database, whose answers have a megabyte at most."""
    settings = {"SIGHTLOG_MAX_ANSWER_BYTES": str(2**20), "SIGHTLOG_EMBEDDED_WORKER": "false"}
    settings |= {"SIGHTLOG_DATA_DIR": str(stack.folder / "data")}
    with ForkedStack(tmp_path_factory.mktemp("strict"), {**stack.settings, **settings}) as running:
        yield running


@pytest.fixture(scope="module")
def large(strict: Stack, database: Database) -> Iterator[Account]:
    """40 results of 31 kB each, the even ones of letters that take two bytes."""
    account = new_account(strict, database)
    texts = ["é" * (SIZE // 2) if place % 2 == 0 else "x" * SIZE for place in range(40)]
    values = [
        {"id": f"r{place:02}", "source_type": "single", "created_at": f"2025-01-15T10:30:{place:02}Z"}
        for place in range(40)
    ]
    fill(account, database, [value | {"description": text} for value, text in zip(values, texts, strict=True)])
    yield account
    account.close()


def sizes(texts: list[str]) -> list[int]:
    return [len(text.encode()) for text in texts]


def test_pages_of_large_results_are_read_up_to_the_limit_and_refused_beyond(large: Account) -> None:
    few = large.client.get(LIST, params={"limit": 30, "offset": 3}).json()
    assert sizes([item["description"] for item in few["items"]]) == [SIZE] * 30
    assert (few["total_count"], few["has_more"]) == (40, True)
    assert [item["id"] for item in few["items"]] == [f"r{36 - place:02}" for place in range(30)]
    many = large.client.get(LIST)
    assert many.status_code == 413
    assert many.json() == {"detail": {"code": "PAYLOAD_TOO_LARGE", "message": REFUSED}}
    small = large.graphql("{ descriptions { nodes { id } edges { cursor } } }")["descriptions"]
    assert (len(small["nodes"]), len(small["edges"])) == (40, 40)


@pytest.mark.parametrize(
    "selected", ["nodes { description }", "edges { node { description } }", "nodes { a: description b: description }"]
)
def test_a_page_of_graphql_is_refused(large: Account, selected: str) -> None:
    error = large.refused(f"{{ descriptions {{ {selected} }} }}")
    assert (error["message"], error["extensions"]["code"]) == (REFUSED, "PAYLOAD_TOO_LARGE")
    last = large.graphql(f"{{ descriptions(last: 10) {{ {selected} pageInfo {{ hasPreviousPage }} }} }}")
    assert last["descriptions"]["pageInfo"] == {"hasPreviousPage": True}


def test_all_that_one_request_asks_for_has_one_limit(large: Account) -> None:
    pages = [f"a{place}: descriptions(first: 14) {{ nodes {{ description }} }}" for place in range(30)]
    parts = large.graphql(f"{{ {' '.join(pages[:2])} }}").values()
    assert sizes([node["description"] for part in parts for node in part["nodes"]]) == [SIZE] * 28
    for count in (3, 30):
        error = large.refused(f"{{ {' '.join(pages[:count])} }}")
        assert (error["message"], error["extensions"]["code"]) == (REFUSED, "PAYLOAD_TOO_LARGE")
    one = " ".join(f'a{place}: description(id: "r01") {{ description b: description }}' for place in range(14))
    assert len(large.graphql(f"{{ {one} }}")) == 14
    error = large.refused(f"{{ {one} descriptions(first: 6) {{ nodes {{ description }} }} }}")
    assert (error["message"], error["extensions"]["code"]) == (REFUSED, "PAYLOAD_TOO_LARGE")
    assert len(large.graphql('{ description(id: "r01") { description } }')["description"]["description"]) == SIZE


def test_statistics_tell_the_largest_source_types_and_the_newest_days_apart(
    account: Account, database: Database
) -> None:
    days = [
        f"{year}-{1 + month:02}-{1 + day:02}" for year in range(1980, 2013) for month in range(12) for day in range(26)
    ]
    values = [
        {"id": f"r{place}", "source_type": f"s{place:05}", "type": f"t{place:05}", "created_at": day}
        | {"confidence_score": 0.5}
        for place, day in enumerate(days)
    ]
    values += [
        {"id": "more", "source_type": f"s{len(days) - 1:05}", "type": "t00007", "created_at": "1979-12-31T00:00:00Z"}
    ]
    total = len(values)
    assert total == 10_297
    for start in range(0, total, 5000):
        fill(account, database, values[start : start + 5000])
    query = "totalCount scoredCount truncated dailyCounts { date count } sourceDistribution { sourceType count }"
    query += " typeDistribution { type count }"
    found = account.graphql(f"{{ statistics {{ {query} }} }}")["statistics"]
    assert (found["totalCount"], found["scoredCount"], found["truncated"]) == (total, total - 1, True)
    assert found["dailyCounts"] == [{"date": day, "count": 1} for day in days[-10_000:]]
    largest = [f"s{place:05}" for place in range(999)]
    assert found["sourceDistribution"] == [
        *({"sourceType": name, "count": 1} for name in largest),
        {"sourceType": f"s{total - 2:05}", "count": 2},
    ]
    assert found["typeDistribution"] == [
        {"type": f"t{place:05}", "count": 2 if place == 7 else 1} for place in range(1000)
    ]
    # An offset among the days that are not told apart, and one behind all.
    for offset, ids in ((10_290, ["r5", "r4", "r3", "r2", "r1", "r0", "more"]), (10_296, ["more"]), (10_297, [])):
        answer = account.client.get(LIST, params={"limit": 10, "offset": offset}).json()
        assert [item["id"] for item in answer["items"]] == ids
        assert (answer["total_count"], answer["has_more"]) == (total, False)
        assert len(answer["statistics"]["daily_counts"]) == 10_000
        assert len(answer["statistics"]["source_distribution"]) == 1000
    narrowed = account.graphql('{ statistics(filter: {sourceTypes: ["s00000"]}) { totalCount truncated } }')
    assert narrowed == {"statistics": {"totalCount": 1, "truncated": False}}
    fill(
        account,
        database,
        [
            value | {"id": f"x{value['id']}", "source_type": "one", "created_at": "1979-01-01T00:00:00Z"}
            for value in values[:1001]
        ],
    )
    kinds = account.graphql('{ statistics(filter: {sourceTypes: ["one"]}) { truncated typeDistribution { count } } }')
    assert kinds["statistics"] == {"truncated": True, "typeDistribution": [{"count": 1}] * 1000}
