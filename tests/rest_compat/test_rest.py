"""The documented paths, line by line of how we read them."""

import http.client
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from app import auth, storage
from app.engine.db import Database
from app.exports import claims, lifecycle
from app.exports.lifecycle import Request
from app.history.filters import DescriptionFilter
from app.models import Export, ExportFormat, Scope
from app.runtime import open_runtime
from app.settings import Settings
from tests.conftest import Account, new_account
from tools.stack import Stack

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
MINIMAL = {"data_type": "descriptions", "format": "csv"}
KEYS = [
    *("id", "type", "source_type", "source_id", "created_at", "image_url"),
    *("description", "confidence_score", "verification", "image_id", "metadata"),
]

DATED = {
    "midnight": "2025-03-01T00:00:00Z",
    "noon": "2025-03-01T12:00:00.500Z",
    "after_noon": "2025-03-01T12:00:00.500001Z",
    "last": "2025-03-01T23:59:59.999999Z",
    "next_day": "2025-03-02T00:00:00Z",
}

SCORED = {
    "unscored": None,
    "zero": 0,
    "tiny": 1e-9,
    "tenth": 0.1,
    "two": 0.2,
    "below_three": 0.29999999999999993,
    "three": 0.3,
    "above_three": 0.30000000000000004,
    "four": 0.4,
    "five": 0.5,
    "six": 0.6,
    "below_seven": 0.6999999999999998,
    "seven": 0.7,
    "above_seven": 0.7000000000000001,
    "eight": 0.8,
    "nine": 0.9,
    "below_one": 0.9999999999999999,
    "one": 1,
}

DESCRIBED = {
    "landscape": "A mountain LANDSCAPE with snow",
    "cafe": "Un café près de l'École",
    "street": "Eine Straße in GROẞENHAIN",
    "greek": "ΟΔΥΣΣΕΥΣ",
    "percent": "100% cotton",
    "plain_percent": "100 percent cotton",
    "underscore": "file_name",
    "no_underscore": "filename",
    "backslash": "C:\\images",
    "quotes": 'It\'s "quoted"',
    "emoji": "A dog 🐕 runs",
    "lines": "first line\nsecond line",
    "nothing": None,
}

SOURCES = {"s1": "single", "s2": "single", "b1": "batch", "a1": "api", "c1": "with space"}


@pytest.fixture(scope="module")
def recorded(stack: Stack, database: Database) -> Iterator[Callable[[str], Account]]:
    """An account for each table above."""
    tables: dict[str, list[dict[str, Any]]] = {
        "dated": [{"id": id, "createdAt": text} for id, text in DATED.items()],
        "scored": [{"id": id, "confidenceScore": score} for id, score in SCORED.items()],
        "described": [{"id": id, "description": text} for id, text in DESCRIBED.items()],
        "sources": [{"id": id, "sourceType": name} for id, name in SOURCES.items()],
    }
    accounts = {name: new_account(stack, database) for name in tables}
    for name, results in tables.items():
        accounts[name].record(*results)
    yield accounts.__getitem__
    for account in accounts.values():
        account.close()


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=stack.url, verify=False, timeout=30) as client:
        yield client


