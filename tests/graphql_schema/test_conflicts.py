"""Known results that are given once more: told of, kept, or replaced; and results without an id or a time."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.db import Database
from app.history import recording, rollup
from app.history.filters import DescriptionFilter
from app.history.recording import OnConflict, Result
from app.models import Scope
from tests.conftest import Account

RECORD = """mutation($input: [DescriptionInput!]!, $how: OnConflict) {
    recordDescriptions(input: $input, onConflict: $how) {
        ids recorded alreadyKnown conflicting conflictingIds replaced
    }
}"""
ONE = {
    "id": "a",
    "type": "rule",
    "status": "COMPLETED",
    "sourceType": "single",
    "sourceId": "s",
    "createdAt": "2025-01-15T10:30:00Z",
    "imageUrl": "https://example.com/a.jpg",
    "imageId": "i",
    "description": "A dog",
    "confidenceScore": 0.5,
    "verification": {"by": None, "n": 1.5},
    "metadata": {"b": [1, "x"], "a": {"c": True}},
    "errorMessage": "none",
}


def record(account: Account, *results: dict[str, Any], how: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = account.graphql(RECORD, input=list(results), how=how)["recordDescriptions"]
    return told


def test_the_same_content_is_known_and_no_conflict(account: Account) -> None:
    assert record(account, ONE)["recorded"] == 1
    again = ONE | {"metadata": {"a": {"c": True}, "b": [1, "x"]}, "createdAt": "2025-01-15T11:30:00+01:00"}
    told = {"recorded": 0, "alreadyKnown": 1, "conflicting": 0, "conflictingIds": [], "replaced": 0}
    assert record(account, again) == told | {"ids": ["a"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "description"),
        ("status", "FAILED"),
        ("sourceType", "batch"),
        ("sourceId", None),
        ("createdAt", "2025-01-15T10:30:00.000001Z"),
        ("imageUrl", None),
        ("imageId", "j"),
        ("description", ""),
        ("confidenceScore", 0.5000001),
        ("verification", {"by": None, "n": 1}),
        ("metadata", {"b": [1, "x"], "a": {"c": 1}}),
        ("errorMessage", "other"),
    ],
)
def test_any_other_content_is_a_conflict_and_kept(account: Account, name: str, value: Any) -> None:
    record(account, ONE)
    told = record(account, ONE | {name: value}, {"id": "b", "sourceType": "s"})
    assert told == {
        "ids": ["a", "b"],
        "recorded": 1,
        "alreadyKnown": 1,
        "conflicting": 1,
        "conflictingIds": ["a"],
        "replaced": 0,
    }
    kept = account.graphql(f'{{ description(id: "a") {{ {name} }} }}')["description"]
    assert kept == {name: ONE[name]}


def test_replacing_needs_the_scope_admin(account: Account) -> None:
    record(account, ONE)
    error = account.refused(RECORD, input=[ONE | {"description": "other"}], how="REPLACE")
    assert error["extensions"]["code"] == "AUTHZ_ERROR"
    assert account.graphql('{ description(id: "a") { description } }')["description"]["description"] == "A dog"


def test_replacing_changes_the_result_and_its_statistics(account: Account, database: Database) -> None:
    record(account, ONE, {"id": "same", "sourceType": "s", "createdAt": "2025-01-01"})
    other = ONE | {"description": "A cat", "createdAt": "2025-02-01T00:00:00Z", "confidenceScore": None, "type": "x"}
    with account.connect(Scope.ADMIN) as admin:
        given = [other, {"id": "same", "sourceType": "s", "createdAt": "2025-01-01"}]
        answer = admin.post("/graphql", json={"query": RECORD, "variables": {"input": given, "how": "REPLACE"}}).json()
    told = {"recorded": 0, "alreadyKnown": 1, "conflicting": 0, "conflictingIds": [], "replaced": 1}
    assert answer["data"]["recordDescriptions"] == told | {"ids": ["a", "same"]}
    found = account.graphql(
        """{ descriptions(filter: {search: ["cat"]}) { nodes { id createdAt confidenceScore type } }
             dogs: descriptions(filter: {search: ["dog"]}) { totalCount }
             statistics { totalCount scoredCount dailyCounts { date count } } }"""
    )
    assert found["descriptions"]["nodes"] == [
        {"id": "a", "createdAt": "2025-02-01T00:00:00Z", "confidenceScore": None, "type": "x"}
    ]
    assert found["dogs"] == {"totalCount": 0}
    days = [{"date": "2025-01-01", "count": 1}, {"date": "2025-02-01", "count": 1}]
    assert found["statistics"] == {"totalCount": 2, "scoredCount": 0, "dailyCounts": days}
    with database.read() as session:
        assert rollup.differences(session, account.id) == []


DRAWN = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["2025-01-01T23:59:59Z", "2025-01-02"]),
        st.none() | st.floats(0, 1),
        st.sampled_from(["s", "t"]),
    ),
    max_size=6,
    unique_by=lambda drawn: drawn[0],
)


@given(batches=st.lists(st.tuples(DRAWN, st.sampled_from(OnConflict)), max_size=5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_statistics_are_those_of_the_rows_whatever_is_replaced(
    database: Database, batches: list[tuple[list[tuple[str, str, float | None, str]], OnConflict]]
) -> None:
    account_id, expected = 10**9 + uuid.uuid4().int % 10**9, dict[str, tuple[str, float | None, str]]()
    for drawn, how in batches:
        results = [
            Result(id=id, created_at=at, confidence_score=score, source_type=source) for id, at, score, source in drawn
        ]
        with database.write() as session:
            recording.record(session, account_id, results, on_conflict=how)
        for id, *content in drawn:
            if how is OnConflict.REPLACE or id not in expected:
                expected[id] = tuple(content)  # type: ignore[assignment]
    with database.read() as session:
        assert rollup.differences(session, account_id) == []
    days = [at[:10] for at, _, _ in expected.values()]
    found = database.answer_now(rollup.ask_totals(account_id, DescriptionFilter()))
    assert {day.isoformat(): count for day, count in found.days.items()} == {day: days.count(day) for day in days}


def test_an_id_and_a_time_may_be_left_out(account: Account) -> None:
    before = datetime.now(UTC)
    told = record(account, {"sourceType": "s"}, {"sourceType": "s", "id": None, "createdAt": None})
    ids = [uuid.UUID(id) for id in told["ids"]]
    assert [id.version for id in ids] == [7, 7]
    assert len(set(ids)) == 2
    nodes = account.graphql("{ descriptions { nodes { id createdAt } } }")["descriptions"]["nodes"]
    assert sorted(node["id"] for node in nodes) == sorted(told["ids"])
    for node in nodes:
        assert before - timedelta(seconds=1) < datetime.fromisoformat(node["createdAt"]) < datetime.now(UTC)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"confidenceScore": 2}, "input.2.confidenceScore"),
        ({"sourceType": ""}, "input.2.sourceType"),
        ({"id": "", "sourceType": "s"}, "input.2.id"),
        ({"metadata": {"a": "\0"}}, "input.2.metadata"),
    ],
)
def test_a_refusal_names_the_place_as_graphql_does(account: Account, wrong: dict[str, Any], field: str) -> None:
    error = account.refused(RECORD, input=[{"sourceType": "s"}, {"sourceType": "s"}, {"sourceType": "s"} | wrong])
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
    assert field.rpartition(".")[2] + ": " in error["message"]
    assert account.graphql("{ statistics { totalCount } }")["statistics"]["totalCount"] == 0
