"""Which index SQLite looks into, and what is found there on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from app.engine.db import Database
from app.exports.statement import Selection
from app.history import filters
from app.history.filters import DescriptionFilter
from app.history.metadata import MetadataCondition
from app.migrations import migrate
from app.runtime import Runtime
from tests.conftest import Account

IMAGE, SOURCE = DescriptionFilter(image_ids=("a", "b")), DescriptionFilter(source_ids=("a",))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    migrate.upgrade(database)
    yield database
    database.dispose()


@pytest.mark.parametrize(("wanted", "index"), [(IMAGE, "ix_descriptions_image"), (SOURCE, "ix_descriptions_source")])
def test_results_of_few_images_are_looked_up(fresh: Database, wanted: DescriptionFilter, index: str) -> None:
    said: list[str] = []
    with fresh.read() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        bounded = replace(wanted, end_date=datetime(2025, 1, 1, tzinfo=UTC))
        for selection in (Selection(1, wanted, ["id"], 10), Selection(1, bounded, ["id"], 10)):
            connection.execute(selection.texts())
        Selection(1, wanted, ["id"]).count(session, None)
        plans = [explained(connection, asked) for asked in list(said)]
    assert [f"INDEX {index} (account_id=? AND" in plan for plan in plans] == [True] * 3


def explained(connection: Any, asked: str) -> str:
    values = ("x",) * asked.count("?")
    return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values))


PAGES = """query($filter: DescriptionFilter, $after: String, $before: String) {
    newest: descriptions(filter: $filter, first: 2, after: $after) { totalCount nodes { id } pageInfo {
        startCursor endCursor hasNextPage hasPreviousPage } }
    oldest: descriptions(filter: $filter, last: 2, before: $before) { nodes { id } pageInfo { hasNextPage } } }"""


@pytest.mark.parametrize("name", ["imageIds", "sourceIds"])
def test_pages_of_images_and_sources(account: Account, name: str) -> None:
    field = name.removesuffix("s")
    account.record(*({"id": f"{place}", field: "ab"[place % 2]} for place in range(10)), {"id": "without"})
    told = account.graphql(PAGES, filter={name: ["b", "c"]})
    newest, oldest = told["newest"], told["oldest"]
    assert newest["totalCount"] == 5
    assert [node["id"] for node in newest["nodes"]] == ["9", "7"]
    assert [node["id"] for node in oldest["nodes"]] == ["3", "1"]
    cursor = newest["pageInfo"]["endCursor"]
    told = account.graphql(PAGES, filter={name: ["b", "c"]}, after=cursor, before=cursor)
    assert [node["id"] for node in told["newest"]["nodes"]] == ["5", "3"]
    assert told["newest"]["pageInfo"]["hasPreviousPage"] is True
    assert [node["id"] for node in told["oldest"]["nodes"]] == ["9"]
    assert told["oldest"]["pageInfo"]["hasNextPage"] is True


def test_an_operator_may_make_an_index_of_metadata(core: Runtime, account_id: int) -> None:
    if core.database.is_sqlite:
        pytest.skip("SQLite has no index of all paths")
    wanted = DescriptionFilter(metadata=(MetadataCondition.of("a.b", "c"),))
    with core.database.write() as session:
        make = "CREATE INDEX ix_descriptions_metadata ON descriptions USING gin (metadata jsonb_path_ops)"
        session.connection().execute(text(make))
    try:
        assert migrate.check(core.database) == []
        with core.database.read() as session:
            session.connection().execute(text("SET LOCAL enable_seqscan = off"))
            condition = filters.conditions(account_id, wanted)[-1].compile(dialect=session.connection().dialect)
            ask = f"EXPLAIN SELECT FROM descriptions WHERE {condition}"
            plan = session.connection().exec_driver_sql(ask, condition.params).scalars().all()
        assert any("ix_descriptions_metadata" in line for line in plan)
    finally:
        with core.database.write() as session:
            session.connection().execute(text("DROP INDEX ix_descriptions_metadata"))
