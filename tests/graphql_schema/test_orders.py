"""Lists in every order: walked forward and backward, from a moment on, while results arrive."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain, product
from typing import Any

import pytest

from tests.conftest import Account
from tests.graphql_schema.conftest import PAGE, encoded, ids, window

Dict = dict[str, Any]

START = datetime.fromisoformat("2025-01-15T10:30:00Z")
ORDERS = [*product(("CREATED_AT", "CONFIDENCE"), ("ASC", "DESC"))]
LIST = f"""query($filter: DescriptionFilter, $orderBy: DescriptionOrder, $at: DateTime, $first: Int, $after: String,
    $last: Int, $before: String, $offset: Int) {{
    descriptions(filter: $filter, orderBy: $orderBy, at: $at, first: $first, after: $after, last: $last,
        before: $before, offset: $offset) {{ {PAGE} }}
}}"""


def some(seed: int, count: int, prefix: str = "r") -> list[Dict]:
    """Results with ties of score and of time, some without a score, some failed."""
    dice = random.Random(seed)
    found = [
        {
            "id": f"{prefix}{dice.choice('aZé😀')}{place}",
            "createdAt": (START + timedelta(seconds=dice.randrange(5))).isoformat(),
            "confidenceScore": dice.choice((None, 0.0, 0.1, 0.1 + 0.2, 0.5, 5e-324, 1.0)),
            "sourceType": dice.choice(("single", "batch")),
            "status": dice.choice(("COMPLETED", "COMPLETED", "COMPLETED", "FAILED")),
        }
        for place in range(count)
    ]
    plain = {"confidenceScore": None, "sourceType": "plain", "status": "COMPLETED"}
    return found + [result | plain | {"id": f"{result['id']}p"} for result in found[: count // 8]]


def in_order(results: list[Dict], field: str, direction: str) -> list[str]:
    def key(result: Dict) -> Any:
        time = (datetime.fromisoformat(result["createdAt"]), result["id"].encode())
        return time if field == "CREATED_AT" else (result["confidenceScore"] or 0, *time)

    def is_last(result: Dict) -> bool:
        return field == "CONFIDENCE" and result["confidenceScore"] is None

    found = sorted(results, key=key, reverse=direction == "DESC")
    return [result["id"] for result in sorted(found, key=is_last)]


def completed(results: list[Dict]) -> list[Dict]:
    return [result for result in results if result["status"] == "COMPLETED"]


def asked(account: Account, order: tuple[str, str], **given: Any) -> Any:
    order_by = {"field": order[0], "direction": order[1]}
    return account.graphql(LIST, orderBy=order_by, **given)["descriptions"]


def walk(account: Account, order: tuple[str, str], *, forward: bool, between: Callable[[], None]) -> list[list[str]]:
    size, place, cursor, more = (
        ("first", "after", "endCursor", "hasNextPage")
        if forward
        else ("last", "before", "startCursor", "hasPreviousPage")
    )
    pages: list[list[str]] = []
    given: Dict = {size: 5}
    while True:
        found = asked(account, order, **given)
        pages.append(ids(found))
        if not found["pageInfo"][more]:
            return pages
        given = {size: 5, place: found["pageInfo"][cursor]}
        if len(pages) == 1:
            between()


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
def test_walks_while_results_arrive(account: Account, order: tuple[str, str], forward: bool) -> None:
    results, meanwhile = some(1, 40), some(2, 40, "s")
    account.record(*results)
    pages = walk(account, order, forward=forward, between=lambda: account.record(*meanwhile))
    before, after = (in_order(completed(found), *order) for found in (results, results + meanwhile))
    if forward:
        assert pages[0] == before[:5]
        assert [*chain(*pages[1:])] == after[after.index(before[4]) + 1 :]
    else:
        assert pages[0] == before[-5:]
        assert [*chain(*reversed(pages[1:]))] == after[: after.index(before[-5])]
    assert {len(page) for page in pages[:-1]} == {5}


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_every_window_and_its_page_info(account: Account, order: tuple[str, str]) -> None:
    results = some(3, 14)
    account.record(*results)
    edges = account.graphql(
        "query($by: DescriptionOrder) { descriptions(orderBy: $by) { edges { cursor node { id } } } }",
        by={"field": order[0], "direction": order[1]},
    )["descriptions"]["edges"]
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in edges}
    rows = in_order(completed(results), *order)
    assert list(cursors) == rows
    places = [None, *rows[::3], rows[-1]]
    windows = [*product([0, 2, 99], [None], places, places, [0]), *product([None], [0, 3], places, places, [0])]
    windows += [*product([3], [None], [None], [None], [1, len(rows) - 2, 99])]
    for first, last, after, before, offset in windows:
        given: Dict = {"first": first, "last": last, "offset": offset or None}
        given |= {"after": after and cursors[after], "before": before and cursors[before]}
        found = asked(account, order, **given)
        wanted, previous, following = window(rows, first, last, after, before, offset)
        ends = (cursors[wanted[0]], cursors[wanted[-1]]) if wanted else (None, None)
        info = {"startCursor": ends[0], "endCursor": ends[1], "hasPreviousPage": previous, "hasNextPage": following}
        assert (ids(found), found["pageInfo"], found["totalCount"]) == (wanted, info, len(rows)), given


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.parametrize(
    "wanted",
    [
        {"minConfidence": 0.1},
        {"maxConfidence": 0.4, "includeUnscored": True},
        {"sourceTypes": ["batch"], "includeFailed": True},
        {"sourceTypes": ["plain"]},
        {"maxConfidence": 0.05, "sourceTypes": ["single"], "startDate": "2025-01-15T10:30:02Z"},
    ],
    ids=json.dumps,
)
def test_filters_in_every_order(account: Account, order: tuple[str, str], wanted: Dict) -> None:
    results = some(4, 60)
    account.record(*results)

    def matches(result: Dict) -> bool:
        score = result["confidenceScore"]
        bounded = "minConfidence" in wanted or "maxConfidence" in wanted
        within = score is not None and wanted.get("minConfidence", 0) <= score <= wanted.get("maxConfidence", 1)
        return (
            (not bounded or within or (score is None and "includeUnscored" in wanted))
            and result["sourceType"] in wanted.get("sourceTypes", ("single", "batch", "plain"))
            and result["createdAt"] >= wanted.get("startDate", "")[:19]
            and (result["status"] == "COMPLETED" or "includeFailed" in wanted)
        )

    expected = in_order([*filter(matches, results)], *order)
    assert 2 < len(expected) < 60
    half = len(expected) // 2
    start = asked(account, order, filter=wanted, first=half)
    rest = asked(account, order, filter=wanted, after=start["pageInfo"]["endCursor"])
    back = asked(account, order, filter=wanted, last=half, before=rest["pageInfo"]["startCursor"])
    assert (ids(start), ids(rest), ids(back)) == (expected[:half], expected[half:], expected[:half])
    assert start["totalCount"] == len(expected)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_a_page_begins_at_a_moment(account: Account, direction: str) -> None:
    results = [result | {"status": "COMPLETED"} for result in some(5, 30)]
    account.record(*results)
    order = ("CREATED_AT", direction)
    rows = in_order(results, *order)
    times = {result["id"]: datetime.fromisoformat(result["createdAt"]) for result in results}
    for seconds in (-1, 0, 2, 2.5, 4, 9):
        at = START + timedelta(seconds=seconds)
        beyond = [id for id in rows if (times[id] < at if direction == "ASC" else times[id] > at)]
        found = asked(account, order, at=at.isoformat(), first=4)
        assert ids(found) == rows[len(beyond) :][:4]
        more = len(rows) - len(beyond) > 4
        assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (bool(beyond), more)
        if more:
            following = asked(account, order, after=found["pageInfo"]["endCursor"], first=3)
            assert ids(following) == rows[len(beyond) + 4 :][:3]
        if beyond and ids(found):
            back = asked(account, order, before=found["pageInfo"]["startCursor"], last=3)
            assert ids(back) == beyond[-3:]


@pytest.mark.parametrize("order", ORDERS[:3], ids=" ".join)
def test_an_offset_behind_many_days(account: Account, order: tuple[str, str]) -> None:
    results = [
        {"id": f"{place:04}", "createdAt": (START + timedelta(hours=place)).isoformat(), "status": "COMPLETED"}
        | {"confidenceScore": place % 7 / 10}
        for place in range(1100)
    ]
    account.record(*results)
    rows = in_order(results, *order)
    for offset in (999, 1001, 1007, 1090, 1099, 1100, 5000):
        found = asked(account, order, offset=offset, first=10)
        assert (ids(found), found["pageInfo"]["hasPreviousPage"]) == (rows[offset:][:10], True)


def test_no_order_given_is_newest_first(account: Account) -> None:
    account.record(*some(6, 10))
    for given in ("", "(orderBy: null)", "(orderBy: {})", "(orderBy: {field: CREATED_AT})", "(at: null)"):
        found = account.graphql(f"{{ descriptions{given} {{ {PAGE} }} }}")
        assert found == account.graphql(f"{{ descriptions {{ {PAGE} }} }}")


CURSORS = {
    ("CREATED_AT", "DESC"): encoded("1736937000000000:r1"),
    ("CREATED_AT", "ASC"): encoded("o:1736937000000000:r1"),
    ("CONFIDENCE", "ASC"): encoded("l3fd3333333333333:1736937000000000:r1"),
    ("CONFIDENCE", "DESC"): encoded("h:1736937000000000:r1"),
}


@pytest.mark.parametrize(("order", "other"), [*product(ORDERS, ORDERS)], ids=str)
@pytest.mark.parametrize("name", ["after", "before"])
def test_a_cursor_is_of_one_order(filtered: Account, order: Any, other: Any, name: str) -> None:
    given = {"orderBy": {"field": order[0], "direction": order[1]}, name: CURSORS[other]}
    if order == other:
        assert "descriptions" in filtered.graphql(LIST, **given)
        return
    error = filtered.refused(LIST, **given)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": name}
    assert error["message"] == ("This cursor is of another order: use it with the order of the page that returned it.")


@pytest.mark.parametrize(
    "text",
    ["l", "l:", "l:r1", "l3fd333333333333:1:a", "l3FD3333333333333:1:a", "l7ff8000000000000:1:a", "lxyz:1:a", "o1:a"],
)
def test_what_is_no_cursor_in_an_order(filtered: Account, text: str) -> None:
    error = filtered.refused(LIST, orderBy={"field": "CONFIDENCE", "direction": "ASC"}, after=encoded(text), first=1)
    assert error["message"] == "This is no cursor of ours: use one that an earlier page returned."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("orderBy: {field: CONFIDENCE}", "A page begins at a moment only where results are in order of time."),
        ("offset: 1", "Give a moment, an offset or a cursor: they all say where the page begins."),
        (f'after: "{CURSORS["CREATED_AT", "DESC"]}"', "Give a moment, an offset or a cursor: they all say where the "),
        (f'before: "{CURSORS["CREATED_AT", "DESC"]}"', "Give a moment, an offset or a cursor: they all say where the "),
        ("last: 1", "A page that begins at a moment goes forward from it: use it with first."),
    ],
)
def test_a_moment_and_what_cannot_be_beside_it(filtered: Account, arguments: str, message: str) -> None:
    error = filtered.refused(f'{{ descriptions(at: "2025-01-15", {arguments}) {{ nodes {{ id }} }} }}')
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "at"}
    assert error["message"].startswith(message)


NEWER = """query($cursor: String!, $filter: DescriptionFilter) {
    descriptions(filter: $filter) { newerThan(cursor: $cursor) }
}"""


def test_newer_results_are_counted_up_to_a_thousand(account: Account) -> None:
    account.record({"id": "r1", "createdAt": "2025-01-15T10:30:00Z"})
    cursor = account.graphql(f"{{ descriptions {{ {PAGE} }} }}")["descriptions"]["pageInfo"]["startCursor"]

    def newer(**wanted: Any) -> int:
        found: int = account.graphql(NEWER, cursor=cursor, filter=wanted)["descriptions"]["newerThan"]
        return found

    assert newer() == 0
    account.record(
        {"id": "r0", "createdAt": "2025-01-15T10:30:00Z"},
        {"id": "r2", "createdAt": "2025-01-15T10:30:00Z", "sourceType": "batch"},
        {"id": "s", "createdAt": "2025-01-15T10:30:00.000001Z"},
        {"id": "old", "createdAt": "2025-01-15T10:29:59.999999Z"},
        {"id": "f", "createdAt": "2025-01-16T10:29:59.999999Z", "status": "FAILED"},
    )
    assert (newer(), newer(sourceTypes=["batch"]), newer(includeFailed=True)) == (2, 1, 3)
    for other in CURSORS.values():
        assert account.graphql(NEWER, cursor=other)["descriptions"]["newerThan"] == 2
    account.record(*({"id": f"n{place}", "createdAt": "2025-02-01"} for place in range(1010)))
    assert newer() == 1000
    assert newer(sourceTypes=["batch"]) == 1
    error = account.refused(NEWER, cursor="x")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "cursor"}
