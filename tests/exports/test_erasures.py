"""What becomes of exports that may hold results which are erased: none that is completed later holds one."""

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlmodel import Session, col

from app.exports import claims, erasures, events, files, lifecycle, runs
from app.exports.erasures import ErasureOutcome, OnErasure
from app.exports.formats import ExportFormat
from app.exports.lifecycle import Receipt
from app.exports.requests import ExportRequest
from app.exports.statement import Selection
from app.history import erasing, recording, reviews
from app.history.erasing import Choice
from app.history.filters import DescriptionFilter
from app.history.recording import OnConflict, OnErased, Result
from app.history.reviews import Content, NewReview
from app.history.verdicts import ReviewState, Verdict
from app.models import Description, Export, ExportEventType
from app.runtime import Runtime
from app.storage import LocalStorage
from tools.patience import until

BY = "sightlog_abcdefgh"
MOMENT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
ALL = DescriptionFilter()


def record(core: Runtime, account_id: int, *ids: str, text: str = "a dog", replaces: bool = False) -> None:
    results = [Result(id=id, source_type="single", created_at=MOMENT, description=text) for id in ids]
    with core.database.write() as session:
        how = OnConflict.REPLACE if replaces else OnConflict.KEEP
        recording.record(session, account_id, results, on_conflict=how)


def create(core: Runtime, account_id: int, wanted: DescriptionFilter = ALL) -> uuid.UUID:
    with core.database.write() as session:
        request = ExportRequest(format=ExportFormat.CSV, filter=wanted, fields=["id"])
        return lifecycle.create(session, account_id, request).id


def run(core: Runtime, account_id: int, id: uuid.UUID) -> None:
    runs.run(core, account_id, id, Event())


def completed(core: Runtime, account_id: int, wanted: DescriptionFilter = ALL) -> uuid.UUID:
    id = create(core, account_id, wanted)
    run(core, account_id, id)
    return id


def row(core: Runtime, account_id: int, id: uuid.UUID) -> Export:
    with core.database.read() as session:
        return lifecycle.get(session, account_id, id)


def content(core: Runtime, account_id: int, id: uuid.UUID) -> list[str]:
    key = row(core, account_id, id).object_key
    assert key is not None
    assert isinstance(core.storage, LocalStorage)
    return core.storage.path(key).read_text().split()[1:]


def told(core: Runtime, account_id: int, id: uuid.UUID) -> list[tuple[str, str | None]]:
    with core.database.read() as session:
        found = events.of(session, account_id, [id])[id]
    return [(one.key_prefix or "", one.message) for one in found if one.type == ExportEventType.ERASED]


def erase(
    core: Runtime, account_id: int, *ids: str, on_files: OnErasure = OnErasure.REMOVE
) -> dict[uuid.UUID, ErasureOutcome]:
    return erasures.erase(core.database, account_id, Choice(ids=ids), on_files, by=BY).outcomes


def test_the_files_that_may_hold_it_are_removed_and_no_others(core: Runtime, account_id: int) -> None:
    record(core, account_id, "a")
    record(core, account_id, "b", text="a cat")
    holding = completed(core, account_id), completed(core, account_id, DescriptionFilter(search=("dog",)))
    limited = completed(core, account_id, DescriptionFilter(exclude_search=("cat",), source_types=("single",)))
    others = (
        completed(core, account_id, DescriptionFilter(search=("cat",))),
        completed(core, account_id, DescriptionFilter(start_date=MOMENT + timedelta(days=1))),
    )
    pending = create(core, account_id)
    paths = {}
    for id in (*holding, limited):
        key = row(core, account_id, id).object_key
        assert key is not None
        assert isinstance(core.storage, LocalStorage)
        paths[id] = core.storage.path(key)
        assert paths[id].exists()
    assert erase(core, account_id, "a") == dict.fromkeys((*holding, limited), ErasureOutcome.REMOVED)
    for id in (*holding, limited):
        found = row(core, account_id, id)
        assert (found.status, found.object_key, found.expired_at is not None) == ("completed", None, True)
        assert told(core, account_id, id) == [(BY, "Results that it may hold were erased: its file was removed.")]
    runs.clean(core, account_id)
    assert not any(path.exists() for path in paths.values())
    for id in others:
        assert content(core, account_id, id) in (["b"], [])
        assert told(core, account_id, id) == []
    run(core, account_id, pending)
    assert content(core, account_id, pending) == ["b"]
    assert told(core, account_id, pending) == []