def listed(account: Account, query: str = "", **parameters: Any) -> dict[str, Any]:
    response = account.client.get(f"{LIST}?{query or urlencode(parameters)}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def id_set(account: Account, query: str) -> set[str]:
    answer = listed(account, query)
    found = ids(answer)
    assert answer["total_count"] == len(found) == len(set(found))
    return set(found)


# The list: which results


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("start_date=2025-03-02T00:00:00Z", "next_day"),
        ("start_date=2025-03-02", "next_day"),
        ("start_date=2025-03-02T00:00:00", "next_day"),
        ("start_date=2025-03-02T00:00:00.000001Z", ""),
        ("start_date=2025-03-01T12:00:00.500001Z", "after_noon last next_day"),
        ("start_date=2025-03-01T12:00:00.500Z", "noon after_noon last next_day"),
        ("end_date=2025-03-01", "midnight"),
        ("end_date=2025-03-01T12:00:00.5Z", "midnight noon"),
        ("end_date=2025-03-01T12:00:00.5", "midnight noon"),
        ("end_date=2025-03-01T23:59:59Z", "midnight noon after_noon"),
        ("start_date=2025-03-01T12:00:00.5Z&end_date=2025-03-01T12:00:00.5Z", "noon"),
        ("start_date=2025-03-01T12:00:01Z&end_date=2025-03-01T12:00:01Z", ""),
        ("end_date=2025-03-01T02:00:00%2B02:00", "midnight"),
        ("end_date=2025-03-01T02:00:00+02:00", "midnight"),
        ("end_date=2025-03-01T02:00:00%2002:00", "midnight"),
        ("end_date=2025-03-01T02:00:00+0200", "midnight"),
        ("end_date=2025-03-01T02:00:00+02", "midnight"),
        ("end_date=2025-03-01T01:59:59+02:00", ""),
        ("end_date=2025-03-01T17:30:00.5+05:30", "midnight noon"),
        ("start_date=2025-03-01T18:30:00-05:30", "next_day"),
        ("start_date=2025-03-01T18:29:59.999999-05:30", "last next_day"),
        ("start_date=2025-03-02+00:00:00", "next_day"),
        ("start_date=2025-03-02%2000:00", "next_day"),
        ("start_date=0001-01-01&end_date=9999-12-31T23:59:59Z", " ".join(DATED)),
    ],
)
def test_dates_are_read_in_every_form(recorded: Callable[[str], Account], query: str, expected: str) -> None:
    assert id_set(recorded("dated"), query) == set(expected.split())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", set(SCORED)),
        ("min_confidence=0", set(SCORED) - {"unscored"}),
        ("max_confidence=1", set(SCORED) - {"unscored"}),
        ("min_confidence=0.9", {"nine", "below_one", "one"}),
        ("min_confidence=1", {"one"}),
        ("min_confidence=1.0", {"one"}),
        ("max_confidence=0", {"zero"}),
        ("max_confidence=-0.0", {"zero"}),
        ("max_confidence=0.1", {"zero", "tiny", "tenth"}),
        ("min_confidence=0.3&max_confidence=0.3", {"three"}),
        ("min_confidence=0.29999999999999993&max_confidence=0.3", {"below_three", "three"}),
        ("min_confidence=0.3&max_confidence=0.30000000000000004", {"three", "above_three"}),
        ("min_confidence=7e-1&max_confidence=.7", {"seven"}),
        ("min_confidence=0.55&max_confidence=0.59", set()),
    ],
)  # fmt: skip
def test_confidence_bounds_are_inclusive_and_leave_out_the_unscored(
    recorded: Callable[[str], Account], query: str, expected: set[str]
) -> None:
    assert id_set(recorded("scored"), query) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("mountain", "landscape"),
        ("landscape", "landscape"),
        ("Mountain Landscape", "landscape"),
        ("landscape,cotton", "landscape percent plain_percent"),
        (" landscape , cotton ", "landscape percent plain_percent"),
        (",landscape,,", "landscape"),
        ("landscape,nowhere", "landscape"),
        ("nowhere", ""),
        ("andsca", "landscape"),
        ("CAFÉ", "cafe"),
        ("école", "cafe"),
        ("cafe", ""),
        ("STRASSE", "street"),
        ("straße", "street"),
        ("großenhain", "street"),
        ("ss", "street"),
        ("οδυσσευς", "greek"),
        ("οδυσσευσ", "greek"),
        ("%", "percent"),
        ("100%", "percent"),
        ("1%n", ""),
        ("_", "underscore"),
        ("file_name", "underscore"),
        ("\\", "backslash"),
        ("c:\\im", "backslash"),
        ("'", "cafe quotes"),
        ('"', "quotes"),
        ('"quoted"', "quotes"),
        ("🐕", "emoji"),
        ("line\nsecond", "lines"),
        ("a", "landscape cafe street underscore no_underscore backslash emoji"),
        ("*", ""),
        ("OR", ""),
        ("/", ""),
    ],
)
def test_search_finds_any_term_as_a_substring_ignoring_case(
    recorded: Callable[[str], Account], search: str, expected: str
) -> None:
    assert id_set(recorded("described"), urlencode({"search": search})) == set(expected.split())


@pytest.mark.parametrize(
    "query", ["search=", "search=%20", "search=,", "search=%20,%09,,", "source_types=", "source_types=%20,,"]
)
def test_a_blank_search_and_blank_source_types_are_as_if_absent(recorded: Callable[[str], Account], query: str) -> None:
    answer = listed(recorded("described"), query)
    assert (answer["total_count"], answer["filters_applied"]["search_applied"]) == (len(DESCRIBED), False)
    assert answer["filters_applied"]["source_types_filtered"] is False


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source_types=single", "s1 s2"),
        ("source_types=single,batch", "s1 s2 b1"),
        ("source_types=%20batch%20,api", "b1 a1"),
        ("source_types=with%20space", "c1"),
        ("source_types=with+space", "c1"),
        ("source_types=Single", ""),
        ("source_types=sing", ""),
        ("source_types=nowhere", ""),
        ("source_types=nowhere,api", "a1"),
        ("source_types=api&source_types=batch", "b1 a1"),
    ],
)
def test_source_types_are_exact(recorded: Callable[[str], Account], query: str, expected: str) -> None:
    assert id_set(recorded("sources"), query) == set(expected.split())


def test_unknown_parameters_are_ignored(recorded: Callable[[str], Account]) -> None:
    plain = listed(recorded("dated"))
    assert listed(recorded("dated"), "page=7&sort=id&include_failed=true&types=rule&Limit=1&api_key=x") == plain
    assert plain["total_count"] == len(DATED)


def test_all_types_are_listed_and_failed_ones_are_not(account: Account) -> None:
    account.record(
        {"id": "d"},
        {"id": "r", "type": "rule"},
        {"id": "x", "type": "extraction"},
        {"id": "own", "type": "of our own"},
        {"id": "f", "status": "FAILED", "errorMessage": "The model timed out"},
    )
    answer = listed(account)
    assert [(item["id"], item["type"]) for item in answer["items"]] == [
        ("own", "of our own"),
        ("x", "extraction"),
        ("r", "rule"),
        ("d", "description"),
    ]
    assert answer["total_count"] == answer["statistics"]["total_count"] == 4


# The list: which part of them


