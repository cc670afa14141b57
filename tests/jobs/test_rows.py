"""The rows of jobs: what was ordered is done at least once, by one worker at a time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from sqlalchemy import update
from sqlmodel import Session

from app.jobs import leases, rows, runs
from app.jobs.rows import Place
from app.models import Job
from app.runtime import Runtime

T = TypeVar("T")

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

_numbers = count(1)


@dataclass
class Lab:
    """One job of an account."""

    core: Runtime
    place: Place

    def write(self, act: Callable[[Session], T]) -> T:
        with self.core.database.write() as session:
            return act(session)

    def order(self, at: datetime = LONG_AGO) -> None:
        account_id, name, subject = self.place
        self.write(lambda session: rows.order(session, account_id, name, subject, at=at))

    def held(self) -> Job:
        held = self.claim()
        assert held is not None
        return held

    def claim(self) -> Job | None:
        return self.write(lambda session: rows.claim(session, self.place))

    def row(self) -> Job | None:
        with self.core.database.read() as session:
            return session.get(Job, self.place)

    def found(self) -> Job:
        row = self.row()
        assert row is not None
        return row

    def set(self, **values: Any) -> None:
        account_id, name, subject = self.place
        mine = update(Job).filter_by(account_id=account_id, name=name, subject=subject)
        self.write(lambda session: session.connection().execute(mine.values(values)))

    def to_send(self, *, resend: bool = True) -> list[Place]:
        due = self.write(lambda session: rows.to_send(session, resend=resend))
        return [place for place in due if place == self.place]

    def run(self, work: Callable[[], object], stop: threading.Event | None = None) -> None:
        def do(*_: object) -> None:
            work()

        runs.run(self.core, self.place, do, stop or threading.Event())


@pytest.fixture
def lab(core: Runtime, account_id: int) -> Lab:
    return Lab(core, (account_id, "test", f"subject {next(_numbers)}"))


def test_what_was_done_is_gone(lab: Lab) -> None:
    lab.order()
    done = list[str]()
    lab.run(lambda: done.append("done"))
    assert (done, lab.row()) == (["done"], None)
    lab.run(lambda: done.append("again"))
    assert done == ["done"]


def test_an_order_is_part_of_what_it_follows(lab: Lab) -> None:
    """Taken back with it."""
    account_id, name, subject = lab.place

    def broken(session: Session) -> None:
        rows.order(session, account_id, name, subject, at=LONG_AGO)
        raise KeyError

    with pytest.raises(KeyError):
        lab.write(broken)
    assert lab.row() is None


def test_what_was_ordered_twice_before_it_began_is_done_once(lab: Lab) -> None:
    lab.order(NOW)
    lab.order(LONG_AGO)
    assert (lab.found().orders, lab.found().not_before) == (2, LONG_AGO)
    lab.order(NOW)
    assert lab.found().not_before == LONG_AGO
    done = list[str]()
    lab.run(lambda: done.append("done"))
    assert (done, lab.row()) == (["done"], None)


def test_what_is_ordered_while_it_is_done_is_done_again(lab: Lab) -> None:
    lab.order()
    lab.run(lab.order)
    row = lab.found()
    assert (row.status, row.attempt, row.lease_until, row.sent_at) == (leases.PENDING, 1, None, None)
    lab.run(lambda: None)
    assert lab.row() is None


def test_it_waits_for_its_time(lab: Lab) -> None:
    with lab.core.database.read() as session:
        later = rows.clock(session) + timedelta(days=1)
    lab.order(later)
    assert lab.claim() is None
    assert lab.to_send() == []
    lab.set(not_before=LONG_AGO)
    assert lab.to_send() == [lab.place]
    assert lab.held().attempt == 1


def test_it_is_sent_once_and_again_when_the_message_may_be_lost(lab: Lab) -> None:
    lab.order()
    assert lab.to_send() == [lab.place]
    assert lab.to_send() == []
    lab.set(sent_at=LONG_AGO)
    assert lab.to_send(resend=False) == []
    assert lab.to_send() == [lab.place]


def test_a_failure_is_kept_and_tried_again_later_each_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.order()
    waits = []
    for _ in range(4):
        monkeypatch.setattr(rows, "clock", lambda session: NOW)
        held = lab.held()
        assert lab.write(lambda session, held=held: rows.fail(session, held, "No luck"))  # type: ignore[misc]
        row = lab.found()
        assert (row.status, row.last_error, row.sent_at) == (leases.PENDING, "No luck", None)
        assert row.not_before
        waits.append(row.not_before - NOW)
        assert lab.claim() is None
        lab.set(not_before=NOW)
    assert waits == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8), rows.MAX_WAIT]
    lab.order(LONG_AGO)
    assert lab.found().not_before == NOW  # it is not hurried by what is ordered anew


def test_an_error_of_the_work_is_a_failure(lab: Lab) -> None:
    def fails() -> None:
        raise OSError("the storage " + "x" * 1000)

    lab.order()
    lab.run(fails)
    row = lab.found()
    assert (row.status, row.failures, row.attempt) == (leases.PENDING, 1, 1)
    assert row.last_error == ("OSError: the storage " + "x" * 1000)[: rows.MAX_MESSAGE]
    lab.set(not_before=LONG_AGO)
    lab.run(lambda: None)
    assert lab.row() is None


def test_what_a_dead_worker_left_is_done_by_another(lab: Lab) -> None:
    lab.order()
    dead = lab.held()
    assert lab.claim() is None
    lab.set(lease_until=LONG_AGO)
    assert lab.write(rows.take_back)["test"] == 1
    held = lab.held()
    assert held.attempt == 2
    for late in (rows.renew, rows.finish, rows.hand_back):
        assert not lab.write(lambda session, late=late: late(session, dead))  # type: ignore[misc]
    assert not lab.write(lambda session: rows.fail(session, dead, "late"))
    assert lab.found().last_error is None
    assert lab.write(lambda session: rows.renew(session, held))
    assert lab.write(lambda session: rows.finish(session, held))
    assert lab.row() is None


def test_a_worker_that_stops_hands_it_back(lab: Lab) -> None:
    lab.order()
    stop = threading.Event()
    lab.run(stop.set, stop)
    row = lab.found()
    assert (row.status, row.attempt, row.failures, row.sent_at) == (leases.PENDING, 1, 0, None)
    done = list[str]()
    lab.run(lambda: done.append("done"), stop)
    assert done == []
