"""recordDescriptions: what comes in, and what is refused."""

from typing import Any

import pytest

from app.models import Scope
from tests.conftest import Account
from tests.graphql_schema.conftest import COUNT

RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"
MINIMAL = {"sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}


def test_recording_fills_in_what_is_not_given(account: Account) -> None:
    plain = {"id": "plain", **MINIMAL}
    nulls = {"id": "nulls", **MINIMAL, "type": None, "status": None, "metadata": None, "verification": None}
    assert account.graphql(RECORD, input=[plain, nulls]) == {"recordDescriptions": {"recorded": 2, "alreadyKnown": 0}}
    fields = "type status sourceId imageUrl imageId description confidenceScore verification metadata errorMessage"
    nodes = account.graphql(f"{{ descriptions {{ nodes {{ {fields} }} }} }}")["descriptions"]["nodes"]
    empty = dict.fromkeys(fields.split()) | {"type": "description", "status": "COMPLETED", "metadata": {}}
    assert nodes == [empty, empty]


@pytest.mark.parametrize("value", [False, 0, "", [], {}, 1.5, -0.001, 2**70, "é\U0001f600\u2028\n", [[{"a": [None]}]]])
def test_any_json_comes_back(account: Account, value: Any) -> None:
    account.record({"id": "a", "verification": value, "metadata": {'k"é': value}})
    found = account.graphql('{ description(id: "a") { verification metadata } }')["description"]
    assert found == {"verification": value, "metadata": {'k"é': value}}
    assert type(found["verification"]) is type(value)


def test_a_large_number_is_told_without_exponent(account: Account) -> None:
    account.record({"id": "a", "verification": 1e300})
    assert account.graphql('{ description(id: "a") { verification } }') == {"description": {"verification": 10**300}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2025-01-15", "2025-01-15T00:00:00Z"),
        ("2025-01-15T10:30:00", "2025-01-15T10:30:00Z"),
        ("2025-01-15T10:30:00-05:30", "2025-01-15T16:00:00Z"),
        ("2025-01-15T10:30:00.120Z", "2025-01-15T10:30:00.120Z"),
        ("2025-01-15T10:30:00.000001Z", "2025-01-15T10:30:00.000001Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_told_in_utc(account: Account, given: str, told: str) -> None:
    account.record({"id": "a", "createdAt": given})
    assert account.graphql('{ description(id: "a") { createdAt } }') == {"description": {"createdAt": told}}


def test_what_is_known_stays_as_it_was(account: Account) -> None:
    account.record({"id": "a", "description": "first", "confidenceScore": 0.5})
    again = [{"id": "a", **MINIMAL, "description": "second", "confidenceScore": 0.9}, {"id": "b", **MINIMAL}]
    assert account.graphql(RECORD, input=again) == {"recordDescriptions": {"recorded": 1, "alreadyKnown": 1}}
    assert account.graphql(RECORD, input=again) == {"recordDescriptions": {"recorded": 0, "alreadyKnown": 2}}
    query = '{ description(id: "a") { description confidenceScore } statistics { totalCount averageConfidence } }'
    assert account.graphql(query) == {
        "description": {"description": "first", "confidenceScore": 0.5},
        "statistics": {"totalCount": 2, "averageConfidence": 0.5},
    }


def test_an_empty_batch_records_nothing(account: Account) -> None:
    assert account.graphql(RECORD, input=[]) == {"recordDescriptions": {"recorded": 0, "alreadyKnown": 0}}


def test_a_batch_is_at_most_ten_thousand(account: Account) -> None:
    batch = [{"id": str(n), **MINIMAL} for n in range(10_001)]
    error = account.refused(RECORD, input=batch)
    assert error["message"] == "At most 10000 results may be recorded at once."
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": "good"}, "comes twice"),
        ({"id": ""}, "at least 1 character"),
        ({"id": "x" * 256}, "at most 255 characters"),
        ({"id": "a\0b"}, "NUL"),
        ({"type": ""}, "type"),
        ({"sourceType": ""}, "sourceType"),
        ({"sourceId": "x" * 256}, "sourceId"),
        ({"imageId": "\0"}, "imageId"),
        ({"imageUrl": "x" * 8193}, "imageUrl"),
        ({"description": "a\0"}, "description"),
        ({"errorMessage": "x" * 10_001}, "errorMessage"),
        ({"confidenceScore": 1.0001}, "less than or equal to 1"),
        ({"confidenceScore": -0.5}, "greater than or equal to 0"),
        ({"metadata": []}, "metadata"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a\0": 1}}, "metadata"),
        ({"verification": ["\0"]}, "verification"),
    ],
)
def test_one_bad_result_keeps_the_whole_batch_out(account: Account, wrong: dict[str, Any], reason: str) -> None:
    error = account.refused(RECORD, input=[{"id": "good", **MINIMAL}, {"id": "bad", **MINIMAL, **wrong}])
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": f"input.1.{next(iter(wrong))}"}
    assert reason in error["message"]
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"createdAt": "yesterday"},
        {"sourceType": None},
        {"sourceType": 5},
        {"confidenceScore": "0.5"},
        {"confidenceScore": True},
        {"status": "UNKNOWN"},
        {"status": "completed"},
        {"unknown": 1},
    ],
)
def test_a_result_of_a_wrong_type_keeps_the_whole_batch_out(account: Account, wrong: dict[str, Any]) -> None:
    error = account.refused(RECORD, input=[{"id": "good", **MINIMAL}, {"id": "bad", **MINIMAL, **wrong}])
    assert error["message"].startswith("Variable '$input' has invalid value")
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_infinity_is_no_score(account: Account) -> None:
    literal = '{id: "a", sourceType: "single", createdAt: "2025-01-15", confidenceScore: 1e999}'
    error = account.refused(f"mutation {{ recordDescriptions(input: [{literal}]) {{ recorded }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input.0.confidenceScore"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_read_key_records_nothing(account: Account) -> None:
    with account.connect(Scope.READ) as reader:
        answer = reader.post(
            "/graphql", json={"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL}]}}
        ).json()
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "AUTHZ_ERROR"}]
    assert answer["errors"][0]["message"] == "This needs an API key with the scope 'write'; this one has 'read'."
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_an_admin_key_records(account: Account) -> None:
    with account.connect(Scope.ADMIN) as admin:
        answer = admin.post("/graphql", json={"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL}]}}).json()
    assert answer == {"data": {"recordDescriptions": {"recorded": 1, "alreadyKnown": 0}}}