def test_results_come_newest_first_and_ties_by_their_ids_bytes(account: Account) -> None:
    tied = ["10", "9", "B", "Z", "a", "b", "é", "ﬁ", "🐕"]
    moment = "2025-01-15T10:30:00Z"
    account.record(
        *({"id": id, "createdAt": moment} for id in tied),
        {"id": "older", "createdAt": "2025-01-15T10:29:59.999999Z"},
        {"id": "newer", "createdAt": "2025-01-15T10:30:00.000001Z"},
    )
    assert ids(listed(account)) == ["newer", *reversed(tied), "older"]
    pages = [ids(listed(account, limit=4, offset=offset)) for offset in (0, 4, 8)]
    assert [id for page in pages for id in page] == ["newer", *reversed(tied), "older"]


def test_a_page_is_stable_while_older_results_are_recorded(account: Account) -> None:
    account.record(*({"id": f"n{number}", "createdAt": f"2025-01-15T10:30:0{number}Z"} for number in range(5)))
    first = ids(listed(account, limit=2)) + ids(listed(account, limit=2, offset=2))
    account.record(*({"id": f"o{number}", "createdAt": f"2025-01-14T10:30:0{number}Z"} for number in range(5)))
    assert ids(listed(account, limit=2)) + ids(listed(account, limit=2, offset=2)) == first == ["n4", "n3", "n2", "n1"]
    assert ids(listed(account, limit=2, offset=4)) == ["n0", "o4"]


@pytest.mark.parametrize(
    ("query", "limit", "offset", "shown", "more"),
    [
        ("", 100, 0, 5, False),
        ("limit=1", 1, 0, 1, True),
        ("limit=4", 4, 0, 4, True),
        ("limit=5", 5, 0, 5, False),
        ("limit=1000", 1000, 0, 5, False),
        ("offset=4", 100, 4, 1, False),
        ("limit=2&offset=2", 2, 2, 2, True),
        ("limit=2&offset=3", 2, 3, 2, False),
        ("offset=5", 100, 5, 0, False),
        ("offset=6&limit=1", 1, 6, 0, False),
        ("offset=2147483647", 100, 2**31 - 1, 0, False),
        ("offset=2147483648", 100, 2**31, 0, False),
        ("offset=1000000000000000000", 100, 10**18, 0, False),
        ("offset=1000000000000000000000000000000", 100, 10**30, 0, False),
    ],
)
def test_limit_and_offset(
    recorded: Callable[[str], Account], query: str, limit: int, offset: int, shown: int, more: bool
) -> None:
    answer = listed(recorded("dated"), query)
    assert (answer["limit"], answer["offset"], len(answer["items"])) == (limit, offset, shown)
    assert (answer["has_more"], answer["total_count"]) == (more, 5)
    assert ids(answer) == [*reversed(DATED)][offset : offset + limit]


def test_the_largest_page_holds_a_thousand(account: Account) -> None:
    account.record(*({"id": f"{number:04}"} for number in range(1001)))
    answer = listed(account, limit=1000)
    assert (len(answer["items"]), answer["total_count"], answer["has_more"]) == (1000, 1001, True)
    assert len(listed(account)["items"]) == 100


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        ("limit=0", "greater_than_equal"),
        ("limit=1001", "less_than_equal"),
        ("limit=-1", "greater_than_equal"),
        ("limit=ten", "int_parsing"),
        ("limit=", "int_parsing"),
        ("limit=1.5", "int_parsing"),
        ("limit=1.0", "int_parsing"),
        ("limit=1_0", "int_parsing"),
        ("limit=%205", "int_parsing"),
        ("offset=1e2", "int_parsing"),
        ("min_confidence=0_1", "float_parsing"),
        ("max_confidence=%200.5", "float_parsing"),
        ("offset=-1", "greater_than_equal"),
        ("offset=x", "int_parsing"),
        ("min_confidence=1.01", "less_than_equal"),
        ("min_confidence=-0.01", "greater_than_equal"),
        ("max_confidence=2", "less_than_equal"),
        ("max_confidence=high", "float_parsing"),
        ("start_date=tomorrow", "datetime_parsing"),
        ("end_date=2025-02-30", "datetime_parsing"),
        ("end_date=", "datetime_parsing"),
    ],
)
def test_a_wrong_parameter_is_422_with_its_place(recorded: Callable[[str], Account], parameter: str, kind: str) -> None:
    response = recorded("dated").client.get(f"{LIST}?{parameter}")
    [place] = response.json()["detail"]
    assert (response.status_code, place["loc"], place["type"]) == (422, ["query", parameter.partition("=")[0]], kind)
    assert place["msg"].startswith("Input ")


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("start_date=2025-02-01&end_date=2025-01-31", "start_date", "The start date lies after the end date."),
        ("min_confidence=0.9&max_confidence=0.8", "min_confidence", "The minimum confidence lies above the maximum."),
    ],
)
def test_bounds_the_wrong_way_round_are_422_with_their_field(
    recorded: Callable[[str], Account], query: str, field: str, message: str
) -> None:
    response = recorded("dated").client.get(f"{LIST}?{query}")
    assert response.status_code == 422
    assert response.json() == {"detail": {"code": "VALIDATION_ERROR", "message": message, "field": field}}


# The list: items, statistics, filters_applied


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


# Exports


