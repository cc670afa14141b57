"""States and counts follow the reviews: whatever is reviewed, by however many at once, and through which index."""

import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlmodel import Session, col, select

from app.engine.db import Database
from app.errors import Conflict, SightlogError
from app.history import recording, reviews, rollup
from app.history.filters import DescriptionFilter
from app.history.orders import DescriptionOrderField, Order, SortDirection
from app.history.page_query import page
from app.history.pagination import Pagination
from app.history.projection import Made, Object, Projection
from app.history.recording import Result
from app.history.reviews import Content, NewReview
from app.history.statistics import Cache
from app.history.verdicts import ReviewState, Verdict
from app.migrations import migrate
from app.models import Description, Review
from app.runtime import Runtime
from tests.conftest import both_engines

BY = "sightlog_abcdefgh"
MOMENT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
IDS = "abcdef"
OPEN = DescriptionFilter(review_states=(ReviewState.UNREVIEWED,))


def fill(core: Runtime, account_id: int, *ids: str) -> None:
    results = [
        Result(id=id, source_type="single", created_at=MOMENT, confidence_score=ord(id[0]) % 10 / 10) for id in ids
    ]
    with core.database.write() as session:
        recording.record(session, account_id, results)


def say(core: Runtime, account_id: int, verdict: Verdict, *ids: str) -> None:
    content = Content(verdict, "x" if verdict is Verdict.CORRECTED else None)
    with core.database.write() as session:
        reviews.add(session, account_id, BY, [NewReview(id, content) for id in ids])


def kept(session: Session, account_id: int) -> dict[str, list[str]]:
    """The verdicts on each result, oldest first; its row shows the last of them."""
    found = select(Review).where(Review.account_id == account_id).order_by(col(Review.number))
    verdicts: dict[str, list[Review]] = {}
    for review in session.exec(found):
        verdicts.setdefault(review.description_id, []).append(review)
    for row in session.exec(select(Description).where(Description.account_id == account_id)):
        mine = verdicts.setdefault(row.id, [])
        assert [review.number for review in mine] == list(range(1, len(mine) + 1))
        assert [review.at for review in mine] == sorted(review.at for review in mine)
        shown = (row.review_state, (row.review or {}).get("verdict"))
        assert shown == ((mine[-1].verdict,) * 2 if mine else (None, None))
    return {id: [review.verdict for review in found] for id, found in verdicts.items()}


Step = tuple[str, Any, Verdict]
MANY = st.tuples(st.just("some"), st.lists(st.sampled_from(IDS), max_size=4, unique=True), st.sampled_from(Verdict))
MATCHING = st.tuples(
    st.just("matching"),
    st.lists(st.sampled_from(ReviewState), max_size=3),
    st.sampled_from([Verdict.ACCEPTED, Verdict.REJECTED]),
)


