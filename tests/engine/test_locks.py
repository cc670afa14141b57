"""Named locks of PostgreSQL: who holds one and stops is no lasting obstacle."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from app.engine import locks
from app.engine.db import Database
from app.errors import Unavailable
from tests.conftest import only_servers

LOCK = "a lock of a test"


@only_servers
def test_who_stops_while_it_holds_a_lock_loses_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable):
        stop_with_the_lock(database, monkeypatch)
    with database.write() as later:
        assert max_idle(later) == "0"


def stop_with_the_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.write() as stopped:
        monkeypatch.setattr(locks, "MAX_IDLE", "100ms")
        locks.hold(stopped.connection(), LOCK)
        monkeypatch.setattr(locks, "MAX_IDLE", "10s")
        with database.write() as other:
            locks.hold(other.connection(), LOCK)
            assert max_idle(other) == "10s"
        max_idle(stopped)


def max_idle(session: Session) -> Any:
    return session.connection().scalar(text("SHOW idle_in_transaction_session_timeout"))
