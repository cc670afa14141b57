"""Named locks of PostgreSQL: who holds one and stops is no lasting obstacle."""

import pytest
from sqlalchemy import text

from app.engine import locks
from app.engine.db import Database
from app.errors import Unavailable
from tests.conftest import only_servers


@only_servers
def test_who_stops_while_it_holds_a_lock_loses_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable), database.write() as stopped:
        monkeypatch.setattr(locks, "MAX_IDLE", "100ms")
        locks.hold(stopped.connection(), "a lock of a test")
        monkeypatch.setattr(locks, "MAX_IDLE", "10s")
        with database.write() as other:
            locks.hold(other.connection(), "a lock of a test")
            assert other.connection().scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
        stopped.connection().execute(text("SELECT 1"))
    with database.write() as later:
        assert later.connection().scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