def test_files_may_be_kept_and_are_told_of_once(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "BATCH", 1)
    record(core, account_id, "a", "b", "c")
    id = completed(core, account_id)
    assert erase(core, account_id, "a", "b", on_files=OnErasure.KEEP) == {id: ErasureOutcome.KEPT}
    assert content(core, account_id, id) == ["c", "b", "a"]
    assert told(core, account_id, id) == [(BY, "Results that it may hold were erased: its file was kept.")]


def test_what_the_filter_saw_then_counts_too(core: Runtime, account_id: int) -> None:
    """Results that were reviewed or replaced since match no more, and lie in the files."""
    record(core, account_id, "reviewed", "replaced")
    open_ = completed(core, account_id, DescriptionFilter(review_states=(ReviewState.UNREVIEWED,)))
    dogs = completed(core, account_id, DescriptionFilter(search=("dog",)))
    with core.database.write() as session:
        reviews.add(session, account_id, BY, [NewReview("reviewed", Content(Verdict.ACCEPTED))])
    record(core, account_id, "replaced", text="a cat", replaces=True)
    later = completed(core, account_id, DescriptionFilter(search=("dog",)))
    assert content(core, account_id, later) == ["reviewed"]
    # As if it had been replaced long before the last of them; the others are older.
    with core.database.write() as session:
        long_before = timedelta(hours=-2)
        ids = {open_: long_before * 3, dogs: long_before * 3, later: timedelta()}
        for id, ago in ids.items():
            at = row(core, account_id, id).snapshot_at
            assert at is not None
            session.connection().execute(update(Export).where(col(Export.id) == id).values(snapshot_at=at + ago))
        replaced_at = lifecycle.clock(session) + long_before
        mine = col(Description.account_id) == account_id, col(Description.replaced_at).is_not(None)
        session.connection().execute(update(Description).where(*mine).values(replaced_at=replaced_at))
    assert set(erase(core, account_id, "replaced")) == {open_, dogs}
    record(core, account_id, "more")
    again = completed(core, account_id, DescriptionFilter(review_states=(ReviewState.ACCEPTED,)))
    assert set(erase(core, account_id, "more")) == {again, later}


def test_what_was_restored_may_have_been_otherwise_in_a_file_that_was_kept(core: Runtime, account_id: int) -> None:
    record(core, account_id, "a")
    id = completed(core, account_id, DescriptionFilter(search=("dog",)))
    assert erase(core, account_id, "a", on_files=OnErasure.KEEP) == {id: ErasureOutcome.KEPT}
    results = [Result(id=id, source_type="single", created_at=MOMENT, description="a cat") for id in "ab"]
    with core.database.write() as session:
        recording.record(session, account_id, results, on_erased=OnErased.RESTORE)
    assert erase(core, account_id, "b") == {}
    assert erase(core, account_id, "a") == {id: ErasureOutcome.REMOVED}


def test_more_filters_than_are_compared_may_all_hold_it(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "MAX_COMPARED", 2)
    record(core, account_id, "a")
    ids = [completed(core, account_id, DescriptionFilter(types=(f"t{place}",))) for place in range(4)]
    found = erase(core, account_id, "a")
    assert len(found) == 2
    assert set(found) < set(ids)


