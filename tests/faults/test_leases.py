"""The states of an export, transition by transition, on both engines: who may change it, and who may not."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, product
from threading import Barrier, Event
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app import auth
from app.errors import Conflict, NotFound, SightlogError
from app.exports import claims, lifecycle, runs
from app.exports.claims import LEASE, MAX_ATTEMPTS, MAX_FAILURES, RESEND_AFTER, Claim
from app.exports.formats import ExportFormat
from app.exports.lifecycle import CANCELLED as CANCELLED_MESSAGE
from app.exports.lifecycle import Receipt
from app.exports.requests import ExportRequest
from app.exports.statement import Count, Selection
from app.history import recording
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.migrations import migrate
from app.models import Export, ExportStatus
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.storage import LocalStorage
from tests.conftest import ENGINES

pytestmark = pytest.mark.xdist_group("faults")

T = TypeVar("T")

PENDING, PROCESSING, COMPLETED = ExportStatus.PENDING, ExportStatus.PROCESSING, ExportStatus.COMPLETED
FAILED, CANCELLED = ExportStatus.FAILED, ExportStatus.CANCELLED

REQUEST = ExportRequest(format=ExportFormat.JSONL, filter=DescriptionFilter())
RECEIPT = Receipt(3, 100, "ab" * 32, datetime(2025, 1, 1, tzinfo=UTC))
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

_numbers = count(1)


@dataclass
class Lab:
    """The core on one engine, with an account of its own for each test."""

    runtime: Runtime
    account_id: int

    def write(self, act: Callable[[Session], T]) -> T:
        with self.runtime.database.write() as session:
            return act(session)

    def create(self, account_id: int | None = None) -> uuid.UUID:
        return self.write(lambda session: lifecycle.create(session, account_id or self.account_id, REQUEST).id)

    def queue(self, number: int) -> list[uuid.UUID]:
        """Exports that were made one second after the other, oldest first."""
        ids = [self.create() for _ in range(number)]
        for place, id in enumerate(ids):
            self.set(id, created_at=LONG_AGO + timedelta(seconds=place))
        return ids

    def claim(self, id: uuid.UUID, *, at_a_time: int = 100) -> Claim | None:
        return self.write(lambda session: claims.claim(session, self.account_id, id, at_a_time=at_a_time))

    def held(self, id: uuid.UUID) -> Claim:
        claim = self.claim(id)
        assert claim is not None
        return claim

    def row(self, id: uuid.UUID) -> dict[str, Any]:
        with self.runtime.database.read() as session:
            return session.exec(select(Export).where(Export.id == id)).one().model_dump()

    def set(self, id: uuid.UUID, **values: Any) -> None:
        change = update(Export).where(col(Export.id) == id).values(values)
        self.write(lambda session: session.connection().execute(change))

    def run(self, id: uuid.UUID) -> list[tuple[int, uuid.UUID]]:
        return runs.run(self.runtime, self.account_id, id, Event())

    def to_send(self, at_a_time: int = 2) -> list[uuid.UUID]:
        due = self.write(lambda session: claims.to_send(session, at_a_time=at_a_time))
        return [id for account_id, id in due if account_id == self.account_id]

    def files(self, id: uuid.UUID) -> list[str]:
        assert isinstance(self.runtime.storage, LocalStorage)
        folder = self.runtime.storage.path(f"{self.account_id}/{id}/")
        return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture(scope="module", params=ENGINES)
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    url = ""
    if request.param == "servers":
        url = request.getfixturevalue("real_servers").postgres.create_database("leases")
    opened = open_runtime(Settings(data_dir=tmp_path_factory.mktemp("leases"), database_url=url))
    migrate.upgrade(opened.database)
    yield opened
    opened.close()


@pytest.fixture
def lab(runtime: Runtime) -> Iterator[Lab]:
    with runtime.database.write() as session:
        account_id = auth.account_id(session, f"lab {next(_numbers)}", create=True)
        results = [Result(id=f"r{n}", source_type="single", created_at=LONG_AGO) for n in range(3)]
        recording.record(session, account_id, results)
    yield Lab(runtime, account_id)
    with runtime.database.write() as session:  # what is left would lapse under a later test
        session.connection().execute(delete(Export).where(col(Export.account_id) == account_id))


def pending(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    assert lab.write(lambda session: claims.hand_back(session, claim))


def processing(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    pass


def taken_over(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    pending(lab, id, claim)
    lab.held(id)


def completed(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    assert lab.write(lambda session: claims.complete(session, claim, RECEIPT, object_key="key"))


def failed(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    assert lab.write(lambda session: claims.fail(session, claim, "It failed"))


def cancelled(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    lab.write(lambda session: lifecycle.cancel(session, lab.account_id, id))


def deleted(lab: Lab, id: uuid.UUID, claim: Claim) -> None:
    lab.write(lambda session: lifecycle.delete(session, lab.account_id, id))


STATES = (pending, processing, taken_over, completed, failed, cancelled, deleted)
"""What has become of an export after it was claimed; the claim may have become worthless."""

ACTIONS: dict[str, Callable[[Session, Claim], object]] = {
    "claim": lambda session, held: claims.claim(session, held.export.account_id, held.export.id, at_a_time=1),
    "renew": lambda session, held: claims.renew(session, held, rows_written=1, rows_total=3),
    "complete": lambda session, held: claims.complete(session, held, RECEIPT, object_key="another key"),
    "fail": lambda session, held: claims.fail(session, held, "It failed again"),
    "hand back": lambda session, held: claims.hand_back(session, held),
    "hand back later": lambda session, held: claims.hand_back_later(session, held, "It failed again"),
    "take back": lambda session, held: claims.take_back(session),
    "cancel": lambda session, held: lifecycle.cancel(session, held.export.account_id, held.export.id),
    "retry": lambda session, held: lifecycle.retry(session, held.export.account_id, held.export.id),
    "delete": lambda session, held: lifecycle.delete(session, held.export.account_id, held.export.id),
}

State = Callable[[Lab, uuid.UUID, Claim], None]

ALLOWED: dict[tuple[State, str], ExportStatus] = {
    (pending, "claim"): PROCESSING,
    (pending, "cancel"): CANCELLED,
    (pending, "delete"): PENDING,
    (processing, "renew"): PROCESSING,
    (processing, "complete"): COMPLETED,
    (processing, "fail"): FAILED,
    (processing, "hand back"): PENDING,
    (processing, "hand back later"): PENDING,
    (processing, "cancel"): CANCELLED,
    (processing, "delete"): PROCESSING,
    (taken_over, "cancel"): CANCELLED,
    (taken_over, "delete"): PROCESSING,
    (completed, "delete"): COMPLETED,
    (failed, "retry"): PENDING,
    (failed, "delete"): FAILED,
    (cancelled, "retry"): PENDING,
    (cancelled, "delete"): CANCELLED,
    (deleted, "fail"): FAILED,
    (deleted, "hand back"): PENDING,
    (deleted, "hand back later"): PENDING,
}
"""What changes the row, and the status then."""

REFUSED: dict[tuple[State, str], type[SightlogError]] = {
    (completed, "cancel"): Conflict,
    (failed, "cancel"): Conflict,
    (pending, "retry"): Conflict,
    (processing, "retry"): Conflict,
    (taken_over, "retry"): Conflict,
    (completed, "retry"): Conflict,
    (deleted, "cancel"): NotFound,
    (deleted, "retry"): NotFound,
    (deleted, "delete"): NotFound,
}


HARMLESS = [pair for pair in product(STATES, ACTIONS) if pair not in ALLOWED and pair not in REFUSED]


def named(pairs: Iterable[tuple[State, str]]) -> list[Any]:
    return [pytest.param(state, action, id=f"{state.__name__}-{action}") for state, action in pairs]


def brought_to(lab: Lab, state: State) -> tuple[uuid.UUID, Claim]:
    id = lab.create()
    held = lab.held(id)
    state(lab, id, held)
    return id, held


@pytest.mark.parametrize(("state", "action"), named(ALLOWED))
def test_allowed(lab: Lab, state: State, action: str) -> None:
    id, held = brought_to(lab, state)
    before = lab.row(id)
    lab.write(lambda session: ACTIONS[action](session, held))
    assert lab.row(id)["status"] == ALLOWED[state, action]
    assert lab.row(id) != before


@pytest.mark.parametrize(("state", "action"), named(REFUSED))
def test_refused(lab: Lab, state: State, action: str) -> None:
    id, held = brought_to(lab, state)
    before = lab.row(id)
    with pytest.raises(REFUSED[state, action]):
        lab.write(lambda session: ACTIONS[action](session, held))
    assert lab.row(id) == before


@pytest.mark.parametrize(("state", "action"), named(HARMLESS))
def test_without_effect(lab: Lab, state: State, action: str) -> None:
    id, held = brought_to(lab, state)
    before = lab.row(id)
    outcome = lab.write(lambda session: ACTIONS[action](session, held))
    assert (state, action) == (cancelled, "cancel") or not outcome
    assert lab.row(id) == before


@pytest.mark.parametrize("state", STATES)
def test_only_a_lapsed_claim_is_taken_back(lab: Lab, state: State) -> None:
    id = lab.create()
    state(lab, id, lab.held(id))
    lab.set(id, lease_until=LONG_AGO)
    before = lab.row(id)
    taken = lab.write(claims.take_back)
    if state in (processing, taken_over, deleted):
        assert taken == 1
        assert lab.row(id) == before | {"status": PENDING, "lease_until": None, "sent_at": None}
    else:
        assert taken == 0
        assert lab.row(id) == before


@pytest.mark.parametrize(("state", "left_dirty"), [(pending, [True]), (cancelled, [False]), (deleted, [])])
def test_cleaning_waits_until_nobody_can_write(lab: Lab, state: State, left_dirty: list[bool]) -> None:
    """`pending` stands for what has not ended: its files are the next attempt's business."""
    id = lab.create()
    state(lab, id, lab.held(id))
    runs.clean(lab.runtime)
    assert lab.row(id)["dirty"] is True
    lab.set(id, lease_until=LONG_AGO)
    runs.clean(lab.runtime)
    with lab.runtime.database.read() as session:
        left = session.exec(select(Export.dirty).where(Export.id == id)).all()
    assert left == left_dirty