@pytest.fixture(scope="module")
def exporting(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    account.record(
        {
            "id": "full",
            "type": "rule",
            "sourceType": "batch",
            "sourceId": "op_1",
            "createdAt": "2025-01-15T10:30:00.5Z",
            "imageUrl": "https://example.com/1.jpg",
            "imageId": "img_1",
            "description": 'A "dog",\nrunning',
            "confidenceScore": 0.75,
            "verification": {"ok": True},
            "metadata": {"b": 1, "a": [1.5, "ä"]},
        },
        {"id": "bare", "createdAt": "2025-01-14"},
        {"id": "whole", "createdAt": "2025-01-13", "confidenceScore": 1, "description": ""},
        {"id": "failed", "createdAt": "2025-01-12", "status": "FAILED", "errorMessage": "The model, timed out"},
    )
    yield account
    account.close()


CSV = (
    "id,type,source_type,source_id,created_at,image_url,description,confidence_score,verification,image_id,metadata\r\n"
    'full,rule,batch,op_1,2025-01-15T10:30:00.500Z,https://example.com/1.jpg,"A ""dog"",\nrunning",0.75,'
    '"{""ok"":true}",img_1,"{""a"":[1.5,""ä""],""b"":1}"\r\n'
    "bare,description,single,,2025-01-14T00:00:00Z,,,,,,{}\r\n"
    'whole,description,single,,2025-01-13T00:00:00Z,,"",1,,,{}\r\n'
)
OBJECTS = [
    '{"id":"full","type":"rule","source_type":"batch","source_id":"op_1","created_at":"2025-01-15T10:30:00.500Z",'
    '"image_url":"https://example.com/1.jpg","description":"A \\"dog\\",\\nrunning","confidence_score":0.75,'
    '"verification":{"ok":true},"image_id":"img_1","metadata":{"a":[1.5,"ä"],"b":1}}',
    '{"id":"bare","type":"description","source_type":"single","source_id":null,"created_at":"2025-01-14T00:00:00Z",'
    '"image_url":null,"description":null,"confidence_score":null,"verification":null,"image_id":null,"metadata":{}}',
    '{"id":"whole","type":"description","source_type":"single","source_id":null,"created_at":"2025-01-13T00:00:00Z",'
    '"image_url":null,"description":"","confidence_score":1,"verification":null,"image_id":null,"metadata":{}}',
]


@pytest.mark.parametrize(
    ("format", "content", "content_type"),
    [
        ("csv", CSV, "text/csv; charset=utf-8"),
        ("json", "[" + ",\n".join(OBJECTS) + "]", "application/json"),
        ("jsonl", "".join(line + "\n" for line in OBJECTS), "application/x-ndjson"),
    ],
)
def test_a_file_of_each_format(
    exporting: Account, format: str, content: str, content_type: str, stranger: httpx.Client
) -> None:
    state = exporting.export(format=format)
    file = stranger.get(state["download_url"])
    assert (state["status"], state["record_count"], state["error_message"]) == ("completed", 3, None)
    assert (file.status_code, file.content.decode()) == (200, content)
    assert file.headers["content-type"] == content_type
    assert file.headers["content-disposition"] == f'attachment; filename="export_{state["export_id"]}.{format}"'
    assert file.headers["content-length"] == str(len(content.encode()))


@pytest.mark.parametrize(("format", "content"), [("csv", f"{','.join(KEYS)}\r\n"), ("json", "[]"), ("jsonl", "")])
def test_no_match_gives_a_valid_empty_file(
    exporting: Account, format: str, content: str, stranger: httpx.Client
) -> None:
    state = exporting.export(format=format, search_terms=["nowhere"])
    assert (state["status"], state["record_count"]) == ("completed", 0)
    assert stranger.get(state["download_url"]).text == content


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ({}, KEYS),
        ({"fields": []}, KEYS),
        ({"fields": None}, KEYS),
        ({"fields": ["description", "id"]}, ["description", "id"]),
        ({"fields": ["id", "type", "id", "id", "type"]}, ["id", "type"]),
        ({"fields": ["error_message", "status"]}, ["error_message", "status"]),
        ({"fields": [*reversed(KEYS), "status", "error_message"]}, [*reversed(KEYS), "status", "error_message"]),
        ({"include_failed": True}, [*KEYS, "status", "error_message"]),
        ({"include_failed": True, "fields": ["id"]}, ["id"]),
        ({"include_metadata": False}, KEYS[:-1]),
        ({"include_metadata": False, "fields": ["metadata", "id"]}, ["id"]),
        ({"include_metadata": False, "include_failed": True}, [*KEYS[:-1], "status", "error_message"]),
        ({"include_metadata": True, "fields": ["metadata", "id"]}, ["metadata", "id"]),
    ],
)
def test_the_columns_of_a_file(exporting: Account, body: dict[str, Any], columns: list[str]) -> None:
    header = exporting.download(format="csv", limit=1, **body).split(b"\r\n")[0]
    assert header.decode().split(",") == columns


def test_failed_results_come_with_their_reason(exporting: Account) -> None:
    body = {"include_failed": True, "fields": ["id", "description", "status", "error_message"]}
    assert exporting.download(format="csv", **body).decode().endswith(
        "\r\n"
        "bare,,completed,\r\n"
        'whole,"",completed,\r\n'
        'failed,,failed,"The model, timed out"\r\n'
    )  # fmt: skip