@pytest.mark.parametrize("wanted", [ALL, DescriptionFilter(search=("dog",))])
def test_one_that_runs_cannot_be_completed_and_begins_anew(
    core: Runtime, account_id: int, wanted: DescriptionFilter
) -> None:
    record(core, account_id, "a", "b")
    id = create(core, account_id, wanted)
    with core.database.write() as session:
        held = claims.claim(session, account_id, id, at_a_time=1)
    assert held
    assert erase(core, account_id, "a") == {id: ErasureOutcome.RESTARTED}
    assert told(core, account_id, id) == [(BY, "Results that it may hold were erased: it begins anew.")]
    with core.database.write() as session:
        receipt = Receipt(2, 1, "00" * 32, lifecycle.clock(session))
        assert not claims.renew(session, held, rows_written=1, rows_total=2)
        assert not claims.complete(session, held, receipt, object_key=files.object_key(held.export))
        assert claims.to_send(session, at_a_time=1, account_id=account_id) == []  # its thread is not free yet
        claims.let_go(session, held)
        assert claims.to_send(session, at_a_time=1, account_id=account_id) == [(account_id, id)]
    run(core, account_id, id)
    assert content(core, account_id, id) == ["b"]
    assert row(core, account_id, id).attempt == 2


def test_its_worker_stops_by_itself(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its snapshot, and is erased from before the first row is read."""
    record(core, account_id, "a", "b")
    id, began, go_on = create(core, account_id), Event(), Event()
    real = Selection.count

    def slow(selection: Selection, session: Session, at_most: int | None) -> Any:
        found = real(selection, session, at_most)
        began.set()
        go_on.wait()
        return found

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as threads:
        patch.setattr(Selection, "count", slow)
        running = threads.submit(runs.run, core, account_id, id, Event())
        began.wait()
        assert erase(core, account_id, "a") == {id: ErasureOutcome.RESTARTED}
        go_on.set()
        assert running.result() == [(account_id, id)]
    assert row(core, account_id, id).object_key is None
    run(core, account_id, id)
    assert content(core, account_id, id) == ["b"]


def test_one_that_is_claimed_meanwhile_sees_what_is_left(core: Runtime, account_id: int) -> None:
    """A pending export that a worker claims between the look at exports and the end of the transaction."""
    record(core, account_id, "a", "b")
    id = create(core, account_id)
    with ThreadPoolExecutor(1) as threads:
        running: list[Future[Any]] = []

        def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("DELETE FROM descriptions") and not running:
                running.append(threads.submit(runs.run, core, account_id, id, Event()))
                if not core.database.is_sqlite:
                    until(lambda: running[0].done() or waits(core), 10)

        listening(core, before, lambda: erase(core, account_id, "a"))
        running[0].result()
    assert content(core, account_id, id) == ["b"]
    assert told(core, account_id, id) == []


def test_one_that_is_completed_meanwhile_is_dealt_with(core: Runtime, account_id: int) -> None:
    """A running export that its worker completes between the look at exports and the lock of its row."""
    record(core, account_id, "a", "b")
    id = create(core, account_id)
    with core.database.write() as session:
        held = claims.claim(session, account_id, id, at_a_time=1)
    assert held
    if core.database.is_sqlite:
        pytest.skip("Nobody writes beside another.")
    done: list[bool] = []

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM exports" in statement and "FOR UPDATE" in statement and not done:
            with core.database.write() as session:
                receipt = Receipt(2, 1, "00" * 32, lifecycle.clock(session))
                done.append(claims.complete(session, held, receipt, object_key=files.object_key(held.export)))

    outcomes = listening(core, before, lambda: erase(core, account_id, "a"))
    assert (done, outcomes) == ([True], {id: ErasureOutcome.REMOVED})
    assert row(core, account_id, id).object_key is None


def listening(core: Runtime, before: Callable[..., None], work: Callable[[], Any]) -> Any:
    """Does the work, and calls `before` with each of its statements."""
    listened = core.database._writer, "before_cursor_execute", before
    event.listen(*listened)
    try:
        return work()
    finally:
        event.remove(*listened)


def waits(core: Runtime) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    with core.database.read() as session:
        return bool(session.connection().scalar(text(query)))
