"""Filters, statistics, filtersApplied."""

from typing import Any

import pytest

from tests.conftest import Account
from tests.graphql_schema.conftest import ids


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, "dcba"),
        ({"includeFailed": True}, "fdcba"),
        ({"startDate": "2025-01-16"}, "d"),
        ({"startDate": "2025-01-16", "includeFailed": True}, "fd"),
        ({"endDate": "2025-01-16", "includeFailed": True}, "dcba"),
        ({"endDate": "2025-01-15T10:30:01Z"}, "ba"),
        ({"endDate": "2025-01-15T12:30:01+02:00"}, "ba"),
        ({"endDate": "2025-01-15T12:30:01 02:00"}, "ba"),
        ({"startDate": "2025-01-15T10:30:01", "endDate": "2025-01-15T10:30:01"}, "b"),
        ({"minConfidence": 0.3}, "ca"),
        ({"minConfidence": 0}, "dca"),
        ({"maxConfidence": 0.3}, "da"),
        ({"maxConfidence": 1, "includeUnscored": True}, "dcba"),
        ({"minConfidence": 0.9, "includeUnscored": True}, "cb"),
        ({"includeUnscored": True}, "dcba"),
        ({"search": ["dog"]}, "a"),
        ({"search": ["DOG", "cat"]}, "ba"),
        ({"search": ["DOG", "cat"], "searchMode": "ALL"}, ""),
        ({"search": ["DOG", "red"], "searchMode": "ALL"}, "a"),
        ({"search": ["STRASSE"]}, "c"),
        ({"search": ["%"]}, "b"),
        ({"search": ["t_l"]}, "b"),
        ({"search": ["_"]}, "b"),
        ({"search": ["\\"]}, ""),
        ({"search": ["", "  "]}, "dcba"),
        ({"search": [" dog "]}, "a"),
        ({"search": ["dog,cat"]}, ""),
        ({"sourceTypes": ["batch", "api"]}, "cb"),
        ({"sourceTypes": ["Batch"]}, ""),
        ({"sourceTypes": []}, "dcba"),
        ({"types": ["rule"]}, "ca"),
        ({"types": ["rule"], "imageIds": ["i1"]}, "a"),
        ({"imageIds": ["i1", "i1"]}, "ba"),
        ({"imageIds": ["unknown"]}, ""),
        (dict.fromkeys(["startDate", "minConfidence", "search", "sourceTypes", "includeFailed", "searchMode"]), "dcba"),
        (None, "dcba"),
    ],
)
def test_filters(filtered: Account, filter: dict[str, Any] | None, expected: str) -> None:
    query = """query($filter: DescriptionFilter) { statistics(filter: $filter) { totalCount }
        descriptions(filter: $filter) { nodes { id } totalCount statistics { totalCount } } }"""
    answer = filtered.graphql(query, filter=filter)
    assert "".join(ids(answer["descriptions"])) == expected
    assert answer["descriptions"]["totalCount"] == len(expected)
    assert answer["descriptions"]["statistics"] == answer["statistics"] == {"totalCount": len(expected)}


@pytest.mark.parametrize(
    ("filter", "field"),
    [
        ({"startDate": "2025-02-01", "endDate": "2025-01-01"}, "startDate"),
        ({"minConfidence": 0.9, "maxConfidence": 0.1}, "minConfidence"),
        ({"minConfidence": -0.1}, "minConfidence"),
        ({"maxConfidence": 1.1}, "maxConfidence"),
        ({"search": ["a\0"]}, "search"),
        ({"search": ["x" * 1001]}, "search"),
        ({"search": [str(n) for n in range(51)]}, "search"),
        ({"sourceTypes": ["\0"]}, "sourceTypes"),
        ({"imageIds": [str(n) for n in range(1001)]}, "imageIds"),
    ],
)
def test_a_filter_that_cannot_be_meant(filtered: Account, filter: dict[str, Any], field: str) -> None:
    for query in (
        "statistics(filter: $filter) { totalCount }",
        "descriptions(filter: $filter) { filtersApplied { searchApplied } }",
    ):
        error = filtered.refused(f"query($filter: DescriptionFilter) {{ {query} }}", filter=filter)
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2025-13-01", "2025-01-15T25:00:00Z", "9999-12-31T23:00:00-05:00", 5, True]
)
def test_a_time_that_is_none(filtered: Account, text: Any) -> None:
    error = filtered.refused("query($at: DateTime) { statistics(filter: {startDate: $at}) { totalCount } }", at=text)
    assert "must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z" in error["message"]


