"""Each of the three servers may be set without the others; the embedded default does the rest."""

from pathlib import Path

import httpx
import pytest

from app.engine.db import Database
from tests.conftest import new_account
from tools.servers import Redis, Servers
from tools.stack import Stack

NAMES = {
    "postgres": ["SIGHTLOG_DATABASE_URL"],
    "redis": ["SIGHTLOG_REDIS_URL"],
    "s3": ["SIGHTLOG_S3_BUCKET", "SIGHTLOG_S3_ENDPOINT_URL", "AWS_"],
}


@pytest.mark.xdist_group("servers")
@pytest.mark.parametrize("alone", NAMES)
def test_results_are_recorded_exported_and_downloaded(real_servers: Servers, tmp_path: Path, alone: str) -> None:
    real_servers.postgres.create_database(f"alone_{alone}")
    real_servers.s3.create_bucket(f"alone-{alone}")
    everything = real_servers.environment(f"alone_{alone}", f"alone-{alone}")
    # A Redis of its own, or the workers of other tests would take its messages.
    with Redis(tmp_path / "redis") as own_redis:
        everything["SIGHTLOG_REDIS_URL"] = own_redis.url
        settings = {name: value for name, value in everything.items() if name.startswith(tuple(NAMES[alone]))}
        assert len(settings) >= len(NAMES[alone])
        use(tmp_path / "stack", settings, at_s3=alone == "s3", workers=int(alone == "redis"))


def use(folder: Path, settings: dict[str, str], *, at_s3: bool, workers: int) -> None:
    with Stack(folder, settings, workers=workers) as stack:
        database = Database(stack.database_url)
        account = new_account(stack, database)
        database.dispose()
        account.record({"id": "a", "description": "one"}, {"id": "b", "description": "two"})
        listed = account.client.get("/api/v2/data/descriptions")
        assert (listed.json()["total_count"], listed.headers["X-RateLimit-Limit"]) == (2, "500")
        state = account.export(fields=["id"])
        assert httpx.get(state["download_url"], verify=False).content == b'{"id":"b"}\n{"id":"a"}\n'
        assert state["download_url"].startswith(settings["SIGHTLOG_S3_ENDPOINT_URL"] if at_s3 else stack.url)
        account.close()