@pytest.mark.parametrize(("limit", "expected"), [(1, ["full"]), (2, ["full", "bare"]), (3, ["full", "bare", "whole"])])
def test_a_limit_takes_the_newest(exporting: Account, limit: int, expected: list[str], stranger: httpx.Client) -> None:
    state = exporting.export(limit=limit, fields=["id"])
    assert (state["status"], state["record_count"]) == ("completed", limit)
    lines = stranger.get(state["download_url"]).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == expected


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"start_date": "2025-01-14"}, {"start_date": "2025-01-14"}),
        ({"end_date": "2025-01-14T02:00:00+02:00"}, {"end_date": "2025-01-14T02:00:00 02:00"}),
        ({"min_confidence": 0.75}, {"min_confidence": 0.75}),
        ({"max_confidence": 1}, {"max_confidence": 1}),
        ({"search": "DOG,nowhere"}, {"search_terms": [" DOG ", "nowhere", ""]}),
        ({"source_types": "batch,api"}, {"source_types": ["batch", "api"]}),
        ({}, {"start_date": None, "min_confidence": None, "search_terms": [], "source_types": []}),
    ],
)
def test_an_export_holds_what_the_list_shows(exporting: Account, query: dict[str, Any], body: dict[str, Any]) -> None:
    lines = exporting.download(fields=["id"], **body).splitlines()
    shown = ids(listed(exporting, **query))
    assert [json.loads(line)["id"] for line in lines] == shown
    assert shown != []


def test_a_search_term_of_an_export_may_hold_a_comma(exporting: Account) -> None:
    assert exporting.download(fields=["id"], search_terms=['"dog",']) == b'{"id":"full"}\n'


def test_unknown_keys_of_a_body_are_ignored(exporting: Account) -> None:
    assert exporting.download(fields=["id"], limit=1, search="nowhere", colour="red") == b'{"id":"full"}\n'


@pytest.mark.parametrize(
    ("change", "place", "kind"),
    [
        ({"data_type": "images"}, ["body", "data_type"], "literal_error"),
        ({"data_type": "Descriptions"}, ["body", "data_type"], "literal_error"),
        ({"data_type": None}, ["body", "data_type"], "literal_error"),
        ({"format": "xml"}, ["body", "format"], "literal_error"),
        ({"format": "CSV"}, ["body", "format"], "literal_error"),
        ({"format": "parquet"}, ["body", "format"], "literal_error"),
        ({"limit": 0}, ["body", "limit"], "greater_than_equal"),
        ({"limit": 100_001}, ["body", "limit"], "less_than_equal"),
        ({"fields": ["id", "colour"]}, ["body", "fields", 1], "field_name"),
        ({"fields": ["createdAt"]}, ["body", "fields", 0], "field_name"),
        ({"min_confidence": 1.5}, ["body", "min_confidence"], "less_than_equal"),
        ({"start_date": "soon"}, ["body", "start_date"], "datetime_parsing"),
        ({"search_terms": "safety"}, ["body", "search_terms"], "list_type"),
        ({"source_types": "single"}, ["body", "source_types"], "list_type"),
        ({"include_failed": "yes"}, ["body", "include_failed"], "bool_type"),
    ],
)
def test_a_wrong_value_in_a_body_is_422_with_its_place(
    exporting: Account, change: dict[str, Any], place: list[str | int], kind: str
) -> None:
    response = exporting.client.post(EXPORT, json=MINIMAL | change)
    [found] = response.json()["detail"]
    assert (response.status_code, found["loc"], found["type"]) == (422, place, kind)


def test_a_body_without_what_it_needs_is_422(exporting: Account) -> None:
    response = exporting.client.post(EXPORT, json={})
    missing = [{"loc": ["body", name], "msg": "Field required", "type": "missing"} for name in ("data_type", "format")]
    assert (response.status_code, response.json()) == (422, {"detail": missing})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_date": "2025-02-01", "end_date": "2025-01-31"}, "start_date"),
        ({"min_confidence": 0.9, "max_confidence": 0.8}, "min_confidence"),
        ({"fields": ["metadata"], "include_metadata": False}, "fields"),
    ],
)
def test_values_of_a_body_that_cannot_be_meant_together_are_422(
    exporting: Account, change: dict[str, Any], field: str
) -> None:
    response = exporting.client.post(EXPORT, json=MINIMAL | change)
    detail = response.json()["detail"]
    assert (response.status_code, detail["code"], detail["field"]) == (422, "VALIDATION_ERROR", field)