def test_what_another_account_has_is_not_there(lab: Lab) -> None:
    id = lab.create()
    before = lab.row(id)
    other = lab.write(lambda session: auth.account_id(session, f"other {next(_numbers)}", create=True))
    assert lab.write(lambda session: claims.claim(session, other, id, at_a_time=1)) is None
    for refused in (lifecycle.cancel, lifecycle.retry, lifecycle.delete):
        with pytest.raises(NotFound):
            lab.write(lambda session, refused=refused: refused(session, other, id))  # type: ignore[misc]
    assert lab.row(id) == before


def test_a_claim_is_a_lease_with_a_fencing_number(lab: Lab) -> None:
    id = lab.create()
    for attempt in (1, 2):
        row = lab.held(id).export
        assert (row.status, row.attempt, row.dirty, row.rows_written) == (PROCESSING, attempt, True, 0)
        assert row.lease_until
        assert row.started_at
        assert row.lease_until - row.started_at == LEASE
        assert lab.claim(id) is None
        lab.set(id, lease_until=LONG_AGO)
        assert lab.claim(id) is None
        lab.write(claims.take_back)


def test_renewing_extends_the_lease(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lab.create()
    held = lab.held(id)
    before = lab.row(id)
    monkeypatch.setattr(claims, "clock", lambda session: NOW)
    assert lab.write(lambda session: claims.renew(session, held, rows_written=2, rows_total=3))
    assert lab.row(id) == before | {"lease_until": NOW + LEASE, "rows_written": 2, "rows_total": 3}


def test_completing_stores_the_receipt(lab: Lab) -> None:
    id = lab.create()
    held = lab.held(id)
    assert lab.write(lambda session: claims.complete(session, held, RECEIPT, object_key="key"))
    row = lab.write(lambda session: lifecycle.get(session, lab.account_id, id))
    assert (lifecycle.receipt(row), row.object_key, row.rows_total, row.lease_until) == (RECEIPT, "key", 3, None)


def test_passing_failures_are_spaced_and_counted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lab.create()
    waits = []
    for failures in range(1, MAX_FAILURES):
        held = lab.held(id)
        monkeypatch.setattr(claims, "clock", lambda session: NOW)
        assert lab.write(lambda session, held=held: claims.hand_back_later(session, held, "No luck"))  # type: ignore[misc]
        row = lab.row(id)
        assert (row["status"], row["failures"], row["error_message"]) == (PENDING, failures, None)
        waits.append(row["not_before"] - NOW)
        assert lab.claim(id) is None
        assert id not in lab.to_send()
        monkeypatch.setattr(claims, "clock", lambda session, due=row["not_before"]: due)
        assert id in lab.to_send()
    assert waits == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8), timedelta(seconds=16)]
    held = lab.held(id)
    assert lab.write(lambda session: claims.hand_back_later(session, held, "No luck"))
    row = lab.row(id)
    assert (row["status"], row["error_message"], row["attempt"]) == (FAILED, "No luck", MAX_FAILURES)


