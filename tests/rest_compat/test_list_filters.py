"""The list: which results."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import DATED, DESCRIBED, SCORED, ids, listed


def id_set(account: Account, query: str) -> set[str]:
    answer = listed(account, query)
    found = ids(answer)
    assert answer["total_count"] == len(found) == len(set(found))
    return set(found)


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
