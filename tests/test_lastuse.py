"""When keys were last used: what is kept of it, and how often that is written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app import auth, lastuse, times
from app.auth import Principal
from app.engine.db import Database
from app.lastuse import LastUse
from app.limits import Limits
from app.models import Scope
from tests.conftest import Account, new_account
from tests.forked import ForkedStack

MINUTE = timedelta(minutes=1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Account]:
    """An account of a process of its own."""
    with ForkedStack(tmp_path, {}) as stack:
        database = Database(stack.database_url)
        account = new_account(stack, database)
        yield account
        account.close()
        database.dispose()


def last_used(account: Account) -> dict[Scope, datetime | None]:
    with account.database.read() as session:
        kept = {key.key_prefix: key.last_used_at for key, _ in auth.keys(session, account.id)}
    return {scope: kept[key[:17]] for scope, key in account.keys.items()}


def test_a_process_that_ends_writes_what_it_has_noted(served: Account) -> None:
    began = times.now()
    for scope in (Scope.READ, Scope.WRITE):
        with served.connect(scope) as client:
            assert client.get("/api/v2/data/descriptions").status_code == 200
    wrong = {"Authorization": f"Bearer {served.keys[Scope.ADMIN][:-1]}"}
    assert httpx.get(f"{served.stack.url}/api/v2/data/descriptions", headers=wrong).status_code == 401
    assert set(last_used(served).values()) == {None}
    assert served.stack.api_processes[0].terminate() == 0
    kept = last_used(served)
    assert kept.pop(Scope.ADMIN) is None
    assert all(moment is not None and began <= moment <= times.now() for moment in kept.values())


def test_a_moment_is_written_once_a_minute(account: Account, database: Database) -> None:
    prefix, began = account.keys[Scope.READ][:17], datetime(2025, 1, 1, tzinfo=UTC)
    found = []
    for seconds in (0, 30, 59, 61, 90, 3600, 0):
        with database.write() as session:
            moment = began + timedelta(seconds=seconds)
            auth.keys_used(session, {prefix: moment, "sightlog_unknown0": moment}, at_most_every=MINUTE)
        moment_kept = last_used(account)[Scope.READ]
        assert moment_kept is not None
        found.append((moment_kept - began).total_seconds())
    assert found == [0, 0, 0, 61, 61, 3600, 3600]
    assert last_used(account)[Scope.WRITE] is None


def test_what_is_noted_has_a_bound(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lastuse, "_MOST", 2)
    noting = LastUse(database, MINUTE)
    for name in ("one", "two", "three", "one"):
        noting.note(Principal(1, name, Scope.READ, Limits(), "account", session=f"session {name}"))
    assert list(noting._keys) == ["one", "two"]
    assert list(noting._sessions) == ["session one", "session two"]


def test_a_database_that_does_not_answer_is_told_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    database = Database("postgresql+psycopg://sightlog@127.0.0.1:1/none")
    noting = LastUse(database, MINUTE)
    noting.start()
    noting.note(Principal(1, "sightlog_abcdefgh", Scope.READ, Limits(), "account"))
    noting.stop()
    database.dispose()
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.message.startswith("the last use of 1 keys could not be written: ")
