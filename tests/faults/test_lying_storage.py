"""An S3 that fails and lies at random: no export is completed whose bytes are not those of its receipt."""

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import update

from app import auth, s3, storage
from app.exports import events, lifecycle, runs
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history import recording
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.models import Export, ExportStatus
from app.runtime import Runtime, open_runtime, prepare
from app.settings import Settings
from app.storage import LocalStorage
from tests.faults.lying import LyingS3
from tools.servers import REGION, S3

pytestmark = pytest.mark.xdist_group("faults")

NOT_KEPT = "The file could not be stored: the storage did not keep what was written. Please try again later."
AT, TEXT = "2025-01-15T10:30:00Z", "x" * 100_000
SMALL, LARGE = 3, 80
"""Rows of an export that is one put, and of one that is sent in two parts."""


class Lab:
    def __init__(self, runtime: Runtime, real: S3) -> None:
        self.runtime, self.real = runtime, real
        with runtime.database.write() as session:
            self.account_id = auth.account_id(session, "lab", create=True)
            results = [
                Result.model_validate(
                    {"id": str(number), "source_type": "single", "created_at": AT, "description": TEXT}
                )
                for number in range(LARGE)
            ]
            recording.record(session, self.account_id, results)

    def create(self, rows: int) -> uuid.UUID:
        wanted = ExportRequest(format=ExportFormat.JSONL, filter=DescriptionFilter(), limit=rows)
        with self.runtime.database.write() as session:
            return lifecycle.create(session, self.account_id, wanted).id

    def run(self, id: uuid.UUID) -> Export:
        """One attempt, however often it failed before."""
        with self.runtime.database.write() as session:
            session.connection().execute(update(Export).values(not_before=None, failures=0))
        runs.run(self.runtime, self.account_id, id, Event())
        with self.runtime.database.read() as session:
            return lifecycle.get(session, self.account_id, id)

    def why(self, id: uuid.UUID) -> list[str | None]:
        with self.runtime.database.read() as session:
            return [event.message for event in events.of(session, self.account_id, [id])[id] if event.message]

    def kept(self) -> dict[str, bytes]:
        """What the real S3 has of these exports, by their keys."""
        client, prefix = self.real.client(), self.runtime.settings.s3_prefix
        found = client.list_objects_v2(Bucket="exports", Prefix=prefix).get("Contents", [])
        return {
            one["Key"].removeprefix(prefix): client.get_object(Bucket="exports", Key=one["Key"])["Body"].read()
            for one in found
        }


Opening = Callable[[Callable[[str], str]], AbstractContextManager[Lab]]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    server = S3(tmp_path_factory.mktemp("s3") / "server")
    server.start()
    try:
        server.create_bucket("exports")
        yield server
    finally:
        server.stop()


@pytest.fixture
def lab(real: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """An embedded Sightlog over an S3 that goes by `choose`."""
    monkeypatch.setattr(s3, "PART_SIZE", 5 * 2**20)  # the least that S3 takes
    for name, value in {"ACCESS_KEY_ID": real.access_key, "SECRET_ACCESS_KEY": real.secret_key}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)

    @contextmanager
    def opened(choose: Callable[[str], str]) -> Iterator[Lab]:
        with LyingS3(real, choose) as lying:
            prefix = f"{tmp_path.name}/"
            settings = Settings(data_dir=tmp_path, s3_bucket="exports", s3_prefix=prefix, s3_endpoint_url=lying.url)
            runtime = open_runtime(settings)
            prepare(runtime.database)
            yield Lab(runtime, real)
            runtime.close()

    return opened


def assert_as_its_receipt(lab: Lab, export: Export) -> None:
    assert export.object_key
    content = lab.kept()[export.object_key]
    assert (len(content), hashlib.sha256(content).hexdigest()) == (export.bytes, export.sha256)


@pytest.mark.parametrize("rows", [SMALL, LARGE])
@pytest.mark.parametrize("lie", ["nothing", "half", "other"])
def test_what_is_not_kept_is_found_out(lab: Opening, rows: int, lie: str) -> None:
    lies = True
    with lab(lambda kind: lie if lies and kind == "write" else "passed") as opened:
        id = opened.create(rows)
        for _ in range(2):
            assert opened.run(id).status == ExportStatus.PENDING
        if rows == SMALL or lie != "nothing":  # of an upload whose parts are not kept, S3 itself says so
            assert opened.why(id) == [NOT_KEPT] * 2
        assert opened.kept() == {}
        lies = False
        export = opened.run(id)
        assert export.status == ExportStatus.COMPLETED
        assert_as_its_receipt(opened, export)


def test_a_server_that_knows_no_checksums_is_asked_for_the_size(lab: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    lie = "half"
    with lab(lambda kind: lie if kind == "write" else "passed") as opened:
        for rows in (SMALL, LARGE):
            id, lie = opened.create(rows), "half"
            assert opened.run(id).status == ExportStatus.PENDING
            assert opened.why(id) == [NOT_KEPT]
            lie = "passed"
            assert_as_its_receipt(opened, opened.run(id))
            key = f"{opened.runtime.settings.s3_prefix}{opened.account_id}/{id}/2.jsonl"
            found = opened.real.client().head_object(Bucket="exports", Key=key, ChecksumMode="ENABLED")
            assert "ChecksumSHA256" not in found


def test_one_that_fails_and_lies_at_random(lab: Opening) -> None:
    chance = random.Random(28)

    def choose(kind: str) -> str:
        lies = ["nothing", "half", "other"] if kind == "write" else []
        return chance.choices(["passed", "refused", "cut", *lies], [20, 1, 1] + [3] * len(lies))[0]

    with lab(choose) as opened:
        completed, attempts = [], 0
        for number in range(16):
            id = opened.create(LARGE if number % 4 == 0 else SMALL)
            while (export := opened.run(id)).status != ExportStatus.COMPLETED:
                assert export.status == ExportStatus.PENDING
                assert export.object_key is None
            completed.append(export)
            attempts += export.attempt
        for export in completed:
            assert_as_its_receipt(opened, export)
        assert attempts > len(completed)


def test_a_disk_that_keeps_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = LocalStorage(tmp_path, "", [b"secret"])
    sink = local.open("1/2/1.csv", content_type="text/csv", filename="export.csv")
    sink.write(b"0123456789")
    monkeypatch.setattr(storage, "_sync_names", lambda folder: (folder / "1.csv").write_bytes(b"01234"))
    with pytest.raises(storage.NotKept, match="has 5 bytes of 10"):
        sink.finish()
    sink.abort()
    assert list((tmp_path / "1" / "2").iterdir()) == []
