"""What is erased is gone and stays away, and everything is counted right: whatever else is done, by however many."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from app.errors import Conflict, InvalidInput, NotFound
from app.exports import erasures
from app.exports.erasures import OnErasure
from app.history import erasing, recording, reviews, rollup
from app.history.erasing import Choice
from app.history.filters import DescriptionFilter
from app.history.recording import OnConflict, OnErased, RecordOutcome, Result
from app.history.reviews import Content, NewReview
from app.history.statistics import Cache
from app.history.verdicts import ReviewState, Verdict
from app.models import Description, Erased, Review
from app.runtime import Runtime

BY = "sightlog_abcdefgh"
MOMENT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
IDS = "abcdefgh"
LOWER = "abcd"
"""Results of the lower half have other days, scores, images and texts than those of the upper."""


def result(id: str, text: str | None = None) -> Result:
    is_low = id[0] in LOWER
    return Result(
        id=id,
        source_type="single",
        created_at=MOMENT + timedelta(days=ord(id[0]) % 3),
        image_id="low" if is_low else "high",
        confidence_score=(0.2 if is_low else 0.9) if id[0] != "a" else None,
        description=text or f"text of {id}",
    )


def record(core: Runtime, account_id: int, *ids: str, **how: Any) -> recording.Recorded:
    with core.database.write() as session:
        return recording.record(session, account_id, [result(id) for id in ids], **how)


def erase(core: Runtime, account_id: int, **chosen: Any) -> int:
    return erasures.erase(core.database, account_id, Choice(**chosen), OnErasure.REMOVE, by=BY).erased


def look(core: Runtime, account_id: int) -> tuple[set[str], set[str], dict[str, int]]:
    """The ids that are there, those that were erased, and how many reviews results have."""
    with core.database.read() as session:
        there = set(session.exec(select(Description.id).where(Description.account_id == account_id)))
        erased = set(session.exec(select(Erased.id).where(Erased.account_id == account_id)))
        reviewed = session.exec(select(Review.description_id).where(Review.account_id == account_id)).all()
        differences = rollup.differences(session, account_id)
    assert differences == []
    assert there & erased == set()
    return there, erased, {id: reviewed.count(id) for id in reviewed}


some = st.lists(st.sampled_from(IDS), min_size=1, max_size=5, unique=True)
STEPS = st.one_of(
    *(st.tuples(st.just(step), some) for step in ("record", "restore", "replace", "review", "ids", "wrongly")),
    st.tuples(st.sampled_from(["images", "low", "unreviewed"]), st.just(["low"])),
)


@given(steps=st.lists(STEPS, max_size=10), batch=st.sampled_from([1, 3, 1000]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_it_is_as_an_independent_model_says(
    core: Runtime, steps: list[tuple[str, list[str]]], batch: int
) -> None:
    account_id, other_id = (10**9 + uuid.uuid4().int % 10**9 for _ in range(2))
    model, erased = dict.fromkeys(IDS, 0), set[str]()
    """The reviews of each result that is there, and the ids that were erased."""
    for each in (account_id, other_id):
        record(core, each, *IDS)
    cache = Cache(10**6)

    def gone(ids: list[str], count: int) -> None:
        assert count == len(ids)
        erased.update(ids)
        for id in ids:
            del model[id]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasing, "BATCH", batch)
        for step, ids in steps:
            there = [id for id in ids if id in model]
            if step in ("record", "restore", "replace"):
                how: dict[str, Any] = {"on_erased": OnErased.RESTORE} if step == "restore" else {}
                how |= {"on_conflict": OnConflict.REPLACE} if step == "replace" else {}
                told = record(core, account_id, *ids, **how)
                left_out = [id for id in ids if id in erased and step != "restore"]
                new = [id for id in ids if id not in model and id not in left_out]
                assert (told.recorded, told.already_known, told.erased) == (len(new), len(there), len(left_out))
                assert told.ids == tuple(id for id in ids if id not in left_out)
                assert [row.id for row in told.rows() if row.outcome is RecordOutcome.ERASED] == left_out
                erased.difference_update(new)
                model.update(dict.fromkeys(new, 0))
            elif step == "review":
                given_ = [NewReview(id, Content(Verdict.REJECTED)) for id in there]
                with core.database.write() as session:
                    reviews.add(session, account_id, BY, given_)
                for id in there:
                    model[id] += 1
            elif step == "ids":
                gone(there, erase(core, account_id, ids=ids))
                erased.update(ids)
            elif step == "images":
                gone([id for id in model if id in LOWER], erase(core, account_id, image_ids=ids))
            elif step == "wrongly":
                with pytest.raises(Conflict):
                    erase(core, account_id, filter=DescriptionFilter(), expected_count=len(model) + 1)
            else:
                wanted, found = DescriptionFilter(max_confidence=0.5), [id for id in model if id in LOWER[1:]]
                if step == "unreviewed":
                    wanted = DescriptionFilter(review_states=(ReviewState.UNREVIEWED,))
                    found = [id for id in model if not model[id]]
                gone(found, erase(core, account_id, filter=wanted, expected_count=len(found)))
            reviewed = {id: number for id, number in model.items() if number}
            assert look(core, account_id) == (set(model), erased, reviewed)
            for searched in ((), ("text of",)):
                wanted = DescriptionFilter(search=searched)
                found_now = core.database.answer_now(cache.ask(account_id, wanted, with_reviews=True))
                assert found_now.total_count == len(model)
                assert found_now.review_counts is not None
                counts = {one.state: one.count for one in found_now.review_counts}
                assert counts[ReviewState.REJECTED] == len(reviewed)
    assert look(core, other_id) == (set(IDS), set(), {})


def both(*work: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(work)) as threads:
        return [future.result() for future in [threads.submit(one) for one in work]]


def test_of_two_erasures_at_once_each_result_is_erased_by_one(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "BATCH", 20)
    ids = [f"r{place:03}" for place in range(200)]
    record(core, account_id, *ids)
    orders = [random.Random(seed).sample(ids, 150) for seed in (1, 2, 3)]
    told = both(*(partial(erase, core, account_id, ids=order) for order in orders))
    erased = {id for order in orders for id in order}
    assert sum(told) == len(erased)
    assert look(core, account_id) == (set(ids) - erased, erased, {})


def test_an_erasure_and_a_recording_of_the_same_ids_come_one_after_the_other(core: Runtime, account_id: int) -> None:
    """Whoever is first: a result that is told as recorded is there until it is erased, and never back after that."""
    for turn in range(25):
        ids = [f"r{turn}-{place}" for place in range(10)]
        record(core, account_id, *ids[:5])
        erased, told = both(partial(erase, core, account_id, ids=ids), partial(record, core, account_id, *ids))
        assert (erased, told.recorded, told.erased) in [(10, 5, 0), (5, 0, 10)]
        there, tombstones, _ = look(core, account_id)
        assert there == set()
        assert tombstones >= set(ids)


def test_who_reviews_what_is_being_erased_comes_before_or_too_late(core: Runtime, account_id: int) -> None:
    def review(id: str) -> bool:
        try:
            with core.database.write() as session:
                reviews.add(session, account_id, BY, [NewReview(id, Content(Verdict.ACCEPTED))])
        except NotFound:
            return False
        return True

    for turn in range(10):
        record(core, account_id, f"r{turn}")
        both(partial(review, f"r{turn}"), partial(erase, core, account_id, ids=[f"r{turn}"]))
        assert look(core, account_id)[2] == {}


def test_what_breaks_off_between_batches_leaves_whole_batches(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(core, account_id, *IDS)
    monkeypatch.setattr(erasing, "BATCH", 3)
    real, calls = erasing.take, list[int]()

    def breaks(*given: Any) -> None:
        real(*given)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    everything = {"filter": DescriptionFilter(), "expected_count": len(IDS)}
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "take", breaks)
        with pytest.raises(KeyboardInterrupt):
            erase(core, account_id, **everything)
    assert look(core, account_id) == (set(IDS[3:]), set(IDS[:3]), {})
    with pytest.raises(Conflict, match="5 results match by now, not 8: look at them again"):
        erase(core, account_id, **everything)
    assert erase(core, account_id, **everything | {"expected_count": 5}) == 5
    assert look(core, account_id) == (set(), set(IDS), {})


def test_what_no_longer_matches_is_left_alone(core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reviews it between the look and the erasure."""
    record(core, account_id, "a", "b")
    real = erasing.choose

    def looks(*given: Any) -> list[str]:
        found = real(*given)
        with core.database.write() as session:
            reviews.add(session, account_id, BY, [NewReview("a", Content(Verdict.ACCEPTED))])
        return found

    monkeypatch.setattr(erasing, "choose", looks)
    wanted = DescriptionFilter(review_states=(ReviewState.UNREVIEWED,))
    assert erase(core, account_id, filter=wanted, expected_count=2) == 1
    assert look(core, account_id) == ({"a"}, {"b"}, {"a": 1})


