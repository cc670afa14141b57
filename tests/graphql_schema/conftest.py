"""What many tests of the schema ask for, and an account that they only read."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.engine.db import Database
from app.exports import lifecycle
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.models import ExportStatus
from tests.conftest import Account, new_account
from tools.stack import Stack

PAGE = "nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
COUNT = "{ descriptions(filter: {includeFailed: true}) { totalCount } }"
EXPORT = """{ id status format fields progress { rowsWritten rowsTotal } recordCount downloadUrl createdAt completedAt
  expiredAt estimatedCompletionTime errorMessage receipt { rows bytes sha256 snapshotAt } }"""


FILTERED: list[dict[str, Any]] = [
    {"id": "a", "description": "A red Dog", "confidenceScore": 0.3, "imageId": "i1", "type": "rule"},
    {"id": "b", "description": "100% cat_like", "imageId": "i1", "sourceType": "batch"},
    {"id": "c", "description": "straße", "confidenceScore": 1.0, "imageId": "i2", "type": "rule", "sourceType": "api"},
    {"id": "d", "confidenceScore": 0.0, "createdAt": "2025-01-16T00:00:00Z"},
    {"id": "f", "status": "FAILED", "errorMessage": "timeout", "createdAt": "2025-01-16T00:00:00.000001Z"},
]


@pytest.fixture(scope="module")
def filtered(stack: Stack, database: Database) -> Iterator[Account]:
    """An account that tests only read."""
    account = new_account(stack, database)
    account.record(*FILTERED)
    yield account
    account.close()


def ids(connection: Any) -> list[str]:
    return [node["id"] for node in connection["nodes"]]


def window(
    rows: list[str], first: int | None, last: int | None, after: str | None, before: str | None, offset: int
) -> Any:
    """What a page must hold, as plain Python has it."""
    start = rows.index(after) + 1 if after else 0
    end = rows.index(before) if before else len(rows)
    if last is None:
        begin = min(start + offset, max(start, end))
        found = rows[begin : min(begin + (100 if first is None else first), end)]
        previous, following = begin > 0, begin + len(found) < end or end < len(rows)
    else:
        found = rows[max(start, end - last) : end]
        previous, following = end - len(found) > start or start > 0, end < len(rows)
    return found, previous, following


def given(
    cursors: dict[str, str], first: int | None, last: int | None, after: str | None, before: str | None, offset: int
) -> str:
    """The arguments of a window, as a client writes them."""
    places = {"after": after and cursors[after], "before": before and cursors[before]}
    values = {"first": first, "last": last, **places, "offset": offset or None}
    written = ", ".join(f"{name}: {json.dumps(value)}" for name, value in values.items() if value is not None)
    return f"({written})" if written else ""


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


GENUINE = encoded("1736937000000000:r1")


def put_export(account: Account, status: ExportStatus) -> str:
    """An export in that state, which no worker touches: what runs, runs elsewhere, and what waits, waits for long."""
    with account.database.write() as session:
        row = lifecycle.create(session, account.id, ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter()))
        later = row.created_at + timedelta(hours=1)
        row.status, row.attempt, row.not_before, row.lease_until = status, 1, later, later
        if status not in (ExportStatus.PENDING, ExportStatus.PROCESSING):
            row.completed_at = row.created_at
        if status is ExportStatus.FAILED:
            row.error_message = lifecycle.TOO_LARGE
        return str(row.id)
