"""The list: which part of the results, and what is refused."""

from collections.abc import Callable

import pytest

from tests.conftest import Account
from tests.rest_compat.conftest import DATED, LIST, ids, listed


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
