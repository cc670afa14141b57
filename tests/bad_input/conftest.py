"""What bad input gets: the documented shape and a sentence that helps. Nothing is written, no traceback is logged."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.engine.db import Database
from tests.conftest import Account, new_account
from tools.stack import Stack

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
JSON = {"Content-Type": "application/json"}
MEGABYTES = "x" * 10_000_000
SURROGATE = r"\ud800"
NUL = r"\u0000"
HUGE = "1" + "0" * 400
DEEP = "[" * 100_000
SENTENCE = re.compile(r"[A-Z][^\n]* [^\n]*")
INNER_WORKS = re.compile(r"Traceback|File \"|sqlalchemy|psycopg|sqlite|pydantic|object at 0x|<class", re.IGNORECASE)


@pytest.fixture(scope="module")
def victim(stack: Stack, database: Database) -> Iterator[Account]:
    """An account in which nothing may ever be written."""
    account = new_account(stack, database)
    yield account
    account.close()


@pytest.fixture(scope="module")
def read_so_far(stack: Stack) -> dict[Path, int]:
    return {log: log.stat().st_size for log in stack.folder.glob("*.log")}


@pytest.fixture(autouse=True)
def nothing_happens(victim: Account, stack: Stack, read_so_far: dict[Path, int]) -> Iterator[None]:
    yield
    written = victim.graphql("{ descriptions(filter: {includeFailed: true}) { totalCount } exports { totalCount } }")
    assert written == {"descriptions": {"totalCount": 0}, "exports": {"totalCount": 0}}
    for log in stack.folder.glob("*.log"):
        with log.open("rb") as file:
            file.seek(read_so_far.get(log, 0))
            news = file.read()
        read_so_far[log] = read_so_far.get(log, 0) + len(news)
        assert b"Traceback" not in news, news.decode()


def assert_helps(message: str) -> None:
    assert SENTENCE.fullmatch(message), message
    assert not INNER_WORKS.search(message), message
    assert len(message) < 600, message


def assert_refused(response: httpx.Response, place: list[str | int] | str | None, kind: str) -> None:
    """422 in one of the two documented shapes: a place and its kind of error, or a field and a code."""
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/json"
    detail = response.json()["detail"]
    assert list(response.json()) == ["detail"]
    if isinstance(place, list):
        assert [(found["loc"], found["type"]) for found in detail] == [(place, kind)]
        assert list(detail[0]) == ["loc", "msg", "type"]
        assert_helps(detail[0]["msg"])
    else:
        assert (detail["field"], detail["code"]) == (place, kind)
        assert list(detail) == ["code", "message", "field"]
        assert_helps(detail["message"])
