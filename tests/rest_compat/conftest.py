"""The documented paths, and accounts for what is asked of them."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.engine.db import Database
from tests.conftest import Account, new_account
from tools import patience
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
    with httpx.Client(base_url=stack.url, verify=False, timeout=patience.seconds(30)) as client:
        yield client


def listed(account: Account, query: str = "", **parameters: Any) -> dict[str, Any]:
    response = account.client.get(f"{LIST}?{query or urlencode(parameters)}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


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