def test_the_same_idempotency_key_and_body_give_the_same_export(exporting: Account, stranger: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = MINIMAL | {"fields": ["id"], "start_date": "2025-01-14T00:00:00Z"}
    same = {"start_date": "2025-01-14", "fields": ["id", "id"], "limit": None, "format": "csv"} | MINIMAL
    first = exporting.client.post(EXPORT, json=body, headers=key)
    again = exporting.client.post(EXPORT, json=same, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["status"] == "processing"
    assert again.json()["export_id"] == first.json()["export_id"]

    state = exporting.wait(first.json()["export_id"])
    later = exporting.client.post(EXPORT, json=body, headers=key)
    assert later.status_code == 202
    assert {**later.json(), "download_url": None} == {**state, "download_url": None}
    assert stranger.get(later.json()["download_url"]).content == b"id\r\nfull\r\nbare\r\n"


def test_the_same_idempotency_key_with_another_body_is_422(exporting: Account) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = exporting.client.post(EXPORT, json=MINIMAL, headers=key).json()
    count = export_count(exporting)
    response = exporting.client.post(EXPORT, json=MINIMAL | {"format": "json"}, headers=key)
    assert response.status_code == 422
    assert response.json() == {
        "detail": {
            "code": "VALIDATION_ERROR",
            "message": "This idempotency key was used for another export already.",
            "field": "idempotency_key",
        }
    }
    assert export_count(exporting) == count
    assert exporting.wait(first["export_id"])["format"] == "csv"


def test_an_idempotency_key_belongs_to_its_account(exporting: Account, account: Account) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    ours = exporting.client.post(EXPORT, json=MINIMAL, headers=key).json()["export_id"]
    theirs = account.client.post(EXPORT, json=MINIMAL, headers=key)
    assert (theirs.status_code, theirs.json()["export_id"] != ours) == (202, True)


def test_without_an_idempotency_key_each_request_is_an_export(exporting: Account) -> None:
    made = {exporting.client.post(EXPORT, json=MINIMAL).json()["export_id"] for _ in range(2)}
    assert len(made) == 2


def export_count(account: Account) -> int:
    count: int = account.graphql("{ exports { totalCount } }")["exports"]["totalCount"]
    return count


# The state of an export


@pytest.mark.parametrize(
    ("id", "status"), [(UNKNOWN, 404), (UNKNOWN.replace("-", ""), 404), ("nope", 422), ("1", 422), (UNKNOWN[:-1], 422)]
)
def test_an_unknown_export_is_404_and_what_is_no_uuid_422(account: Account, id: str, status: int) -> None:
    response = account.client.get(f"{EXPORT}/{id}")
    assert response.status_code == status
    if status == 404:
        assert response.json() == {"detail": "Export not found"}
    else:
        [place] = response.json()["detail"]
        assert (place["loc"], place["type"]) == (["path", "export_id"], "uuid_parsing")


def test_another_accounts_export_and_results_do_not_exist(exporting: Account, account: Account) -> None:
    id = exporting.export()["export_id"]
    response = account.client.get(f"{EXPORT}/{id}")
    assert (response.status_code, response.json()) == (404, {"detail": "Export not found"})
    assert listed(account)["total_count"] == 0
    assert account.download() == b""


def test_an_export_whose_file_was_removed_is_404(account: Account) -> None:
    id = account.export()["export_id"]
    with account.database.write() as session:
        export = session.get(Export, (account.id, uuid.UUID(id)))
        assert export is not None
        export.expired_at = lifecycle.clock(session)
    response = account.client.get(f"{EXPORT}/{id}")
    assert (response.status_code, response.json()) == (404, {"detail": "Export not found"})


def test_a_cancelled_export_shows_as_failed_with_its_reason(account: Account) -> None:
    wanted = Request(format=ExportFormat.CSV, filter=DescriptionFilter())
    with account.database.write() as session:  # as a worker that is at it
        export = lifecycle.create(session, account.id, wanted)
        assert claims.claim(session, account.id, export.id, at_a_time=1) is not None
    account.graphql("mutation($id: ID!) { cancelExport(id: $id) { status } }", id=str(export.id))
    state = account.client.get(f"{EXPORT}/{export.id}").json()
    assert (state["status"], state["error_message"]) == ("failed", "The export was cancelled")
    assert (state["download_url"], state["record_count"]) == (None, None)


# Downloads


@pytest.fixture(scope="module")
def download_url(exporting: Account) -> str:
    url: str = exporting.export(format="csv", fields=["id"])["download_url"]
    return url


CONTENT = b"id\r\nfull\r\nbare\r\nwhole\r\n"


def is_local(account: Account) -> bool:
    return "SIGHTLOG_S3_BUCKET" not in account.stack.settings


def altered(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode(query)).geturl()


def lifetime(account: Account, url: str) -> float:
    query = parse_qs(urlsplit(url).query)
    return float(query["expires"][0]) - time.time() if is_local(account) else float(query["X-Amz-Expires"][0])


def test_a_download_needs_no_key_and_works_for_an_hour(
    exporting: Account, download_url: str, stranger: httpx.Client
) -> None:
    assert stranger.get(download_url).content == CONTENT
    assert stranger.get(download_url).status_code == 200
    assert 3500 < lifetime(exporting, download_url) <= 3600


def test_every_read_signs_a_url_that_works(exporting: Account, stranger: httpx.Client) -> None:
    id = exporting.export(format="csv", fields=["id"])["export_id"]
    urls = [exporting.client.get(f"{EXPORT}/{id}").json()["download_url"] for _ in range(2)]
    assert [stranger.get(url).content for url in urls] == [CONTENT, CONTENT]


@pytest.mark.parametrize(
    ("range", "status", "content"),
    [
        ("bytes=0-1", 206, CONTENT[:2]),
        ("bytes=4-", 206, CONTENT[4:]),
        ("bytes=-7", 206, CONTENT[-7:]),
        ("bytes=0-10000", 206, CONTENT),
    ],
)
def test_a_part_of_a_file_can_be_downloaded(
    download_url: str, range: str, status: int, content: bytes, stranger: httpx.Client
) -> None:
    response = stranger.get(download_url, headers={"Range": range})
    assert (response.status_code, response.content) == (status, content)
    first, last = CONTENT.index(content), CONTENT.index(content) + len(content) - 1
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_range_behind_the_end_is_416(download_url: str, stranger: httpx.Client) -> None:
    assert stranger.get(download_url, headers={"Range": "bytes=1000-"}).status_code == 416


def test_head_tells_the_size_of_a_local_file(exporting: Account, download_url: str, stranger: httpx.Client) -> None:
    response = stranger.head(download_url)
    assert response.content == b""
    if is_local(exporting):
        assert (response.status_code, response.headers["content-length"]) == (200, str(len(CONTENT)))
    else:  # S3 signs for one method
        assert response.status_code == 403


def test_an_altered_download_url_is_403(exporting: Account, download_url: str, stranger: httpx.Client) -> None:
    names = ("signature", "expires") if is_local(exporting) else ("X-Amz-Signature", "X-Amz-Expires")
    query = parse_qs(urlsplit(download_url).query)
    signature = query[names[0]][0]
    changes = [
        {names[0]: signature[:-1] + ("0" if signature[-1] != "0" else "1")},
        {names[0]: ""},
        {names[0]: "é"},
        {names[1]: str(int(query[names[1]][0]) + 1)},
        {names[1]: "9" * 30},
        {names[1]: "soon"},
    ]
    statuses = [stranger.get(altered(download_url, **change)).status_code for change in changes]
    assert [status for status in statuses if status not in (400, 403)] == []
    assert statuses[0] == statuses[3] == 403
    other_file = download_url.replace(".csv", ".json", 1)
    assert stranger.get(other_file).status_code == 403
    assert stranger.get(download_url.partition("?")[0]).status_code == 403
    assert stranger.post(download_url).status_code in (403, 405)


def local_storage(stack: Stack) -> storage.LocalStorage:
    """Signs as the server does."""
    settings = Settings(data_dir=stack.folder / "data", public_url=stack.url, secret="")
    opened = open_runtime(settings).storage
    assert isinstance(opened, storage.LocalStorage)
    return opened


def test_an_expired_download_url_is_403(
    exporting: Account, download_url: str, monkeypatch: pytest.MonkeyPatch, stranger: httpx.Client
) -> None:
    if not is_local(exporting):
        expired = altered(download_url, **{"X-Amz-Date": "20250101T000000Z"})
        assert stranger.get(expired).status_code == 403
        return
    signs = local_storage(exporting.stack)
    key = urlsplit(download_url).path.removeprefix("/files/")
    assert stranger.get(signs.url(key, content_type="", filename="x.csv")).content == CONTENT
    monkeypatch.setattr(storage, "URL_LIFETIME", -1)
    response = stranger.get(signs.url(key, content_type="", filename="x.csv"))
    assert (response.status_code, response.json()["detail"]["code"]) == (403, "AUTHZ_ERROR")
    assert "expired" in response.json()["detail"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/..%2fsecret",
        "/files/1/..%2f..%2f..%2fsecret",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/..%5c..%5csecret",
        "/files/%00",
        "/files/secret%00.csv",
        "/files/",
        "/files/.",
        "/files/..",
        "/files/%ff",
    ],
)
def test_no_path_escapes_the_folder_of_the_files(exporting: Account, path: str) -> None:
    for query in ("", "?filename=x.csv&expires=99999999999&signature=0"):
        status, body = raw_get(exporting.stack.url, path + query)
        assert status == (403 if is_local(exporting) else 404)
        assert set(json.loads(body)) == {"detail"}


@pytest.mark.parametrize(
    "key", ["../secret", "../sightlog.db", "/etc/passwd", "1/../../secret", "..", "", "nowhere/1.csv"]
)
def test_even_a_signed_path_does_not_escape(exporting: Account, key: str) -> None:
    if not is_local(exporting):
        assert raw_get(exporting.stack.url, f"/files/{key}")[0] == 404
        return
    query = urlsplit(local_storage(exporting.stack).url(key, content_type="", filename="x.csv")).query
    status, _ = raw_get(exporting.stack.url, f"/files/{key.replace('.', '%2e')}?{query}")
    assert status == (404 if key == "nowhere/1.csv" else 403)


def raw_get(url: str, path: str) -> tuple[int, bytes]:
    """Sends the path as it is: httpx would resolve its dots."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    status, body = response.status, response.read()
    connection.close()
    return status, body


# Authentication


PATHS = [
    ("GET", LIST, None),
    ("GET", f"{LIST}?limit=nonsense", None),
    ("POST", EXPORT, b'{"data_type": "descriptions", "format": "csv"}'),
    ("POST", EXPORT, b"{"),
    ("POST", EXPORT, b""),
    ("GET", f"{EXPORT}/{UNKNOWN}", None),
    ("GET", f"{EXPORT}/nonsense", None),
    ("POST", "/graphql", b'{"query": "{ __typename }"}'),
    ("POST", "/graphql", b"{"),
    ("GET", "/graphql?query={__typename}", None),
]


def send(
    stranger: httpx.Client, method: str, path: str, body: bytes | None, authorization: str | None
) -> httpx.Response:
    content_type = {"Content-Type": "application/json"} if body is not None else {}
    headers = {} if authorization is None else {"Authorization": authorization}
    return stranger.request(method, path, content=body, headers=headers | content_type)


def assert_envelope(response: httpx.Response, status: int, code: str) -> None:
    answer = response.json()
    assert (response.status_code, answer["error"]["code"]) == (status, code)
    assert list(answer) == ["error", "request_id"]
    assert list(answer["error"]) == ["code", "message", "details"]
    assert answer["error"]["details"] == {}
    assert re.fullmatch(r"[A-Z].*\.", answer["error"]["message"])
    assert answer["request_id"] == response.headers["x-request-id"]
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_every_path_needs_a_key(
    recorded: Callable[[str], Account], stranger: httpx.Client, method: str, path: str, body: bytes | None
) -> None:
    key = recorded("dated").keys[Scope.READ]
    for authorization in (
        None,
        "",
        "Bearer",
        key,
        f"Basic {key}",
        f"Bearer{key}",
        f"Bearer {key} {key}",
        f"Bearer {key[:-1]}",
        f"Bearer {key}x",
        f"Bearer {key[:17]}{'A' * 43}",
        f"Bearer sightlog_{'A' * 51}",
        "Bearer nonsense",
        f"Bearer {'x' * 5000}",
    ):
        response = send(stranger, method, path, body, authorization)
        assert_envelope(response, 401, "INVALID_API_KEY")
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.fixture(scope="module")
def dead_keys(recorded: Callable[[str], Account]) -> dict[str, str]:
    account = recorded("dated")
    with account.database.write() as session:
        expired = auth.create_key(session, account.id, Scope.ADMIN, expires_in=timedelta(seconds=-1))
        deactivated = auth.create_key(session, account.id, Scope.ADMIN)
        auth.revoke_key(session, deactivated[:17])
    return {"EXPIRED_API_KEY": expired, "DEACTIVATED_API_KEY": deactivated}


@pytest.mark.parametrize("code", ["EXPIRED_API_KEY", "DEACTIVATED_API_KEY"])
@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_an_expired_and_a_deactivated_key_are_401(
    dead_keys: dict[str, str], stranger: httpx.Client, method: str, path: str, body: bytes | None, code: str
) -> None:
    response = send(stranger, method, path, body, f"Bearer {dead_keys[code]}")
    assert_envelope(response, 401, code)
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_query_is_none(recorded: Callable[[str], Account], stranger: httpx.Client) -> None:
    key = recorded("dated").keys[Scope.ADMIN]
    for name in ("api_key", "key", "token", "access_token", "authorization"):
        response = stranger.get(LIST, params={name: key})
        assert_envelope(response, 401, "INVALID_API_KEY")


@pytest.mark.parametrize("scope", Scope)
def test_a_key_of_any_scope_may_list_and_export(
    recorded: Callable[[str], Account], stranger: httpx.Client, scope: Scope
) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {recorded('dated').keys[scope]}"}
        assert stranger.get(LIST, headers=headers).status_code == 200
        response = stranger.post(EXPORT, headers=headers, json=MINIMAL)
        assert response.status_code == 202
        assert stranger.get(f"{EXPORT}/{response.json()['export_id']}", headers=headers).status_code == 200


# Every response


@pytest.mark.parametrize("given", ["12345678", "req_abc-123.4:5", UNKNOWN, "x" * 128])
def test_a_well_formed_request_id_comes_back(
    recorded: Callable[[str], Account], given: str, stranger: httpx.Client
) -> None:
    account = recorded("dated")
    for path in (LIST, f"{EXPORT}/{UNKNOWN}", f"{LIST}?limit=0", "/health/live", "/nowhere"):
        response = account.client.get(path, headers={"X-Request-ID": given})
        assert response.headers["x-request-id"] == given
    response = stranger.get(LIST, headers={"X-Request-ID": given})
    assert (response.headers["x-request-id"], response.json()["request_id"]) == (given, given)


@pytest.mark.parametrize(
    "given", [None, "", "short", "has space", "x" * 129, "né-à-l-instant", "a;b=c,d=e", "<script>"]
)
def test_another_request_id_is_replaced_by_a_uuid4(recorded: Callable[[str], Account], given: str | None) -> None:
    headers: dict[bytes, bytes] = {} if given is None else {b"X-Request-ID": given.encode()}
    response = recorded("dated").client.get(LIST, headers=headers)
    assert uuid.UUID(response.headers["x-request-id"]).version == 4


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/v2/data", 404, "Not Found"),
        ("GET", "/api/v1/data/descriptions", 404, "Not Found"),
        ("POST", LIST, 405, "Method Not Allowed"),
        ("DELETE", f"{EXPORT}/{UNKNOWN}", 405, "Method Not Allowed"),
        ("GET", EXPORT, 405, "Method Not Allowed"),
    ],
)
def test_other_paths_and_methods_are_refused_in_the_documented_shape(
    recorded: Callable[[str], Account], method: str, path: str, status: int, detail: str
) -> None:
    response = recorded("dated").client.request(method, path)
    assert (response.status_code, response.json()) == (status, {"detail": detail})
