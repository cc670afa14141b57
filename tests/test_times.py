"""Times on the way in: ISO 8601 and RFC 3339 with their separators, and nothing that merely looks like it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app import times
from tests.conftest import Account

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)
EXPECTED = "must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-01-31T12:00:00Z", NOON),
        ("2025-01-31t12:00:00z", NOON),
        ("2025-01-31 12:00:00Z", NOON),
        ("2025-01-31 12:00:00", NOON),
        ("2025-01-31 12:00", NOON),
        ("2025-01-31T12:00Z", NOON),
        ("  2025-01-31T12:00:00Z\n", NOON),
        ("2025-01-31T12:00:00.000Z", NOON),
        ("2025-01-31T14:00:00+02:00", NOON),
        ("2025-01-31T14:00:00 02:00", NOON),
        ("2025-01-31 14:00:00 02:00", NOON),
        ("2025-01-31T14:00 02", NOON),
        ("2025-01-31T14:00:00+0200", NOON),
        ("2025-01-31T14:00:00+02", NOON),
        ("2025-01-31T06:30:00-05:30", NOON),
        ("2025-01-31T12:00:00-00:00", NOON),
        ("2025-02-01T11:59:00+23:59", NOON),
        ("2025-01-31T12:00:00.5Z", NOON.replace(microsecond=500_000)),
        ("2025-01-31T12:00:00,25+00:00", NOON.replace(microsecond=250_000)),
        ("2025-01-31T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_time_is_understood(text: str, moment: datetime) -> None:
    assert times.parse(text) == moment
    assert times.parse(text).utcoffset() == UTC.utcoffset(None)


NONE_OF_THEM = [
    *(
        "1712100512345",
        "1712100512",
        "20250101",
        "20250131T120000Z",
        "2025",
        "2025-01",
        "202501",
        "2025-W05",
        "2025W05",
    ),
    *("2025-W05-5", "2025-031", "2025-1-31", "25-01-31", "+2025-01-31", "-2025-01-31", "10000-01-01", "0000-01-01"),
    *("2025-02-29", "2025-13-01", "2025-01-32", "2025/01/31", "31.01.2025", "2025-01-31T", "2025-01-31Z"),
    *("2025-01-31T12", "2025-01-31T12Z", "2025-01-31T1200", "2025-01-31T12:00:00.Z", "2025-01-31T24:00:00Z"),
    *("2025-01-31T12:60:00Z", "2025-01-31T12:00:60Z", "2025-01-31T12:00:00 Z", "2025-01-31T12:00:00ZZ"),
    *(
        "2025-01-31T12:00:00+2",
        "2025-01-31T12:00:00+24:00",
        "2025-01-31T12:00:00+02:60",
        "2025-01-31T12:00:00+02:00:30",
    ),
    *("2025-01-31T12:00:00 +02:00", "2025-01-31  12:00:00", "2025-01-31_12:00:00", "2025-01-31\t12:00:00"),
    *("2025-01-31T12:00:00 UTC", "2025-01-31T12:00:00[UTC]", "Fri, 31 Jan 2025 12:00:00 GMT", "now", "", "\0"),
    *(
        "\uff12\uff10\uff12\uff15-01-31",
        "2025\u221201\u221231",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
    ),
]


@pytest.mark.parametrize("text", NONE_OF_THEM, ids=ascii)
def test_what_is_none_is_refused_with_the_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="^" + EXPECTED.replace(".", r"\.") + "$"):
        times.parse(text)


@pytest.mark.parametrize("value", [None, 20250131, 1.5, True, NOON, ["2025-01-31"]])
def test_what_is_no_text_is_no_time(value: Any) -> None:
    with pytest.raises(ValueError, match=EXPECTED):
        times.parse(value)


def by_query(account: Account, text: str) -> str:
    response = account.client.get("/api/v2/data/descriptions", params={"start_date": text})
    [place] = response.json()["detail"]
    assert (response.status_code, place["loc"], place["type"]) == (422, ["query", "start_date"], "datetime_parsing")
    return str(place["msg"])


def by_body(account: Account, text: str) -> str:
    body = {"data_type": "descriptions", "format": "csv", "end_date": text}
    response = account.client.post("/api/v2/data/export", json=body)
    [place] = response.json()["detail"]
    assert (response.status_code, place["loc"], place["type"]) == (422, ["body", "end_date"], "datetime_parsing")
    return str(place["msg"])


def by_filter(account: Account, text: str) -> str:
    query = "query($at: DateTime) { statistics(filter: {startDate: $at}) { totalCount } }"
    return str(account.refused(query, at=text)["message"])


def by_recording(account: Account, text: str) -> str:
    mutation = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded } }"
    return str(account.refused(mutation, input=[{"id": "a", "sourceType": "single", "createdAt": text}])["message"])


@pytest.mark.parametrize("ask", [by_query, by_body, by_filter, by_recording])
@pytest.mark.parametrize("text", ["1712100512345", "20250101", "2025", "2025-W05"])
def test_digits_without_separators_are_refused_wherever_they_come(
    account: Account, ask: Callable[[Account, str], str], text: str
) -> None:
    assert EXPECTED in ask(account, text)
    assert account.graphql("{ statistics(filter: {includeFailed: true}) { totalCount } }")["statistics"] == {
        "totalCount": 0
    }