@pytest.mark.parametrize("end", [failed, cancelled])
def test_retrying_begins_anew(lab: Lab, end: State) -> None:
    id = lab.create()
    lab.set(id, failures=3, not_before=LONG_AGO)
    end(lab, id, lab.held(id))
    lab.write(lambda session: lifecycle.retry(session, lab.account_id, id))
    row = lab.row(id)
    assert (row["status"], row["failures"], row["error_message"], row["completed_at"]) == (PENDING, 0, None, None)
    lab.run(id)
    row = lab.row(id)
    assert (row["status"], row["attempt"], row["rows_written"]) == (COMPLETED, 2, 3)


def test_cancelling_says_so(lab: Lab) -> None:
    id = lab.create()
    for _ in range(2):
        export = lab.write(lambda session: lifecycle.cancel(session, lab.account_id, id))
        assert (export.status, export.error_message) == (CANCELLED, CANCELLED_MESSAGE)


def test_workers_that_die_again_and_again(lab: Lab) -> None:
    id = lab.create()
    lab.set(id, attempt=MAX_ATTEMPTS - 2)
    lab.held(id)
    lab.set(id, lease_until=LONG_AGO)
    lab.write(claims.take_back)
    assert lab.row(id)["status"] == PENDING
    lab.held(id)
    lab.set(id, lease_until=LONG_AGO)
    lab.write(claims.take_back)
    row = lab.row(id)
    assert (row["status"], row["error_message"]) == (FAILED, "The export could not be completed")


