"""The times of one file have one precision: seconds where all of them are whole, else microseconds."""

import json
from typing import Any

import pytest

from tests.conftest import Account

WHOLE = [f"2025-01-15T10:30:0{second}" for second in (5, 4, 3)]


def record(account: Account, *times: str) -> None:
    account.record(*({"id": f"r{place}", "createdAt": time} for place, time in enumerate(times)))


def times_of(account: Account, **body: Any) -> list[str]:
    return [json.loads(line)["created_at"] for line in account.download(format="jsonl", **body).splitlines()]


def test_whole_seconds(account: Account) -> None:
    record(account, *(f"{time}.000Z" for time in WHOLE))
    assert times_of(account) == [f"{time}Z" for time in WHOLE]


@pytest.mark.parametrize("fraction", [".5", ".123", ".000001", ".999999"])
def test_one_fraction_gives_all_of_them_microseconds(account: Account, fraction: str) -> None:
    record(account, f"{WHOLE[0]}Z", f"{WHOLE[1]}{fraction}Z", f"{WHOLE[2]}Z")
    expected = [f"{WHOLE[0]}.000000Z", f"{WHOLE[1]}{fraction:0<7}Z", f"{WHOLE[2]}.000000Z"]
    assert times_of(account) == expected
    assert account.download(format="csv", fields=["created_at"]).decode().split("\r\n")[1:-1] == expected
    assert [found["created_at"] for found in json.loads(account.download(format="json"))] == expected


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"limit": 2}, [0, 1]),
        ({"start_date": f"{WHOLE[1]}Z"}, [0, 1]),
        ({"search_terms": ["nothing"]}, []),
    ],
)
def test_times_that_are_not_in_the_file_do_not_matter(
    account: Account, body: dict[str, Any], places: list[int]
) -> None:
    record(account, f"{WHOLE[0]}Z", f"{WHOLE[1]}Z", f"{WHOLE[2]}.25Z")
    assert times_of(account, **body) == [f"{WHOLE[place]}Z" for place in places]


def test_a_fraction_among_those_within_the_limit(account: Account) -> None:
    record(account, f"{WHOLE[0]}Z", f"{WHOLE[1]}.25Z", f"{WHOLE[2]}Z")
    assert times_of(account, limit=2) == [f"{WHOLE[0]}.000000Z", f"{WHOLE[1]}.250000Z"]


@pytest.mark.parametrize("limit", [None, 2])
def test_a_file_without_times(account: Account, limit: int | None) -> None:
    record(account, f"{WHOLE[0]}Z", f"{WHOLE[1]}.25Z")
    assert account.download(format="csv", fields=["id"], limit=limit) == b"id\r\nr0\r\nr1\r\n"
