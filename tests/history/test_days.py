"""Days of a time zone: as Python's own calendar has them, on both engines, also when clocks change."""

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.engine.db import Database
from app.history import days, zones
from app.history.filters import DescriptionFilter
from tests import model
from tests.conftest import Account, new_account
from tools.stack import Stack

STATISTICS = """query($filter: DescriptionFilter, $zone: String, $fill: Boolean) {
    statistics(filter: $filter, timeZone: $zone, fillDays: $fill) {
        totalCount truncated timeZone revision basis { total scored } dailyCounts { date count }
        confidenceDistribution { range count } reviewCounts { state count }
    }
}"""

CHANGES = ["2025-03-30", "2025-10-26", "2025-03-09", "2025-11-02"]
"""Days on which clocks are changed: in Berlin, and in New York."""

HOURS = {
    f"{datetime.fromisoformat(day) + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"
    for day in CHANGES
    for hour in range(-24, 48)
}
EDGES = {  # midnights of Kathmandu, Berlin and New York, and the last microseconds before them
    *("2025-03-29T18:15:00Z", "2025-03-29T18:14:59.999999Z", "2025-03-29T22:59:59.999999Z"),
    *("2025-03-30T21:59:59.999999Z", "2025-11-02T03:59:59.999999Z", "2025-11-03T04:59:59.999999Z"),
}
RESULTS: list[dict[str, Any]] = [
    {
        "id": f"r{place:03}",
        "created_at": at,
        "description": "A dog" if place % 3 else "A cat",
        "confidence_score": place % 10 / 10 if place % 4 else None,
        "source_type": "single",
        "type": "description",
        "status": "completed",
    }
    for place, at in enumerate(sorted(HOURS | EDGES))
]

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"search": ["dog"]},
    {"min_confidence": 0.25, "start_date": "2025-03-09T05:00:00Z", "end_date": "2025-10-26T22:59:59.999999Z"},
]