def test_an_account_runs_so_many_at_a_time_oldest_first(lab: Lab) -> None:
    first, second, third, fourth = lab.queue(4)
    assert lab.claim(third, at_a_time=2) is None
    running = lab.claim(first, at_a_time=2)
    assert running
    assert lab.claim(third, at_a_time=2) is None
    assert lab.claim(second, at_a_time=2)
    assert lab.claim(third, at_a_time=2) is None
    assert lab.write(lambda session: claims.complete(session, running, RECEIPT, object_key="key"))
    assert lab.claim(fourth, at_a_time=2) is None
    assert lab.claim(third, at_a_time=2)
    assert lab.claim(fourth, at_a_time=3)


def test_only_those_whose_turn_it_is_are_sent_and_only_once(lab: Lab) -> None:
    first, second, third = lab.queue(3)
    assert sorted(lab.to_send()) == sorted([first, second])
    assert lab.to_send() == []
    lab.set(first, sent_at=LONG_AGO)
    assert lab.to_send() == [first]
    lab.held(first)
    assert lab.to_send() == []
    lab.held(second)
    assert lab.to_send() == []
    lab.set(first, status=COMPLETED)
    assert lab.to_send() == [third]


def test_one_that_came_too_early_is_sent_again_in_its_turn(lab: Lab) -> None:
    first, second = lab.queue(2)
    assert sorted(lab.to_send(2)) == sorted([first, second])
    held = lab.held(first)
    assert lab.claim(second, at_a_time=1) is None
    lab.write(lambda session: claims.complete(session, held, RECEIPT, object_key="key"))
    assert lab.to_send(1) == [second]


def test_a_message_that_was_lost_is_sent_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lab.create()
    monkeypatch.setattr(claims, "clock", lambda session: NOW)
    assert lab.to_send() == [id]
    monkeypatch.setattr(claims, "clock", lambda session: NOW + RESEND_AFTER)
    assert lab.to_send() == []
    monkeypatch.setattr(claims, "clock", lambda session: NOW + RESEND_AFTER + timedelta(milliseconds=1))
    assert lab.to_send() == [id]


def at_once(number: int, act: Callable[[], T]) -> list[T]:
    barrier = Barrier(number)

    def together() -> T:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(number) as threads:
        return [future.result() for future in [threads.submit(together) for _ in range(number)]]


def test_one_of_eight_gets_the_claim(lab: Lab) -> None:
    id = lab.create()
    found = at_once(8, lambda: lab.claim(id))
    assert sum(claim is not None for claim in found) == 1
    assert lab.row(id)["attempt"] == 1


