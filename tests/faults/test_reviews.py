"""A server that is killed while it writes reviews leaves all of a call, or nothing."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, func, select

from app.history import rollup
from app.models import Description, Review
from tests.conftest import ENGINES, Account
from tests.faults.site import Site, site

pytestmark = pytest.mark.xdist_group("faults")

COUNT = 10_000
MATCHING = f"mutation {{ reviewMatching(expectedCount: {COUNT}, verdict: REJECTED) {{ reviewed }} }}"


def ask(account: Account) -> bool:
    """Whether the server told that it was done."""
    try:
        answer = account.client.post("/graphql", json={"query": MATCHING}).json()
    except httpx.TransportError:
        return False
    return bool(answer["data"] == {"reviewMatching": {"reviewed": COUNT}})


def found(killed: Site) -> tuple[int, int, int, int]:
    """How many reviews there are, the most of one result, how many rows show one, and the revision of the history."""
    with killed.database.read() as session:
        number = col(Review.number)
        total, most = session.exec(select(func.count(), func.coalesce(func.max(number), 0)).select_from(Review)).one()
        shown = session.exec(select(func.count()).where(col(Description.review_state).is_not(None))).one()
        revision = killed.database.answer_in(session, rollup.ask_revision(killed.history.id))
    return total, most, shown, revision


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_killed_in_the_middle_leaves_no_half(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    settings = {}
    if engine == "servers":
        settings = {"SIGHTLOG_DATABASE_URL": request.getfixturevalue("real_servers").postgres.create_database("halves")}
    with site(tmp_path, settings, rows=COUNT) as killed, ThreadPoolExecutor(1) as threads:
        _, _, _, first = found(killed)
        times, took = 0, 2.0
        for kill in itertools.count():
            began = time.monotonic()
            asked = threads.submit(ask, killed.history)
            if kill % 2:
                time.sleep(random.uniform(0, took))
                killed.stack.api_processes[0].kill()
            told = asked.result()
            took = took if kill % 2 else time.monotonic() - began
            if kill % 2:
                killed.stack.serve(0)
                killed.stack.wait_until_ready()
            reviews, most, shown, revision = found(killed)
            assert reviews == COUNT * most
            assert most - times in ((1,) if told else (0, 1))
            assert (shown, revision - first) == (COUNT if most else 0, most)
            times = most
            if kill == 9:
                break
