"""Pages of results, forward, backward and by offset, and cursors."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain, product
from typing import Any

import pytest

from tests.conftest import Account
from tests.graphql_schema.conftest import GENUINE, PAGE, encoded, given, ids, window

START = datetime.fromisoformat("2025-01-15T10:30:00Z")


def tied(count: int) -> list[dict[str, Any]]:
    """Results in their order, oldest first; every three have the same time."""
    return [{"id": f"r{n}", "createdAt": (START + timedelta(seconds=n // 3)).isoformat()} for n in range(count)]


def newest_first(results: Sequence[dict[str, Any]]) -> list[str]:
    return [result["id"] for result in sorted(results, key=lambda r: (r["createdAt"], r["id"]), reverse=True)]


def page(account: Account, arguments: str) -> Any:
    return account.graphql(f"{{ descriptions({arguments}) {{ {PAGE} }} }}")["descriptions"]


def walk(
    account: Account, size: str, place: str, cursor: str, more: str, between: Callable[[], None]
) -> list[list[str]]:
    """The ids of each page, from one end to the other; `between` runs after the first one."""
    pages, arguments = [], f"{size}: 2"
    while True:
        found = page(account, arguments)
        pages.append(ids(found))
        if not found["pageInfo"][more]:
            return pages
        arguments = f'{size}: 2, {place}: "{found["pageInfo"][cursor]}"'
        if len(pages) == 1:
            between()


def test_forward_to_the_end(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "first", "after", "endCursor", "hasNextPage", lambda: None)
    assert pages == [["r6", "r5"], ["r4", "r3"], ["r2", "r1"], ["r0"]]


def test_backward_to_the_start(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "last", "before", "startCursor", "hasPreviousPage", lambda: None)
    assert pages == [["r1", "r0"], ["r3", "r2"], ["r5", "r4"], ["r6"]]


MEANWHILE = [
    {"id": "newest", "createdAt": (START + timedelta(days=1)).isoformat()},
    {"id": "oldest", "createdAt": (START - timedelta(days=1)).isoformat()},
    *({"id": f"{result['id']}{end}", "createdAt": result["createdAt"]} for result in tied(7) for end in ".z"),
]


def test_forward_while_results_are_recorded(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "first", "after", "endCursor", "hasNextPage", lambda: account.record(*MEANWHILE))
    behind = newest_first(tied(7) + MEANWHILE)
    assert pages[0] == ["r6", "r5"]
    assert [*chain(*pages[1:])] == behind[behind.index("r5") + 1 :]


def test_backward_while_results_are_recorded(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "last", "before", "startCursor", "hasPreviousPage", lambda: account.record(*MEANWHILE))
    ahead = newest_first(tied(7) + MEANWHILE)
    assert pages[0] == ["r1", "r0"]
    assert [*chain(*reversed(pages[1:]))] == ahead[: ahead.index("r1")]


def windows(rows: list[str]) -> list[tuple[int | None, int | None, str | None, str | None, int]]:
    places = [None, *rows[::2]]
    forward = product([None, 0, 1, 3, 9], [None], places, places, [0])
    skipping = product([None, 0, 1, 3, 9], [None], [None], [None], [1, 4, 5, 9, 2**31 - 1])
    backward = product([None], [0, 1, 3, 9], places, places, [0])
    return [*forward, *skipping, *backward]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_window_and_its_page_info(account: Account, count: int) -> None:
    if count:
        account.record(*tied(count))
    edges = account.graphql("{ descriptions { edges { cursor node { id } } } }")["descriptions"]["edges"]
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in edges}
    rows = list(cursors)
    assert rows == newest_first(tied(count))
    wanted = windows(rows)
    for start in range(0, len(wanted), 30):
        asked = wanted[start : start + 30]
        fields = [f"w{n}: descriptions{given(cursors, *values)} {{ {PAGE} }}" for n, values in enumerate(asked)]
        answer = account.graphql("{" + " ".join(fields) + "}")
        for n, values in enumerate(asked):
            found, previous, following = window(rows, *values)
            ends = (cursors[found[0]], cursors[found[-1]]) if found else (None, None)
            info = dict(zip(("startCursor", "endCursor"), ends, strict=True))
            info |= {"hasPreviousPage": previous, "hasNextPage": following}
            nodes = [{"id": id} for id in found]
            assert answer[f"w{n}"] == {"nodes": nodes, "pageInfo": info, "totalCount": count}, values


def test_a_page_has_at_most_a_thousand_and_a_hundred_unasked(account: Account) -> None:
    account.record(*tied(1001))
    order = newest_first(tied(1001))
    assert ids(page(account, "offset: 0")) == order[:100]
    assert ids(page(account, "first: 1000")) == order[:1000]
    assert ids(page(account, "last: 1000")) == order[1:]
    assert ids(page(account, "offset: 990")) == order[990:]
    assert ids(page(account, "offset: 2147483647")) == []


def test_edges_and_nodes_are_the_same_results(account: Account) -> None:
    account.record(*tied(3))
    found = account.graphql("{ descriptions { edges { node { id createdAt } } nodes { id createdAt } } }")[
        "descriptions"
    ]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    assert ids(found) == ["r2", "r1", "r0"]


def test_a_cursor_leads_through_any_filter(account: Account) -> None:
    account.record(*({"type": "rule" if n % 2 else "description", **result} for n, result in enumerate(tied(7))))
    cursor = page(account, "first: 3")["pageInfo"]["endCursor"]
    found = page(account, f'first: 2, after: "{cursor}", filter: {{types: ["rule"]}}')
    assert (ids(found), found["totalCount"]) == (["r3", "r1"], 3)
    assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.parametrize("selected", [PAGE, "totalCount"])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: 1, last: 1", "last"),
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ("last: -1", "last"),
        ("last: 1001", "last"),
        ("offset: -1", "offset"),
        ("last: 2, offset: 1", "offset"),
        (f'offset: 1, after: "{GENUINE}"', "offset"),
        (f'offset: 1, before: "{GENUINE}"', "offset"),
    ],
)
def test_a_window_that_cannot_be_meant(filtered: Account, arguments: str, field: str, selected: str) -> None:
    error = filtered.refused(f"{{ descriptions({arguments}) {{ {selected} }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}


NONSENSE = [
    "",
    "x",
    "r1",
    "!!!!",
    "é",
    "\U0001f600",
    "a" * 10_000,
    GENUINE + "A",
    GENUINE + "=",
    GENUINE[:-1],
    GENUINE.swapcase(),
    encoded(""),
    encoded(":r1"),
    encoded("r1"),
    encoded("1.5:r1"),
    encoded(" 1:r1"),
    encoded("1_0:r1"),
    encoded("+1:r1"),
    encoded("1:\0"),
    encoded("9" * 30 + ":r1"),
    encoded("-" + "9" * 17 + ":r1"),
    encoded("9" * 5000 + ":r1"),
    base64.urlsafe_b64encode(b"1:\xff").decode(),
]


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("cursor", NONSENSE, ids=range(len(NONSENSE)))
def test_a_cursor_that_is_not_ours(filtered: Account, cursor: str, name: str) -> None:
    for selected in ("nodes { id }", "totalCount"):
        query = f"query($place: String) {{ descriptions({name}: $place) {{ {selected} }} }}"
        error = filtered.refused(query, place=cursor)
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": name}
        assert error["message"] == "This is no cursor of ours: use one that an earlier page returned."
