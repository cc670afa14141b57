"""A running Sightlog that may be hurt, with a long history."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy import text
from sqlmodel import func, select

from app.engine.db import Database
from app.exports.lifecycle import in_states
from app.history import rollup
from app.models import Export, ExportStatus
from tests.conftest import Account, new_account
from tests.forked import ForkedStack
from tools import patience
from tools.patience import until
from tools.servers import s3_client

PENDING, PROCESSING, COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
FAILED, CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED

ROWS = 100_000
FIELDS = ["id", "created_at", "metadata"]
REQUESTS: tuple[dict[str, Any], ...] = (
    {"format": "jsonl", "fields": FIELDS, "start_date": "2025-01-01T20:30:00Z"},
    {"format": "csv", "start_date": "2025-01-02T00:00:00Z"},
    {"format": "json", "end_date": "2025-01-01T03:00:00Z"},
)
LARGE, SMALL = REQUESTS[0], REQUESTS[2]
"""One that S3 gets in two parts, and one that it gets in one."""
WHOLE = {"format": "jsonl", "fields": ["id", "type", "created_at"]}
BIG = {"format": "jsonl", "fields": FIELDS, "limit": 60_000}
"""All rows in one part, and in some: these take a while."""

FILL = {
    "postgresql": """
        INSERT INTO descriptions (account_id, id, type, status, source_type, created_at, metadata)
        SELECT :account, 'r' || lpad(n::text, 6, '0'), 'rule', 'completed', 'batch',
               timestamptz '2025-01-01Z' + n * interval '1 second', jsonb_build_object('text', lpad(n::text, 280, '0'))
        FROM generate_series(1, :rows) n""",
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
        INSERT INTO descriptions (account_id, id, type, status, source_type, created_at, metadata)
        SELECT :account, 'r' || printf('%06d', n), 'rule', 'completed', 'batch',
               strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2025-01-01', '+' || n || ' seconds'),
               '{"text":"' || printf('%0280d', n) || '"}'
        FROM numbers""",
}


@dataclass
class Site:
    """A running Sightlog. The first account has a long history."""

    stack: ForkedStack
    database: Database
    accounts: list[Account] = field(default_factory=list)

    def account(self) -> Account:
        self.accounts.append(new_account(self.stack, self.database))
        return self.accounts[-1]

    @property
    def history(self) -> Account:
        return self.accounts[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.stop()
        self.database.dispose()
        for account in self.accounts:
            account.close()

    def row(self, export_id: str) -> Export:
        with self.database.read() as session:
            return session.exec(select(Export).where(Export.id == uuid.UUID(export_id))).one()

    def exists(self, export_id: str) -> bool:
        with self.database.read() as session:
            return session.exec(select(Export.id).where(Export.id == uuid.UUID(export_id))).first() is not None

    def count(self, *states: ExportStatus) -> int:
        with self.database.read() as session:
            return session.exec(select(func.count()).select_from(Export).where(in_states(*states))).one()

    def stored(self) -> list[str]:
        """The keys of all that lies in the storage, half-written things too."""
        if bucket := self.stack.settings.get("SIGHTLOG_S3_BUCKET"):
            objects = s3(self.stack).list_objects_v2(Bucket=bucket).get("Contents", [])
            uploads = s3(self.stack).list_multipart_uploads(Bucket=bucket).get("Uploads", [])
            keys = [found["Key"] for found in objects] + [found["Key"] + " half-written" for found in uploads]
            return sorted(key.removeprefix("exports/") for key in keys)
        folder = self.stack.folder / "data" / "exports"
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())

    def results(self) -> list[str]:
        with self.database.read() as session:
            return sorted(key for key in session.exec(select(Export.object_key)) if key is not None)

    def digest(self, account: Account, export_id: str) -> str:
        """Of the file of an export that must become completed; it is what its receipt says."""
        until(lambda: self.row(export_id).status not in (PENDING, PROCESSING), 60)
        state = account.wait(export_id)
        assert state["status"] == "completed", state
        content = fetch(state["download_url"]).content
        query = "query($id: ID!) { export(id: $id) { receipt { rows bytes sha256 } } }"
        receipt = account.graphql(query, id=export_id)["export"]["receipt"]
        sha256 = hashlib.sha256(content).hexdigest()
        assert receipt == {"rows": state["record_count"], "bytes": len(content), "sha256": sha256}
        return sha256

    def settle(self) -> None:
        """Every export ends, and the storage holds their results and nothing else."""
        until(lambda: self.count(PENDING, PROCESSING) == 0, 60)
        until(lambda: self.stored() == self.results(), 15)


def s3(stack: ForkedStack) -> Any:
    settings = stack.settings
    return s3_client(
        settings["SIGHTLOG_S3_ENDPOINT_URL"], settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
    )


def fetch(url: str) -> httpx.Response:
    return httpx.get(url, verify=False, timeout=patience.seconds(30))


def start(account: Account, **body: Any) -> str:
    answer = account.client.post("/api/v2/data/export", json={"data_type": "descriptions"} | body)
    assert answer.status_code == 202, answer.text
    export_id: str = answer.json()["export_id"]
    return export_id


def site(folder: Path, settings: Mapping[str, str], *, apis: int = 1, workers: int = 0, rows: int = ROWS) -> Site:
    limits = {"SIGHTLOG_RATE_LIMIT": "0", "SIGHTLOG_EXPORTS_PER_ACCOUNT": "20", "SIGHTLOG_WORKER_THREADS": "2"}
    stack = ForkedStack(folder, limits | dict(settings), apis=apis, workers=workers).start()
    opened = Site(stack, Database(stack.database_url))
    fill = text(FILL[opened.database.url.get_backend_name()])
    values = {"account": opened.account().id, "rows": rows}
    with opened.database.write() as session:
        session.connection().execute(fill, values)
        rollup.rebuild(session)
    return opened


def failed(site: Site, export_id: str, times: int) -> timedelta:
    """Waits until it failed that often; how long it then rests, from the beginning of its last attempt."""
    until(lambda: site.row(export_id).failures == times, 15)
    row = site.row(export_id)
    assert row.status == PENDING
    assert row.not_before
    assert row.started_at
    return row.not_before - row.started_at
