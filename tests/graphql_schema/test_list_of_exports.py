"""The list of exports, page by page."""

from datetime import datetime
from itertools import product
from typing import Any

import pytest

from app.exports import lifecycle
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.models import ExportStatus
from tests.conftest import Account
from tests.graphql_schema.conftest import GENUINE, PAGE, given, ids, put_export, window


def put_tied_exports(account: Account, count: int) -> list[str]:
    """Completed exports, every two of one time; their ids in the order of the list."""
    with account.database.write() as session:
        rows = []
        for number in range(count):
            row = lifecycle.create(
                session, account.id, ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
            )
            row.status = ExportStatus.COMPLETED
            row.created_at = row.completed_at = datetime.fromisoformat(f"2025-01-15T10:30:{number // 2:02}+00:00")
            rows.append((row.created_at, row.id))
    return [str(id) for _, id in sorted(rows, reverse=True)]


def list_exports(account: Account, arguments: str = "") -> Any:
    return account.graphql(f"{{ exports{arguments} {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}")["exports"]


def test_every_window_of_exports_and_its_page_info(account: Account) -> None:
    assert list_exports(account) == {
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        "totalCount": 0,
    }
    rows = put_tied_exports(account, 5)
    whole = list_exports(account)
    assert ids(whole) == rows
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in whole["edges"]}
    for first, after in product([None, 0, 1, 2, 5], [None, *rows]):
        found = list_exports(account, given(cursors, first, None, after, None, 0))
        expected, previous, following = window(rows, first, None, after, None, 0)
        assert ids(found) == expected
        assert [edge["node"]["id"] for edge in found["edges"]] == expected
        assert found["totalCount"] == 5
        assert found["pageInfo"] == {
            "hasPreviousPage": previous,
            "hasNextPage": following,
            "startCursor": cursors[expected[0]] if expected else None,
            "endCursor": cursors[expected[-1]] if expected else None,
        }


def test_exports_by_status(account: Account) -> None:
    made = {status: put_export(account, status) for status in ExportStatus}
    assert ids(list_exports(account)) == list(reversed(made.values()))
    for status, id in made.items():
        found = list_exports(account, f"(status: {status.name})")
        assert (ids(found), found["totalCount"]) == ([id], 1)
    cursor = list_exports(account, "(status: FAILED)")["pageInfo"]["endCursor"]
    found = list_exports(account, f'(status: PENDING, after: "{cursor}")')
    assert ids(found) == [made[ExportStatus.PENDING]]
    assert not found["pageInfo"]["hasPreviousPage"]


def test_a_cursor_outlives_its_export_and_new_ones(account: Account) -> None:
    rows = put_tied_exports(account, 5)
    cursor = list_exports(account, "(first: 2)")["pageInfo"]["endCursor"]
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=rows[1])
    with account.database.write() as session:
        for row in lifecycle.newest(session, account.id)[0]:
            if str(row.id) == rows[0]:
                session.delete(row)
    put_export(account, ExportStatus.FAILED)
    found = list_exports(account, f'(after: "{cursor}")')
    assert ids(found) == rows[2:]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ('after: ""', "after"),
        ('after: "nope"', "after"),
        ('after: "00000000-0000-0000-0000-000000000000"', "after"),
        (f'after: "{GENUINE}"', "after"),
    ],
)
def test_a_window_of_exports_that_cannot_be_meant(filtered: Account, arguments: str, field: str) -> None:
    error = filtered.refused(f"{{ exports({arguments}) {{ totalCount }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
