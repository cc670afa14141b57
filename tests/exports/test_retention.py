"""What follows an export: its job is ordered with it, and done until it succeeds."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event

import httpx
from sqlalchemy import text
from sqlmodel import select

from app.exports import claims, lifecycle, retention
from app.exports.formats import ExportFormat
from app.exports.lifecycle import Receipt
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.jobs import runs as job_runs
from app.models import Export, Job
from app.runtime import Runtime
from app.storage import LocalStorage
from tests.conftest import Account

WANTED = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())


@dataclass(frozen=True)
class Broken(LocalStorage):
    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        raise OSError("The disk is gone.")


def completed(core: Runtime, account_id: int) -> Export:
    with core.database.write() as session:
        id = lifecycle.create(session, account_id, WANTED).id
        held = claims.claim(session, account_id, id, at_a_time=9)
        assert held
        receipt = Receipt(0, 0, "00" * 32, lifecycle.clock(session))
        assert claims.complete(session, held, receipt, object_key=f"{account_id}/{id}/1.csv")
        return lifecycle.get(session, account_id, id)


def jobs(core: Runtime, account_id: int) -> list[Job]:
    with core.database.read() as session:
        return list(session.exec(select(Job).where(Job.account_id == account_id)).all())


def is_dirty(core: Runtime, export: Export) -> bool:
    with core.database.read() as session:
        return lifecycle.get(session, export.account_id, export.id).dirty


def run(core: Runtime, account_id: int) -> None:
    due = text("UPDATE jobs SET not_before = NULL WHERE account_id = :id")
    with core.database.write() as session:
        session.connection().execute(due, {"id": account_id})
    job_runs.run(core, (account_id, retention.NAME, ""), retention.run, Event())


def test_it_is_ordered_with_the_export_and_once_for_several(core: Runtime, account_id: int) -> None:
    first = completed(core, account_id)
    second = completed(core, account_id)
    [job] = jobs(core, account_id)
    assert first.completed_at
    assert (job.name, job.subject, job.orders) == ("retention", "", 2)
    assert job.not_before == first.completed_at + claims.TIDY_AFTER
    run(core, account_id)
    assert jobs(core, account_id) == []
    assert [is_dirty(core, export) for export in (first, second)] == [False, False]


def test_it_is_tried_until_the_storage_answers(core: Runtime, account_id: int) -> None:
    export = completed(core, account_id)
    storage = core.storage
    assert isinstance(storage, LocalStorage)
    run(replace(core, storage=Broken(storage.folder, storage.public_url, storage.secrets)), account_id)
    [job] = jobs(core, account_id)
    assert (job.status, job.failures, job.last_error) == ("pending", 1, "OSError: The disk is gone.")
    assert is_dirty(core, export)
    run(core, account_id)
    assert jobs(core, account_id) == []
    assert not is_dirty(core, export)


def test_what_ended_otherwise_is_found(core: Runtime, account_id: int) -> None:
    """Or was ended by an older version, which orders nothing."""
    with core.database.write() as session:
        id = lifecycle.create(session, account_id, WANTED).id
        lifecycle.delete(session, account_id, id)
    for _ in range(2):
        retention.order_due(core)
    [job] = jobs(core, account_id)
    assert (job.name, job.orders) == ("retention", 1)
    run(core, account_id)
    assert jobs(core, account_id) == []
    with core.database.read() as session:
        assert session.get(Export, (account_id, id)) is None
    retention.order_due(core)
    assert jobs(core, account_id) == []


def test_what_was_kept_long_enough_is_found(core: Runtime, account_id: int) -> None:
    export = completed(core, account_id)
    run(core, account_id)
    impatient = replace(core, settings=core.settings.model_copy(update={"export_retention": timedelta(0)}))
    retention.order_due(core)
    assert jobs(core, account_id) == []
    retention.order_due(impatient)
    run(impatient, account_id)
    with core.database.read() as session:
        row = lifecycle.get(session, account_id, export.id)
    assert row.expired_at is not None
    assert (row.object_key, row.dirty) == (None, False)
    assert jobs(core, account_id) == []


def test_a_deleted_export_has_no_file_from_then_on(account: Account) -> None:
    account.record({"id": "only"})
    state = account.export(format="csv")
    assert httpx.get(state["download_url"], verify=False).status_code == 200
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=str(uuid.UUID(state["export_id"])))
    assert httpx.get(state["download_url"], verify=False).status_code == 404
