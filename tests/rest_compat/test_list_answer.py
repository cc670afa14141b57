"""The list: items, statistics, filters_applied."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import KEYS, listed


def test_every_value_of_an_item_comes_back_as_it_was_recorded(account: Account) -> None:
    verification = {"verdict": True, "by": ["Ada", None, 3, 0.25], "nested": {"ö": "ü"}}
    account.record(
        {
            "id": "full",
            "type": "extraction",
            "sourceType": "batch",
            "sourceId": "op_1",
            "createdAt": "2025-01-15T12:30:00.123456+02:00",
            "imageUrl": "https://example.com/a b.jpg?x=1&y=é",
            "imageId": "img_1",
            "description": 'Line one\r\nline "two", 🐕\t',
            "confidenceScore": 0.1234567890123456,
            "verification": verification,
            "metadata": {"width": 640, "tags": []},
        },
        {"id": "bare", "createdAt": "2025-01-14"},
    )
    full, bare = listed(account)["items"]
    assert full == {
        "id": "full",
        "type": "extraction",
        "source_type": "batch",
        "source_id": "op_1",
        "created_at": "2025-01-15T10:30:00.123456Z",
        "image_url": "https://example.com/a b.jpg?x=1&y=é",
        "description": 'Line one\r\nline "two", 🐕\t',
        "confidence_score": 0.1234567890123456,
        "verification": verification,
        "image_id": "img_1",
        "metadata": {"width": 640, "tags": []},
    }
    assert list(full) == list(bare) == KEYS
    values: list[Any] = [
        "bare",
        "description",
        "single",
        None,
        "2025-01-14T00:00:00Z",
        None,
        None,
        None,
        None,
        None,
        {},
    ]
    assert list(bare.values()) == values


@pytest.mark.parametrize(
    ("moment", "printed"),
    [
        ("2025-01-15T10:30:00Z", "2025-01-15T10:30:00Z"),
        ("2025-01-15T10:30:00.5Z", "2025-01-15T10:30:00.500Z"),
        ("2025-01-15T10:30:00.000500Z", "2025-01-15T10:30:00.000500Z"),
        ("2025-01-15T00:30:00+01:00", "2025-01-14T23:30:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_printed_in_utc_with_z(account: Account, moment: str, printed: str) -> None:
    account.record({"createdAt": moment})
    answer = listed(account)
    assert [item["created_at"] for item in answer["items"]] == [printed]
    assert answer["statistics"]["daily_counts"] == [{"date": printed[:10], "count": 1}]


def test_the_bins_have_exact_edges(recorded: Callable[[str], Account]) -> None:
    statistics = listed(recorded("scored"))["statistics"]
    assert list(statistics["confidence_distribution"].items()) == [
        ("0.0-0.1", 2),
        ("0.1-0.2", 1),
        ("0.2-0.3", 2),
        ("0.3-0.4", 2),
        ("0.4-0.5", 1),
        ("0.5-0.6", 1),
        ("0.6-0.7", 2),
        ("0.7-0.8", 2),
        ("0.8-0.9", 1),
        ("0.9-1.0", 3),
    ]
    assert (statistics["total_count"], statistics["average_confidence"]) == (18, 0.5)


@pytest.mark.parametrize(
    ("score", "bin"),
    [(0, "0.0-0.1"), (0.09999999999999999, "0.0-0.1"), (1, "0.9-1.0")]
    + [(edge / 10, f"{edge / 10}-{(edge + 1) / 10}") for edge in range(1, 10)],
)
def test_a_score_on_an_edge_is_in_the_upper_bin(account: Account, score: float, bin: str) -> None:
    account.record({"confidenceScore": score})
    assert listed(account)["statistics"]["confidence_distribution"] == {bin: 1}


@pytest.mark.parametrize(
    ("scores", "average"),
    [
        ([], 0.0),
        ([None, None], 0.0),
        ([0, None], 0.0),
        ([0.1, 0.2, 0.2], 0.1667),
        ([0.5, None, 1], 0.75),
        ([0.0001, 0.0002], 0.0002),
        ([0.89] * 10, 0.89),
        ([0.1] * 3, 0.1),
        ([1, 1, 1], 1.0),
    ],
)
def test_the_average_is_over_scored_results_with_four_decimals(
    account: Account, scores: list[float | None], average: float
) -> None:
    account.record(*({"confidenceScore": score} for score in scores))
    found = listed(account)["statistics"]["average_confidence"]
    assert (found, type(found)) == (average, float)


def test_days_and_sources_ascend_and_days_are_those_of_utc(account: Account) -> None:
    account.record(
        {"createdAt": "2025-01-02T00:00:00Z", "sourceType": "b"},
        {"createdAt": "2025-01-01T23:59:59.999999Z", "sourceType": "é"},
        {"createdAt": "2025-01-02T00:30:00+01:00", "sourceType": "B"},
        {"createdAt": "2024-12-31T23:59:59-00:30", "sourceType": "a"},
        {"createdAt": "2025-03-01", "sourceType": "a"},
    )
    statistics = listed(account)["statistics"]
    assert statistics["daily_counts"] == [
        {"date": "2025-01-01", "count": 3},
        {"date": "2025-01-02", "count": 1},
        {"date": "2025-03-01", "count": 1},
    ]
    assert list(statistics["source_distribution"].items()) == [("B", 1), ("a", 2), ("b", 1), ("é", 1)]


def test_statistics_are_over_all_matches_and_not_over_the_page(recorded: Callable[[str], Account]) -> None:
    whole = listed(recorded("scored"), min_confidence=0.7)["statistics"]
    assert listed(recorded("scored"), min_confidence=0.7, limit=1)["statistics"] == whole
    assert listed(recorded("scored"), min_confidence=0.7, offset=100)["statistics"] == whole
    assert whole["confidence_distribution"] == {"0.7-0.8": 2, "0.8-0.9": 1, "0.9-1.0": 3}


def test_nothing_matches(recorded: Callable[[str], Account]) -> None:
    answer = listed(recorded("dated"), start_date="2030-01-01")
    assert json.dumps(answer) == json.dumps(
        {
            "items": [],
            "total_count": 0,
            "limit": 100,
            "offset": 0,
            "has_more": False,
            "statistics": {
                "total_count": 0,
                "average_confidence": 0.0,
                "confidence_distribution": {},
                "daily_counts": [],
                "source_distribution": {},
            },
            "filters_applied": {
                "date_range_applied": True,
                "confidence_range_applied": False,
                "search_applied": False,
                "source_types_filtered": False,
                "filter_summary": "Date: from 2030-01-01",
            },
        }
    )


@pytest.mark.parametrize(
    ("query", "dates", "scores", "search", "sources"),
    [
        ("", False, False, False, False),
        ("limit=5&offset=1", False, False, False, False),
        ("start_date=2025-01-01", True, False, False, False),
        ("end_date=2025-01-01", True, False, False, False),
        ("min_confidence=0", False, True, False, False),
        ("max_confidence=1.0", False, True, False, False),
        ("search=x", False, False, True, False),
        ("search=,", False, False, False, False),
        ("source_types=single", False, False, False, True),
        ("source_types=batch", False, False, False, True),
        ("source_types=api", False, False, False, True),
        ("source_types=single,api", False, False, False, True),
        ("source_types=single,single", False, False, False, True),
        ("source_types=single,batch", False, False, False, False),
        ("source_types=batch,api,single", False, False, False, False),
        ("start_date=2025-01-01&min_confidence=0.1&search=x&source_types=api", True, True, True, True),
    ],
)
def test_filters_applied_says_what_was_given(
    recorded: Callable[[str], Account], query: str, dates: bool, scores: bool, search: bool, sources: bool
) -> None:
    applied = listed(recorded("dated"), query)["filters_applied"]
    assert [*applied.values()][:4] == [dates, scores, search, sources]


@pytest.mark.parametrize(
    ("query", "summary"),
    [
        ("", None),
        ("search=x&source_types=api&limit=5", None),
        ("start_date=2025-01-01&end_date=2025-01-31T23:59:59Z", "Date: 2025-01-01 to 2025-01-31"),
        ("start_date=2025-01-01&end_date=2025-01-01", "Date: 2025-01-01 to 2025-01-01"),
        ("start_date=2025-01-01T23:59:59Z", "Date: from 2025-01-01"),
        ("start_date=2025-01-01T00:30:00%2B01:00", "Date: from 2024-12-31"),
        ("end_date=2025-01-31", "Date: until 2025-01-31"),
        ("start_date=0001-01-01", "Date: from 0001-01-01"),
        ("min_confidence=0.8", "Min confidence: 0.8"),
        ("min_confidence=0.80", "Min confidence: 0.8"),
        ("min_confidence=0", "Min confidence: 0.0"),
        ("min_confidence=1", "Min confidence: 1.0"),
        ("max_confidence=0.5", "Max confidence: 0.5"),
        ("max_confidence=1", None),
        ("max_confidence=1.0", None),
        ("min_confidence=0.25&max_confidence=0.75", "Min confidence: 0.25, Max confidence: 0.75"),
        ("min_confidence=0.8&max_confidence=1.0", "Min confidence: 0.8"),
        ("end_date=2025-01-31&max_confidence=0.9", "Date: until 2025-01-31, Max confidence: 0.9"),
        (
            "start_date=2025-01-01&end_date=2025-01-31&min_confidence=0.1&max_confidence=0.9&search=x&source_types=api",
            "Date: 2025-01-01 to 2025-01-31, Min confidence: 0.1, Max confidence: 0.9",
        ),
    ],
)
def test_the_filter_summary(recorded: Callable[[str], Account], query: str, summary: str | None) -> None:
    assert listed(recorded("dated"), query)["filters_applied"]["filter_summary"] == summary