@pytest.mark.parametrize(
    ("chosen", "field", "message"),
    [
        ({}, "ids", "Say what to erase in exactly one way: ids, imageIds or filter."),
        ({"ids": ["a"], "image_ids": ["i"]}, "ids", "exactly one way"),
        ({"ids": ["a"], "filter": DescriptionFilter()}, "ids", "exactly one way"),
        ({"filter": DescriptionFilter()}, "expected_count", "say in expectedCount how many"),
        ({"ids": ["a", "b\0"]}, "ids.1", "none of them NUL"),
        ({"ids": ["x" * 256]}, "ids.0", "1 to 255 characters"),
        ({"filter": DescriptionFilter(), "expected_count": 10_001}, "expected_count", "0 to 10000 results"),
        ({"filter": DescriptionFilter(), "expected_count": -1}, "expected_count", "0 to 10000 results"),
        ({"ids": [f"r{place}" for place in range(10_001)]}, "ids", "At most 10000 results"),
    ],
)
def test_what_cannot_be_meant_erases_nothing(
    core: Runtime, account_id: int, chosen: dict[str, Any], field: str, message: str
) -> None:
    record(core, account_id, "a")
    with pytest.raises(InvalidInput, match=message) as refused:
        erase(core, account_id, **chosen)
    assert refused.value.field == field
    assert look(core, account_id) == ({"a"}, set(), {})


def test_who_erased_it_and_when_is_kept_and_nothing_else(core: Runtime, account_id: int) -> None:
    record(core, account_id, "a")
    erase(core, account_id, ids=["a"])
    with core.database.read() as session:
        [first] = session.exec(select(Erased).where(Erased.account_id == account_id)).all()
        assert (first.id, first.key_prefix, abs(first.at - datetime.now(UTC)) < timedelta(minutes=5)) == ("a", BY, True)
    erase(core, account_id, ids=["a", "unknown"])
    with core.database.read() as session:
        again = session.exec(select(Erased).where(Erased.account_id == account_id).order_by(col(Erased.id))).all()
        assert [(one.id, one.at == first.at) for one in again] == [("a", True), ("unknown", False)]