@pytest.fixture(scope="module")
def history(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    account.record(*({camel(name): value for name, value in one.items() if name != "status"} for one in RESULTS))
    yield account
    account.close()


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def told(account: Account, zone: str | None, wanted: dict[str, Any], *, fill: bool | None = None) -> Any:
    given = {camel(name): value for name, value in wanted.items()}
    return account.graphql(STATISTICS, filter=given, zone=zone, fill=fill)["statistics"]


def counted(zone: str, wanted: dict[str, Any]) -> dict[str, int]:
    found = (model.moment(one["created_at"]) for one in model.matches(RESULTS, wanted))
    return model.ascending(Counter(at.astimezone(ZoneInfo(zone)).date().isoformat() for at in found))


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_those_of_the_zone(history: Account, zone: str) -> None:
    for wanted in FILTERS:
        of_utc, found, again = told(history, None, wanted), told(history, zone, wanted), told(history, zone, wanted)
        assert found == again
        matching = model.matches(RESULTS, wanted)
        days_ = [{"date": day, "count": count} for day, count in counted(zone, wanted).items()]
        assert found == of_utc | {"timeZone": zone, "dailyCounts": days_}
        scored = sum(one["confidence_score"] is not None for one in matching)
        assert found["basis"] == {"total": len(matching), "scored": scored}


def test_a_day_has_as_many_hours_as_it_has_there(account: Account) -> None:
    account.record(*({"id": at, "createdAt": at} for at in sorted(HOURS)))
    berlin, york = (
        {day["date"]: day["count"] for day in told(account, zone, {})["dailyCounts"]}
        for zone in ("Europe/Berlin", "America/New_York")
    )
    assert [berlin[day] for day in ("2025-03-30", "2025-10-26")] == [23, 25]
    assert [york[day] for day in ("2025-03-09", "2025-11-02")] == [23, 25]


def test_the_revision_grows_and_days_with_it(account: Account) -> None:
    account.record({"id": "a", "createdAt": "2025-01-15T23:30:00Z"})
    first = told(account, "Europe/Berlin", {})
    account.record({"id": "b", "createdAt": "2025-01-15T23:30:00Z"})
    second = told(account, "Europe/Berlin", {})
    assert second["revision"] > first["revision"] > 0
    assert [one["dailyCounts"] for one in (first, second)] == [
        [{"date": "2025-01-16", "count": count}] for count in (1, 2)
    ]


def test_results_at_the_ends_of_the_calendar_have_a_day_in_every_zone(account: Account) -> None:
    times = ["0001-01-01T00:00:00Z", "2025-03-30T22:30:00Z", "9999-12-31T23:59:59.999999Z"]
    account.record(*({"id": f"e{place}", "createdAt": at} for place, at in enumerate(times)))
    for zone in ("America/New_York", "Asia/Kathmandu"):
        found = [day["date"] for day in told(account, zone, {})["dailyCounts"]]
        middle = "2025-03-30" if zone == "America/New_York" else "2025-03-31"
        assert found == ["0001-01-01", middle, "9999-12-31"]
    refused = account.refused(STATISTICS, fill=True)
    assert refused["extensions"] == {"code": "VALIDATION_ERROR", "field": "fillDays"}
    assert refused["message"].startswith("From 0001-01-01 to 9999-12-31 there are 3,652,059 days, and at most 10,000")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_filled_days_are_all_from_the_first_to_the_last(history: Account, zone: str) -> None:
    for wanted in (
        {},
        {"start_date": "2025-01-01T03:00:00Z"},
        {"end_date": "2025-12-31T03:00:00Z"},
        {"start_date": "2025-01-01T03:00:00Z", "end_date": "2025-01-08T03:00:00Z"},
        {"search": ["nowhere"]},
        {"search": ["nowhere"], "start_date": "2025-01-01"},
    ):
        known = counted(zone, wanted)
        start, end = (
            wanted.get(name) and model.moment(str(wanted[name])).astimezone(ZoneInfo(zone)).date()
            for name in ("start_date", "end_date")
        )
        first = start or (date.fromisoformat(min(known)) if known else None)
        last = end or (date.fromisoformat(max(known)) if known else None)
        expected = []
        if first and last:
            every = (str(first + timedelta(days=place)) for place in range((last - first).days + 1))
            expected = [{"date": day, "count": known.get(day, 0)} for day in every]
        assert told(history, zone, wanted, fill=True)["dailyCounts"] == expected


@pytest.mark.parametrize("name", ["Berlin", "europe/berlin", "../UTC", "localtime", "right/Europe/Berlin", "a" * 300])
def test_a_name_that_is_no_zone(history: Account, name: str) -> None:
    refused = history.refused(STATISTICS, zone=name)
    assert refused["extensions"] == {"code": "VALIDATION_ERROR", "field": "timeZone"}
    assert refused["message"].endswith("such as Europe/Berlin.")


@pytest.mark.parametrize("name", ["Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia"])
def test_each_change_of_a_zone_is_found_to_the_second(name: str) -> None:
    zone, first = ZoneInfo(name), date(2005, 1, 1)
    found = zones.changes(name, [first + timedelta(days=place) for place in range(20 * 365)])
    for before, change in itertools.pairwise(found):
        assert (change.at - timedelta(seconds=1)).astimezone(zone).utcoffset() == timedelta(seconds=before.seconds)
        assert change.at.astimezone(zone).utcoffset() == timedelta(seconds=change.seconds)
    hours = (datetime(2005, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(20 * 365 * 24))
    seen = [hour.astimezone(zone).utcoffset() for hour in hours]
    assert len(found) == 1 + sum(one != other for one, other in itertools.pairwise(seen))


def test_a_zone_that_changes_too_often_is_refused() -> None:
    years = [date(year, month, 1) for year in range(1990, 2190) for month in (1, 7)]
    asking = days.ask_counts(1, DescriptionFilter(), "Europe/Berlin", years)
    with pytest.raises(Exception, match="changes more than 250 times: give a start date and an end date"):
        next(asking)