STATISTICS = """{ totalCount scoredCount averageConfidence confidenceDistribution { range count }
    dailyCounts { date count } sourceDistribution { sourceType count }
    typeDistribution { type count } }"""


def test_statistics(filtered: Account) -> None:
    query = f"{{ statistics {STATISTICS} descriptions(first: 1) {{ statistics {STATISTICS} }} }}"
    answer = filtered.graphql(query)
    assert answer["descriptions"]["statistics"] == answer["statistics"]
    assert answer["statistics"] == {
        "totalCount": 4,
        "scoredCount": 3,
        "averageConfidence": 0.4333,
        "confidenceDistribution": [
            {"range": "0.0-0.1", "count": 1},
            {"range": "0.3-0.4", "count": 1},
            {"range": "0.9-1.0", "count": 1},
        ],
        "dailyCounts": [{"date": "2025-01-15", "count": 3}, {"date": "2025-01-16", "count": 1}],
        "sourceDistribution": [
            {"sourceType": "api", "count": 1},
            {"sourceType": "batch", "count": 1},
            {"sourceType": "single", "count": 2},
        ],
        "typeDistribution": [{"type": "description", "count": 2}, {"type": "rule", "count": 2}],
    }


def test_statistics_of_nothing(account: Account) -> None:
    assert account.graphql(f"{{ statistics {STATISTICS} }}")["statistics"] == {
        "totalCount": 0,
        "scoredCount": 0,
        "averageConfidence": None,
        "confidenceDistribution": [],
        "dailyCounts": [],
        "sourceDistribution": [],
        "typeDistribution": [],
    }


def test_the_average_of_unscored_results_is_null(account: Account) -> None:
    account.record({}, {})
    assert account.graphql("{ statistics { totalCount scoredCount averageConfidence } }")["statistics"] == {
        "totalCount": 2,
        "scoredCount": 0,
        "averageConfidence": None,
    }


APPLIED = ("dateRangeApplied", "confidenceRangeApplied", "searchApplied", "sourceTypesFiltered")


@pytest.mark.parametrize(
    ("filter", "true", "summary"),
    [
        (None, [], None),
        ({"search": [" "], "includeFailed": True, "types": ["x"]}, [], None),
        ({"startDate": "2025-01-01", "endDate": "2025-01-31T23:59:59Z"}, [0], "Date: 2025-01-01 to 2025-01-31"),
        ({"startDate": "2025-01-01T01:00:00+02:00"}, [0], "Date: from 2024-12-31"),
        ({"endDate": "2025-01-31"}, [0], "Date: until 2025-01-31"),
        ({"minConfidence": 0.8, "maxConfidence": 1}, [1], "Min confidence: 0.8"),
        ({"maxConfidence": 0.5}, [1], "Max confidence: 0.5"),
        ({"maxConfidence": 1}, [1], None),
        ({"search": ["a"], "sourceTypes": ["single", "batch"]}, [2], None),
        ({"sourceTypes": ["single"]}, [3], None),
        ({"startDate": "2025-01-01", "minConfidence": 0}, [0, 1], "Date: from 2025-01-01, Min confidence: 0.0"),
    ],
)
def test_filters_applied(account: Account, filter: Any, true: list[int], summary: str | None) -> None:
    query = (
        "query($filter: DescriptionFilter) { descriptions(filter: $filter) { filtersApplied { %s filterSummary } } }"
    )
    found = account.graphql(query % " ".join(APPLIED), filter=filter)["descriptions"]["filtersApplied"]
    assert found == {name: place in true for place, name in enumerate(APPLIED)} | {"filterSummary": summary}
