"""One request for many results, however few of them the server makes trouble about."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sightlog.batches import Delivered, deliver
from sightlog.errors import InvalidInput, RateLimited, ServerFailed, SightlogError, TooLarge, Unavailable
from sightlog.rows import Row

ROWS = [Row(str(number), b'{"id":"%d"}' % number) for number in range(16)]


class Server:
    """Refuses a request if `refuse` gives an error for it, and else records all of it."""

    def __init__(self, refuse: Callable[[list[str]], SightlogError | None]) -> None:
        self._refuse = refuse
        self.requests: list[list[str]] = []
        self.recorded: list[str] = []

    def __call__(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        ids = [row.id for row in rows]
        self.requests.append(ids)
        error = self._refuse(ids)
        if error is not None:
            raise error
        self.recorded += ids
        return [{"index": index, "outcome": "RECORDED"} for index in range(len(rows))]


def ids(done: Delivered) -> list[str]:
    return [row.id for row, _ in done.refused]


def test_nothing_is_no_request() -> None:
    server = Server(lambda ids: None)
    assert deliver([], server) == Delivered()
    assert server.requests == []


def test_all_at_once() -> None:
    server = Server(lambda ids: None)
    assert deliver(ROWS, server) == Delivered(recorded=16)
    assert len(server.requests) == 1


def test_what_becomes_of_each() -> None:
    error = {"code": "VALIDATION_ERROR", "field": "input.2.confidenceScore", "message": "too much"}
    outcomes = ["RECORDED", "KNOWN", "REFUSED", "CONFLICTING", "ERASED"]
    told = [
        {"index": index, "outcome": outcome, "error": error if outcome == "REFUSED" else None}
        for index, outcome in enumerate(outcomes)
    ]
    done = deliver(ROWS[:5], lambda rows: told)
    refusal = ("VALIDATION_ERROR", "confidence_score", "too much")
    refused: Any = [(ROWS[2], refusal)]
    assert done == Delivered(recorded=1, known=2, conflicting=1, erased=1, refused=refused)


def test_of_twins_one_is_sent() -> None:
    server = Server(lambda ids: None)
    twins = [ROWS[0], ROWS[1], ROWS[0], Row("1", b'{"id":"1","type":"rule"}')]
    assert deliver(twins, server) == Delivered(recorded=2, known=2, conflicting=1)
    assert server.requests == [["0", "1"]]


def test_one_that_is_named_is_refused_and_the_others_are_sent() -> None:
    def refuse(ids: list[str]) -> SightlogError | None:
        if "5" not in ids:
            return None
        where = f"input.{ids.index('5')}.confidenceScore"
        return InvalidInput("Float cannot represent it", code="VALIDATION_ERROR", field=where)

    server = Server(refuse)
    done = deliver(ROWS, server)
    assert (done.recorded, ids(done), done.left) == (15, ["5"], [])
    assert done.refused[0][1] == ("VALIDATION_ERROR", "confidence_score", "Float cannot represent it")
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", ["VALIDATION_ERROR", "INTERNAL_ERROR"])
def test_one_that_is_not_named_is_found_by_halves(code: str) -> None:
    kind = {"VALIDATION_ERROR": InvalidInput, "INTERNAL_ERROR": ServerFailed}[code]
    server = Server(lambda ids: kind("something", code=code) if "5" in ids else None)
    done = deliver(ROWS, server)
    assert (done.recorded, ids(done), done.left) == (15, ["5"], [])
    assert sorted(map(int, server.recorded)) == [number for number in range(16) if number != 5]
    assert len(server.requests) == 9


def test_where_none_succeeds_all_are_left_after_a_few_requests() -> None:
    server = Server(lambda ids: ServerFailed("down", code="INTERNAL_ERROR"))
    done = deliver(ROWS, server)
    assert (done.recorded, done.refused) == (0, [])
    assert sorted(row.id for row in done.left) == sorted(row.id for row in ROWS)
    assert isinstance(done.error, ServerFailed)
    assert len(server.requests) < 10


def test_what_is_too_large_together_is_sent_in_parts() -> None:
    server = Server(lambda ids: TooLarge("413") if len(ids) > 3 or "7" in ids else None)
    done = deliver(ROWS, server)
    assert (done.recorded, ids(done), done.left) == (15, ["7"], [])


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("away"),
        RateLimited("slower", retry_after=3),
        InvalidInput("host", code="UNKNOWN_HOST"),
        ServerFailed("Hello! I am a proxy."),
    ],
)
def test_what_is_no_fault_of_the_results_leaves_them(error: SightlogError) -> None:
    server = Server(lambda ids: error)
    done = deliver(ROWS, server)
    assert (done.left, done.error) == (ROWS, error)
    assert len(server.requests) == 1


def test_what_was_done_before_the_server_went_away_stays_done() -> None:
    def refuse(ids: list[str]) -> SightlogError | None:
        if len(server.requests) == 1:
            return TooLarge("413")
        return Unavailable("away") if "8" in ids else None

    server = Server(refuse)
    done = deliver(ROWS, server)
    assert (done.recorded, done.left) == (8, ROWS[8:])


def test_an_answer_that_leaves_out_results_is_none() -> None:
    done = deliver(ROWS[:2], lambda rows: [{"index": 0, "outcome": "RECORDED"}])
    assert (done.recorded, done.left) == (0, ROWS[:2])
    assert isinstance(done.error, ServerFailed)
