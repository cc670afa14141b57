"""Files of the local storage: gone with their exports, and their owner's alone."""

import stat
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.engine.db import Database
from app.models import Export
from tests.conftest import Account

pytestmark = pytest.mark.parametrize(
    "stack", [pytest.param("embedded", marks=pytest.mark.xdist_group("embedded"))], indirect=True
)

DELETE = "mutation($id: ID!) { deleteExport(id: $id) }"


def exported(account: Account) -> tuple[str, str]:
    """Id and download URL of an export with one row."""
    state = account.export(format="csv", fields=["id"])
    return state["export_id"], state["download_url"]


def told(url: str) -> list[int]:
    """The status of each way to ask for a file."""
    ways: list[tuple[str, dict[str, str]]] = [("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-1"})]
    return [httpx.request(method, url, headers=headers).status_code for method, headers in ways]


def changed(database: Database, id: str, **values: Any) -> None:
    with database.write() as session:
        session.connection().execute(update(Export).where(col(Export.id) == uuid.UUID(id)).values(values))


def test_a_file_is_gone_the_moment_its_export_is_deleted(account: Account) -> None:
    account.record({"id": "a"})
    id, url = exported(account)
    assert told(url) == [200, 200, 206]
    account.graphql(DELETE, id=id)
    answer = httpx.get(url)
    assert (answer.status_code, answer.json()) == (404, {"detail": "File not found"})
    assert told(url) == [404, 404, 404]


def test_a_file_is_gone_when_it_has_expired_though_it_still_lies_there(account: Account, database: Database) -> None:
    id, url = exported(account)
    changed(database, id, object_key=None, expired_at=datetime.now(UTC))  # `dirty` is not set: no sweep removes it
    assert told(url) == [404, 404, 404]


def test_the_file_of_another_attempt_is_none(account: Account, database: Database) -> None:
    id, url = exported(account)
    changed(database, id, object_key=f"{account.id}/{id}/2.csv", attempt=2)
    assert told(url) == [404, 404, 404]


def test_an_altered_url_of_a_deleted_export_is_refused_as_ever(account: Account) -> None:
    id, url = exported(account)
    account.graphql(DELETE, id=id)
    assert httpx.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403


def test_files_and_their_folders_are_their_owners_alone(account: Account) -> None:
    id, _ = exported(account)
    folder = account.stack.folder / "data" / "exports"
    file = folder / str(account.id) / id / "1.csv"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, *file.parents[:3])]
    assert file.parents[2] == folder
    assert modes == [0o600, 0o700, 0o700, 0o700]