@given(steps=st.lists(MANY | MATCHING, max_size=8), asked=st.lists(st.sampled_from(ReviewState), max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_states_and_counts_are_those_of_the_newest_reviews(
    core: Runtime, steps: list[Step], asked: list[ReviewState]
) -> None:
    account_id, said = 10**9 + uuid.uuid4().int % 10**9, dict[str, list[str]]((id, []) for id in IDS)
    fill(core, account_id, *IDS)
    cache = Cache(10**6)

    def state(id: str) -> ReviewState:
        return ReviewState(said[id][-1]) if said[id] else ReviewState.UNREVIEWED

    def of(states: list[ReviewState]) -> list[str]:
        return [id for id in IDS if not states or state(id) in states]

    for how, given_, verdict in steps:
        if how == "some":
            ids = given_
            say(core, account_id, verdict, *ids)
        else:
            ids, wanted = of(given_), DescriptionFilter(review_states=tuple(given_))
            with core.database.write() as session:
                count = reviews.add_to_matches(session, account_id, BY, wanted, len(ids), verdict)
            assert count == len(ids)
        for id in ids:
            said[id].append(verdict.value)
        for states in ([], asked, list(ReviewState)[:1]):
            found = core.database.answer_now(
                cache.ask(account_id, DescriptionFilter(review_states=tuple(states)), with_reviews=True)
            )
            matching = of(states)
            assert found.total_count == sum(found.count for found in found.confidence_distribution) == len(matching)
            assert found.review_counts is not None
            counts = {one.state: one.count for one in found.review_counts}
            assert counts == {one: sum(state(id) is one for id in matching) for one in ReviewState}
    with core.database.read() as session:
        assert kept(session, account_id) == said
        assert rollup.differences(session, account_id) == []


def both(*work: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(work)) as threads:
        return [future.result() for future in [threads.submit(one) for one in work]]


def test_two_who_review_at_once_both_have_their_say(core: Runtime, account_id: int) -> None:
    ids = [f"r{place:02}" for place in range(30)]
    fill(core, account_id, *ids)

    def one(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(15):
            say(core, account_id, chance.choice(list(Verdict)), *chance.sample(ids, 20))

    both(lambda: one(1), lambda: one(2), lambda: one(3))
    with core.database.read() as session:
        assert sum(map(len, kept(session, account_id).values())) == 3 * 15 * 20


def test_of_two_who_review_all_that_is_open_one_comes_too_late(core: Runtime, account_id: int) -> None:
    ids = [f"r{place:03}" for place in range(200)]
    fill(core, account_id, *ids)

    def one(verdict: Verdict) -> int | str:
        try:
            with core.database.write() as session:
                return reviews.add_to_matches(session, account_id, BY, OPEN, len(ids), verdict)
        except Conflict as error:
            return error.message

    told = {200, "0 results match by now, not 200: look at them again."}
    assert set(both(lambda: one(Verdict.ACCEPTED), lambda: one(Verdict.REJECTED))) == told
    with core.database.read() as session:
        found = kept(session, account_id)
    assert len(set(map(tuple, found.values()))) == 1
    assert set(map(len, found.values())) == {1}


def test_who_records_meanwhile_is_not_reviewed(core: Runtime, account_id: int) -> None:
    """Between the look and the review another result comes, where the engine lets it."""
    fill(core, account_id, "a", "b")
    with core.database.write() as session:
        if not core.database.is_sqlite:
            listened = session.connection(), "before_cursor_execute", _once(lambda: fill(core, account_id, "c"))
            event.listen(*listened)
        assert reviews.add_to_matches(session, account_id, BY, OPEN, 2, Verdict.REJECTED) == 2
    with core.database.read() as session:
        found = kept(session, account_id)
    assert found == {"a": ["rejected"], "b": ["rejected"]} | ({} if core.database.is_sqlite else {"c": []})


def _once(work: Callable[[], None]) -> Callable[..., None]:
    """Does it before the first statement that locks rows."""
    left = [work]

    def before(*given: Any) -> None:
        if left and "FOR UPDATE" in given[2]:
            left.pop()()

    return before


def test_what_fails_leaves_nothing(core: Runtime, account_id: int) -> None:
    fill(core, account_id, *IDS)
    before = core.database.answer_now(rollup.ask_revision(account_id))
    for ids in (["a", "nobody"], ["a", "a"]):
        with pytest.raises(SightlogError):
            say(core, account_id, Verdict.REJECTED, *ids)
    with core.database.read() as session:
        assert kept(session, account_id) == {id: [] for id in IDS}
    assert core.database.answer_now(rollup.ask_revision(account_id)) == before


def test_each_review_raises_the_revision(core: Runtime, account_id: int) -> None:
    fill(core, account_id, "a", "b")
    revisions = [core.database.answer_now(rollup.ask_revision(account_id))]
    for verdict in Verdict:
        say(core, account_id, verdict, "a", "b")
        revisions.append(core.database.answer_now(rollup.ask_revision(account_id)))
    assert revisions == [revisions[0] + place for place in range(4)]


# Which index is looked into

ROWS = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
    INSERT INTO descriptions (account_id, id, type, status, source_type, created_at, confidence_score, metadata,
        review_state)
    SELECT 1, 'r' || n, 'rule', 'completed', 'batch', '2025-01-01T00:00:00.000000Z', (n % 100) / 100.0, '{}',
        CASE WHEN n % 200 = 0 THEN 'rejected' WHEN n % 200 = 1 THEN 'accepted' END
    FROM numbers"""


@pytest.fixture(scope="module", params=both_engines)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('filled') / 'sightlog.db'}"
    if request.param == "servers":
        url = request.getfixturevalue("real_servers").postgres.create_database("reviewed")
    database = Database(url)
    migrate.upgrade(database)
    with database.write() as session:
        cast = "" if database.is_sqlite else "::timestamptz"
        statement = ROWS.replace("000Z',", f"000Z'{cast},").replace(
            "'{}'", "'{}'" if database.is_sqlite else "'{}'::jsonb"
        )
        session.connection().execute(text(statement))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not database.is_sqlite:
            connection.execute(text("VACUUM ANALYZE descriptions"))
    yield database
    database.dispose()


def plan(database: Database, query: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    statement, values = database._texts.statement(query)
    with closing(database.engine.raw_connection()) as pooled:
        driver: Any = pooled.driver_connection
        rows = driver.execute(explain + statement, values).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("states", [("rejected",), ("accepted", "rejected")])
def test_the_rejected_are_looked_up(filled: Database, states: tuple[Any, ...]) -> None:
    wanted = DescriptionFilter(review_states=states)
    shown = Projection((("nodes", Object((("state", Made.REVIEW_STATE),))),))
    asked = page(1, wanted, Pagination(limit=50), shown, None, 10**6)
    assert "ix_descriptions_reviewed" in plan(filled, asked)


def test_the_queue_skips_in_the_index_what_was_reviewed(filled: Database) -> None:
    shown = Projection((("nodes", Object((("state", Made.REVIEW_STATE),))),))
    order = Order(DescriptionOrderField.CONFIDENCE, SortDirection.ASC)
    told = plan(filled, page(1, OPEN, Pagination(limit=50, order=order), shown, None, 10**6))
    assert "ix_descriptions_certainty" in told
    skipped = [line for line in told.splitlines() if "review_state IS NULL" in line]
    if not filled.is_sqlite:  # which does not tell
        assert len(skipped) > 0
        assert all("Index Cond" in line for line in skipped)


def test_the_reviewed_are_counted_and_the_others_are_not(filled: Database) -> None:
    """Totals of what is open, and how many are in each state, look at the kept totals and at what was reviewed."""
    for wanted in (DescriptionFilter(), OPEN):
        asked = rollup._totals_query(1, wanted, with_verdicts=True)
        told = plan(filled, asked)
        assert "ix_descriptions_reviewed" in told
        assert "ix_descriptions_newest" not in told
        assert "Seq Scan on descriptions" not in told
        assert "SCAN descriptions" not in told
    with filled.write() as session:
        rollup.rebuild(session)
    found = filled.answer_now(Cache(10**6).ask(1, OPEN, with_reviews=True))
    assert found.total_count == 19_800
    assert found.review_counts is not None
    assert [one.count for one in found.review_counts] == [19_800, 0, 0, 0]
