"""A format that this test makes, out of rows with types; and a disk that is full."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import insert, literal, select
from sqlmodel import select as select_rows

from app import auth
from app.compression import Compression
from app.errors import InvalidInput
from app.exports import files, lifecycle, plans, runs
from app.exports.claims import MAX_FAILURES
from app.exports.formats import FORMATS, ExportFormat, Format, Part
from app.exports.requests import ExportRequest
from app.exports.rows import Rows
from app.history import recording
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.migrations import migrate
from app.models import Export
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.storage import LocalStorage
from tests.conftest import both_engines

EXPORTS = Export.__table__  # type: ignore[attr-defined]

_numbers = count(1)


@pytest.fixture(scope="module", params=both_engines)
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    url = ""
    if request.param == "servers":
        url = request.getfixturevalue("real_servers").postgres.create_database("formats")
    opened = open_runtime(Settings(data_dir=tmp_path_factory.mktemp("formats"), database_url=url))
    migrate.upgrade(opened.database)
    yield opened
    opened.close()


@pytest.fixture
def account_id(runtime: Runtime) -> int:
    moment = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
    results = [
        Result(id="a", source_type="single", created_at=moment.replace(microsecond=500_000), confidence_score=0.25,
               description="é, \"b\"", verification=[1, {"ok": None}], metadata={"b": 1.50, "a": "x"}),
        Result(id="b", source_type="single", created_at=moment),
    ]  # fmt: skip
    with runtime.database.write() as session:
        id = auth.account_id(session, f"formats {next(_numbers)}", create=True)
        recording.record(session, id, results)
    return id


def created(runtime: Runtime, account_id: int, wanted: ExportRequest) -> Export:
    with runtime.database.write() as session:
        return lifecycle.create(session, account_id, wanted)


def run(runtime: Runtime, export: Export) -> Export:
    """Its row after a worker had it."""
    runs.run(runtime, export.account_id, export.id, Event())
    return row(runtime, export.id)


def row(runtime: Runtime, id: uuid.UUID) -> Export:
    with runtime.database.read() as session:
        return session.exec(select_rows(Export).where(Export.id == id)).one()


def path(runtime: Runtime, key: str) -> Path:
    assert isinstance(runtime.storage, LocalStorage)
    return runtime.storage.path(key)


def _python(rows: Rows) -> Iterator[Part]:
    yield f"{list(rows.columns)}\n".encode(), 0
    for values in rows.values():
        yield f"{list(values)}\n".encode(), 1
        rows.notes[rows.options["counted"]] += 1


FIELDS = ["id", "created_at", "confidence_score", "description", "verification", "metadata", "source_id"]
FILE = """['id', 'created_at', 'confidence_score', 'description', 'verification', 'metadata', 'source_id']
['a', 2025-01-15T10:30:00.500000+00:00, 0.25, 'é, "b"', '[1,{"ok":null}]', '{"a":"x","b":1.5}', None]
['b', 2025-01-15T10:30:00+00:00, None, None, None, '{}', None]
"""


def test_one_entry_makes_a_format_of_typed_rows(
    runtime: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "python", Format("txt", "text/x-python", _python))
    wanted = ExportRequest(format="python", fields=FIELDS, filter=DescriptionFilter(), options={"counted": "values"})  # type: ignore[arg-type]
    completed = run(runtime, created(runtime, account_id, wanted))
    assert (completed.status, completed.rows_written, completed.error_message) == ("completed", 2, None)
    assert completed.object_key == f"{account_id}/{completed.id}/1.txt"
    receipt = lifecycle.receipt(completed)
    assert receipt is not None
    assert receipt.notes == {"values": 2}
    assert files.filename(completed) == f"export_{completed.id}.txt"
    with runtime.database.read() as session:
        stored = runtime.database.answer_in(session, files.ask_stored(completed.object_key))
    assert stored == files.stored(completed)
    assert stored
    assert stored.content_type == "text/x-python"
    written = path(runtime, completed.object_key).read_text()
    for second in ("2025, 1, 15, 10, 30, 0, 500000", "2025, 1, 15, 10, 30"):
        moment = eval(f"datetime({second}, tzinfo=UTC)")
        written = written.replace(repr(moment), moment.isoformat())
    assert written == FILE


def _json_seq(rows: Rows) -> Iterator[Part]:
    for line in rows.objects():
        yield b"\x1e" + line, 1


def test_one_entry_makes_a_format_of_text(runtime: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "json_seq", Format("json-seq", "application/json-seq", _json_seq))
    wanted = ExportRequest(format="json_seq", fields=["id"], filter=DescriptionFilter())  # type: ignore[arg-type]
    completed = run(runtime, created(runtime, account_id, wanted))
    assert completed.object_key == f"{account_id}/{completed.id}/1.json-seq"
    assert path(runtime, completed.object_key).read_bytes() == b'\x1e{"id":"a"}\n\x1e{"id":"b"}\n'


def test_a_format_that_is_packed_as_it_is_takes_no_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "zip", Format("zip", "application/zip", _json_seq, is_packed=True))
    with pytest.raises(InvalidInput, match="A file of zip is compressed as it is"):
        ExportRequest(format="zip", compression=Compression.GZIP, filter=DescriptionFilter())  # type: ignore[arg-type]


def test_a_plan_tells_what_a_file_of_the_format_can_hold(
    runtime: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], max_rows=1))
    wanted = ExportRequest(format=ExportFormat.XLSX, filter=DescriptionFilter())
    broken = plans.plan(runtime, account_id, wanted).broken_limit
    assert broken is not None
    assert (broken.name, broken.value, [window.rows for window in broken.windows]) == ("format", 1, [1, 1])
    assert broken.message.startswith("2 results match, and a file of xlsx holds 1 at most: export these 2 windows")
    assert plans.plan(runtime, account_id, replace(wanted, limit=1)).broken_limit is None


def test_every_format_has_an_entry() -> None:
    assert FORMATS.keys() == set(ExportFormat)


def test_a_process_that_knows_no_compression_asks_for_none(runtime: Runtime, account_id: int) -> None:
    """As one of the version before does while a new one is put in its place."""
    export = created(runtime, account_id, ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter()))
    known = [column for column in EXPORTS.columns if column.name != "compression"]
    copied = [literal(uuid.uuid4(), column.type) if column.name == "id" else column for column in known]
    with runtime.database.write() as session:
        one = select(*copied).where(EXPORTS.c.id == export.id)
        session.connection().execute(insert(EXPORTS).from_select([column.name for column in known], one))
        found = session.connection().scalars(select(EXPORTS.c.compression).where(EXPORTS.c.account_id == account_id))
        assert list(found) == ["none", "none"]


@pytest.mark.parametrize("compression", Compression)
def test_a_full_disk_is_told_as_such(runtime: Runtime, account_id: int, compression: Compression) -> None:
    wanted = ExportRequest(format=ExportFormat.CSV, compression=compression, filter=DescriptionFilter())
    export = created(runtime, account_id, wanted)
    with runtime.database.write() as session:
        lifecycle.change(session, lifecycle.is_export(account_id, export.id), {"failures": MAX_FAILURES - 1})
    export.attempt = 1
    file = path(runtime, files.object_key(export))
    file.parent.mkdir(parents=True)
    file.with_name(file.name + ".part").symlink_to("/dev/full")
    failed = run(runtime, export)
    reason = "The file could not be stored: the server's disk is full. Please try again when it has space."
    assert (failed.status, failed.error_message) == ("failed", reason)
    assert list(file.parent.iterdir()) == []
