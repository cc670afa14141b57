"""Faults that mostly wait and disturb nobody: they run beside others."""

import random
import resource
import time
from pathlib import Path

from tests.faults.site import PROCESSING, WHOLE, failed, fetch, site, start
from tools.patience import until


def kill_serve(folder: Path) -> None:
    with site(folder, {}) as embedded:
        started = [start(embedded.history, **WHOLE)]
        expected = embedded.digest(embedded.history, started[0])
        for _ in range(4):
            started += [start(embedded.history, **WHOLE) for _ in range(2)]
            until(lambda: embedded.count(PROCESSING) > 0, 10)
            time.sleep(random.uniform(0, 0.4))
            embedded.stack.api_processes[0].kill()
            embedded.stack.serve(0)
            embedded.stack.wait_until_ready()
        assert {embedded.digest(embedded.history, export_id) for export_id in started} == {expected}
        attempts = [embedded.row(export_id).attempt for export_id in started]
        assert sum(attempts) - len(attempts) >= 2, attempts
        embedded.settle()


def expire(folder: Path, settings: dict[str, str]) -> None:
    kept = {"SIGHTLOG_EXPORT_RETENTION": "1s"}
    with site(folder, settings | kept, rows=0) as short_lived:
        account = short_lived.account()
        account.record({"id": "only"})
        state = account.wait(start(account, format="csv"))
        assert state["status"] == "completed"
        assert fetch(state["download_url"]).status_code == 200
        until(lambda: short_lived.row(state["export_id"]).expired_at is not None, 10)
        answer = account.client.get(f"/api/v2/data/export/{state['export_id']}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Export not found"})
        query = "query($id: ID!) { export(id: $id) { status expiredAt downloadUrl receipt { rows } } }"
        expired = account.graphql(query, id=state["export_id"])["export"]
        assert expired.pop("expiredAt") > state["created_at"]
        assert expired == {"status": "COMPLETED", "downloadUrl": None, "receipt": {"rows": 1}}
        until(lambda: short_lived.stored() == [], 10)
        assert fetch(state["download_url"]).status_code == 404


def fill_disk(folder: Path, settings: dict[str, str]) -> None:
    """The largest file that the process may write holds no export."""
    with site(folder, settings, rows=20_000) as opened:
        account, serve = opened.history, opened.stack.forked[-1]
        resource.prlimit(serve.pid, resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        export_id = start(account, **WHOLE)
        failed(opened, export_id, 1)
        assert opened.stored() == []
        resource.prlimit(serve.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert opened.digest(account, export_id)
        assert opened.row(export_id).attempt == 2
        opened.settle()
