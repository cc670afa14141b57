"""Each way that was made fast says what the plain way says: at every moment, and for every selection."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from app import jsontext
from app.engine import dialects
from app.engine.db import Database
from app.history import recording
from app.history.recording import Result
from tests.conftest import Account, only_servers


def fill(account: Account, database: Database, values: list[dict[str, Any]]) -> None:
    """From this process, behind the back of those that serve."""
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(value) for value in values])


def test_totals_that_were_told_once_are_told_anew_after_every_recording(account: Account, database: Database) -> None:
    query = "/api/v2/data/descriptions?limit=1000&source_types=single&min_confidence=0.5"
    for recorded in range(1, 20):
        moment = f"2025-01-{recorded:02}T10:00:00Z"
        values = {"source_type": "single", "created_at": moment, "confidence_score": 0.7}
        fill(account, database, [values | {"id": f"r{recorded}"}])
        for _ in range(2):
            answer = account.client.get(query).json()
            statistics = answer["statistics"]
            assert answer["total_count"] == statistics["total_count"] == len(answer["items"]) == recorded
            assert len(statistics["daily_counts"]) == recorded
            connection = account.graphql("{ descriptions(first: 1) { totalCount } statistics { totalCount } }")
            assert connection == {"descriptions": {"totalCount": recorded}, "statistics": {"totalCount": recorded}}


def test_a_page_and_its_totals_belong_to_one_moment_while_others_record(account: Account, database: Database) -> None:
    batches, client = 40, account.client

    def write(number: int) -> None:
        values = {"source_type": "single", "created_at": f"2025-01-{1 + number % 28:02}T10:00:00Z"}
        fill(account, database, [values | {"id": f"r{number}_{place}"} for place in range(5)])

    def read(number: int) -> int:
        # An offset that may lie behind the last one, too.
        offset = (number % 3) * 30
        answer = client.get("/api/v2/data/descriptions", params={"limit": 1000, "offset": offset}).json()
        total: int = answer["total_count"]
        shown = len(answer["items"])
        assert shown == max(0, total - offset)
        assert sum(day["count"] for day in answer["statistics"]["daily_counts"]) == total
        assert total % 5 == 0
        return total

    with ThreadPoolExecutor(2) as writers, ThreadPoolExecutor(4) as readers:
        written = [writers.submit(write, number) for number in range(batches)]
        totals = [readers.submit(read, number) for number in range(3 * batches)]
        for future in written:
            future.result()
        for total in totals:
            assert total.result() <= batches * 5
    assert read(0) == batches * 5


_TEXTS = st.text(alphabet=list('a":, []{}\\é\n'), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@only_servers
@given(values=st.lists(_VALUES, min_size=20, max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_takes_out_of_json_what_we_would_not_write(database: Database, values: list[Any]) -> None:
    texts = [jsontext.canonical(value) for value in values]
    given_values = func.jsonb_array_elements(cast(values, JSONB)).column_valued("given")
    with database.read() as session:
        compacted = session.connection().scalars(select(dialects.compact(given_values))).all()
    assert compacted == texts