def test_eight_claims_of_an_account_at_once_keep_its_limit(lab: Lab) -> None:
    ids = iter([lab.create() for _ in range(8)])
    found = at_once(8, lambda: lab.claim(next(ids), at_a_time=3))
    # Those that came before older ones were refused; nobody is above the limit.
    assert 1 <= sum(claim is not None for claim in found) <= 3
    with lab.runtime.database.read() as session:
        assert lifecycle.count(session, lab.account_id, PROCESSING) <= 3


def test_eight_messages_for_one_export_write_it_once(lab: Lab) -> None:
    id = lab.create()
    at_once(8, lambda: lab.run(id))
    row = lab.row(id)
    assert (row["status"], row["attempt"], row["rows_written"]) == (COMPLETED, 1, 3)
    assert lab.files(id) == ["1.jsonl"]


def test_eight_sweeps_at_once_take_back_and_send_each_once(lab: Lab) -> None:
    left = [lab.create() for _ in range(2)]
    for id in left:
        lab.held(id)
        lab.set(id, lease_until=LONG_AGO)
    sent = [found for due in at_once(8, lambda: runs.sweep(lab.runtime)) for found in due]
    assert sorted(id for account_id, id in sent if account_id == lab.account_id) == sorted(left)
    assert [lab.row(id)["status"] for id in left] == [PENDING, PENDING]


@dataclass(frozen=True)
class Slow(LocalStorage):
    """A storage in which something else happens just before files are removed."""

    meanwhile: Callable[[], object] = bool

    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        self.meanwhile()
        super().clear(prefix, unwanted=unwanted, keep=keep)


def slowly(lab: Lab, meanwhile: Callable[[], object]) -> Lab:
    storage = lab.runtime.storage
    assert isinstance(storage, LocalStorage)
    slow = Slow(storage.folder, storage.public_url, storage.secrets, meanwhile)
    return replace(lab, runtime=replace(lab.runtime, storage=slow))


def test_a_slow_cleaning_keeps_what_a_newer_attempt_writes(lab: Lab) -> None:
    id = lab.create()
    cancelled(lab, id, lab.held(id))
    lab.set(id, lease_until=LONG_AGO)

    def retried() -> None:
        if lab.row(id)["status"] == CANCELLED:
            lab.write(lambda session: lifecycle.retry(session, lab.account_id, id))
            lab.run(id)

    runs.clean(slowly(lab, retried).runtime)
    assert lab.row(id)["status"] == COMPLETED
    assert lab.files(id) == ["2.jsonl"]


def test_a_slow_attempt_keeps_what_a_newer_one_has_written(lab: Lab) -> None:
    id = lab.create()
    pending(lab, id, lab.held(id))

    def overtaken() -> None:
        lab.set(id, lease_until=LONG_AGO)
        lab.write(claims.take_back)
        lab.run(id)

    slowly(lab, overtaken).run(id)
    row = lab.row(id)
    assert (row["status"], row["attempt"]) == (COMPLETED, 3)
    assert lab.files(id) == ["3.jsonl"]


def test_a_slow_cleaning_forgets_no_file_that_expires_meanwhile(lab: Lab) -> None:
    id = lab.create()
    lab.run(id)

    def expired() -> None:
        lab.write(lambda session: claims.expire(session, timedelta(0)))

    runs.clean(slowly(lab, expired).runtime)
    row = lab.row(id)
    assert row["expired_at"] is not None
    assert (row["object_key"], row["dirty"]) == (None, True)
    runs.clean(lab.runtime)
    assert lab.row(id)["dirty"] is False
    assert lab.files(id) == []


def test_rows_that_do_not_agree_with_their_count_are_never_completed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lab.create()
    monkeypatch.setattr(Selection, "count", lambda *_: Count(4, whole_seconds=True))
    lab.run(id)
    row = lab.row(id)
    assert (row["status"], row["failures"], row["object_key"]) == (PENDING, 1, None)
    assert lab.files(id) == []


def test_what_cannot_succeed_is_not_tried_again(lab: Lab) -> None:
    id = lab.create()
    lab.set(id, max_rows=2)
    lab.run(id)
    row = lab.row(id)
    assert (row["status"], row["attempt"], row["failures"]) == (FAILED, 1, 0)
    assert row["error_message"] == "Export exceeded maximum record limit"


def test_a_worker_that_stops_claims_nothing(lab: Lab) -> None:
    id = lab.create()
    before, stopping = lab.row(id), Event()
    stopping.set()
    assert runs.run(lab.runtime, lab.account_id, id, stopping) == [(lab.account_id, id)]
    assert lab.row(id) == before
