"""While an upgrade rolls, processes of the last release go on with the new schema; and no revision is in their way."""

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, text

from app.engine.db import Database
from app.errors import Unavailable
from app.history import rollup
from app.migrations import migrate
from tests.commands import sightlog
from tests.conftest import both_engines
from tests.migrations import last_release
from tools import patience
from tools.patience import until
from tools.stack import Stack

EXPORT = "6b0b6a3e41f94a3e8c5f0a0a7d1e2f30"
GROUP = """
INSERT INTO statistics_groups (account_id, day, source_type, type, status, bin, count, units)
VALUES (1, '2025-01-15', 'single', 'rule', 'completed', :bin, 1, 0)
ON CONFLICT (account_id, day, source_type, type, status, bin) DO UPDATE SET count = statistics_groups.count + 1"""
PARTITIONED = """
CREATE TABLE whole (LIKE descriptions INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY (account_id, id))
    PARTITION BY HASH (account_id);
DROP TABLE descriptions;
ALTER TABLE whole RENAME TO descriptions;
CREATE INDEX ix_descriptions_newest ON descriptions (account_id, created_at, id, source_type, confidence_score)
    INCLUDE (status);
CREATE INDEX ix_descriptions_score ON descriptions (account_id, confidence_score);
CREATE INDEX ix_descriptions_search ON descriptions USING gin (search_text gin_trgm_ops);
CREATE TABLE descriptions_p0 PARTITION OF descriptions FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE descriptions_p1 PARTITION OF descriptions FOR VALUES WITH (MODULUS 2, REMAINDER 1)"""

only_servers = [pytest.param("servers", marks=pytest.mark.xdist_group("servers"))]

_numbers = count(1)


@pytest.fixture(params=both_engines)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own; nothing runs yet, and its database is empty."""
    settings = {"SIGHTLOG_RATE_LIMIT": "0"}
    if request.param == "servers":
        name = f"rolling{next(_numbers)}"
        settings["SIGHTLOG_DATABASE_URL"] = request.getfixturevalue("real_servers").postgres.create_database(name)
    opened = Stack(tmp_path, settings)
    yield opened
    opened.stop()


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """At the schema of the last release."""
    opened = Database(stack.database_url)
    migrate.upgrade(opened, last_release.REVISION)
    with opened.write() as session:
        session.connection().execute(
            text("INSERT INTO accounts (id, name, created_at) VALUES (1, 'first', '2025-01-01T00:00:00.000000Z')")
        )
    yield opened
    opened.dispose()


def test_the_last_release_works_on_while_the_new_one_serves(stack: Stack, database: Database) -> None:
    key = f"sightlog_{'k' * 8}{'s' * 40}"
    with database.write() as session:
        last_release.create_key(session.connection(), 1, key[:17], hashlib.sha256(key.encode()).hexdigest())
    recorded(database, "a")
    migrate.upgrade(database)
    stack.add_api()
    stack.wait_until_ready()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=patience.seconds(30)) as client:
        assert listed(client) == (1, ["a"])
        recorded(database, "b", "c")
        assert listed(client) == (3, ["c", "b", "a"])
        with database.write() as session:
            last_release.ask_for_export(session.connection(), 1, EXPORT)
        until(lambda: export(client)["status"] == "completed", 30)
        assert httpx.get(export(client)["download_url"]).text == "id\r\nc\r\nb\r\na\r\n"
    checked = sightlog(stack, "db", "check")
    assert (checked.exit_code, checked.stderr.splitlines()[-1]) == (0, "The database is as this version needs it.")


def test_keys_of_the_last_release_have_their_accounts_limit(stack: Stack, database: Database) -> None:
    """Those that were there, and those that it makes while the new version serves."""
    keys = [f"sightlog_{letter * 8}{'s' * 40}" for letter in "ab"]

    def create(key: str) -> None:
        with database.write() as session:
            last_release.create_key(session.connection(), 1, key[:17], hashlib.sha256(key.encode()).hexdigest())

    create(keys[0])
    migrate.upgrade(database)
    stack.settings = {**stack.settings, "SIGHTLOG_RATE_LIMIT": "60"}
    stack.add_api()
    stack.wait_until_ready()
    create(keys[1])
    for limit, told in (("40", "40"), ("default", "60")):
        assert sightlog(stack, "accounts", "limit", "first", limit).exit_code == 0
        for key in keys:
            answer = httpx.get(stack.url + "/api/v2/data/descriptions", headers={"Authorization": f"Bearer {key}"})
            assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (200, told)
    assert sightlog(stack, "keys", "limit", keys[0], "7").stderr.endswith(": 7.\n")
    answers = [
        httpx.get(stack.url + "/api/v2/data/descriptions", headers={"Authorization": f"Bearer {key}"}) for key in keys
    ]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["7", "60"]


def test_whoever_records_raises_the_revision(database: Database) -> None:
    """Once for each transaction: totals that are remembered for an older one are counted anew."""
    migrate.upgrade(database)
    found = []
    for ids, raises in ((["a", "b"], False), (["c"], True), (["d"], False)):
        recorded(database, *ids, raises_revision=raises)
        found.append(database.answer_now(rollup.ask_revision(1)))
    with database.write() as session:
        session.connection().execute(text("DELETE FROM statistics_groups"))
    found.append(database.answer_now(rollup.ask_revision(1)))
    # SQLite's triggers raise it beside whoever raises it himself, which does no harm.
    assert found == ([1, 3, 4, 5] if database.is_sqlite else [1, 2, 3, 4])


@pytest.mark.parametrize("stack", only_servers, indirect=True)
def test_two_who_record_at_once_wait_in_no_circle(database: Database) -> None:
    """The revision is raised at the end: until then, who has counted one group waits for nobody who counts another."""
    migrate.upgrade(database)
    with database.connect() as one, database.connect() as other:
        other.execute(text(f"SET lock_timeout = '{patience.seconds(5)}s'"))
        one.execute(text(GROUP), {"bin": 1})
        other.execute(text(GROUP), {"bin": 3})
        other.commit()
        one.execute(text(GROUP), {"bin": 3})
        one.commit()
    assert database.answer_now(rollup.ask_revision(1)) == 2


def test_check_tells_of_a_trigger_that_is_not_there(stack: Stack, database: Database) -> None:
    migrate.upgrade(database)
    name = "raise_revision_insert" if database.is_sqlite else "raise_revision ON statistics_groups"
    with database.write() as session:
        session.connection().execute(text(f"DROP TRIGGER {name}"))
    checked = sightlog(stack, "db", "check")
    assert checked.exit_code == 1
    assert checked.stderr.endswith("differs: the trigger raise_revision on statistics_groups is not there\n")


@pytest.mark.parametrize("stack", only_servers, indirect=True)
def test_partitions_are_no_strangers(stack: Stack, database: Database) -> None:
    with database.write() as session:
        for statement in PARTITIONED.split(";\n"):
            session.connection().execute(text(statement))
    recorded(database, "a", "b")
    migrate.upgrade(database)
    recorded(database, "c")
    assert migrate.check(database) == []
    with database.write() as session:
        invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
        assert session.connection().scalar(text(invalid)) == 0
        session.connection().execute(text("CREATE TABLE stranger (id int)"))
    checked = sightlog(stack, "db", "check")
    assert checked.exit_code == 1
    assert "stranger" in checked.stderr
    assert "descriptions_p0" not in checked.stderr


@pytest.mark.parametrize("stack", only_servers, indirect=True)
def test_an_index_is_built_again_where_it_broke_off(database: Database) -> None:
    """Building is cancelled while it waits for a transaction that is older; what is left of it is taken away."""
    with database.connect() as older:
        older.execution_options(isolation_level="REPEATABLE READ").execute(text("SELECT count(*) FROM descriptions"))
        with ThreadPoolExecutor(1) as threads:
            upgrading = threads.submit(migrate.upgrade, database)
            until(lambda: cancelled(database), 20)
        assert isinstance(upgrading.exception(), Unavailable)
    assert invalid(database) != []
    migrate.upgrade(database)
    assert invalid(database) == []
    assert migrate.check(database) == []


def test_revisions_only_expand(database: Database) -> None:
    """Since the last release: its processes go on meanwhile, and nobody waits for an index."""
    said: list[str] = []
    listened = Engine, "before_cursor_execute", lambda connection, cursor, statement, *_: said.append(statement)
    event.listen(*listened)
    try:
        migrate.upgrade(database)
    finally:
        event.remove(*listened)
    assert any("ALTER TABLE api_keys ADD" in statement for statement in said)
    assert refusals(said, is_sqlite=database.is_sqlite) == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER TABLE exports DROP COLUMN sha256", "drops or renames"),
        ("DROP TABLE histories", "drops or renames"),
        ("ALTER TABLE exports RENAME COLUMN bytes TO size", "drops or renames"),
        ("ALTER TABLE exports RENAME TO files", "drops or renames"),
        ("ALTER TABLE exports ALTER COLUMN attempt TYPE bigint", "changes a column"),
        ("ALTER TABLE exports ALTER COLUMN sha256 SET NOT NULL", "changes a column"),
        ("ALTER TABLE exports ADD COLUMN name VARCHAR NOT NULL", "asks for a value"),
        ("ALTER TABLE exports ADD CONSTRAINT named CHECK (bytes > 0)", "checks all rows"),
        ("CREATE INDEX ix ON exports (bytes)", "keeps writers waiting"),
        ("CREATE UNIQUE INDEX IF NOT EXISTS ix ON exports (bytes)", "keeps writers waiting"),
        ("DROP INDEX ix_exports_newest", "keeps readers waiting"),
        ("CREATE TABLE _alembic_tmp_exports (id INTEGER)", "copies a table"),
        ("ALTER TABLE exports ADD COLUMN name VARCHAR", None),
        ("ALTER TABLE exports ADD COLUMN name VARCHAR DEFAULT '' NOT NULL", None),
        ("ALTER TABLE exports ADD CONSTRAINT named CHECK (bytes > 0) NOT VALID", None),
        ("CREATE INDEX CONCURRENTLY ix ON exports (bytes)", None),
        ("CREATE INDEX ix ON ONLY exports (bytes)", None),
        ("DROP INDEX CONCURRENTLY ix_exports_newest", None),
        ("CREATE TABLE files (id INTEGER NOT NULL)", None),
    ],
)
def test_what_is_refused(statement: str, reason: str | None) -> None:
    assert refusals([statement], is_sqlite=False) == ([] if reason is None else [f"{reason}: {statement}"])


def test_nobody_waits_for_an_index_on_a_table_just_made() -> None:
    made = ["CREATE TABLE files (id INTEGER NOT NULL)", "CREATE INDEX ix_files ON files (id)"]
    assert refusals(made, is_sqlite=False) == []
    assert refusals(made[::-1], is_sqlite=False) == [f"keeps writers waiting: {made[1]}"]


_REFUSED = {
    r"DROP (TABLE|COLUMN|VIEW|CONSTRAINT)|ALTER TABLE .* RENAME": "drops or renames",
    r"ALTER COLUMN \S+ (TYPE|SET DATA TYPE|SET NOT NULL)": "changes a column",
    r"ADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b": "asks for a value",
    r"ADD CONSTRAINT (?!.*NOT VALID)": "checks all rows",
    "_alembic_tmp_": "copies a table",
}
_REFUSED_BY_POSTGRESQL = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)(?!.* ON ONLY )": "keeps writers waiting",
    r"DROP INDEX (?!CONCURRENTLY)": "keeps readers waiting",
}


def refusals(said: Iterable[str], *, is_sqlite: bool) -> list[str]:
    """Why revisions may not say this. A table that they have just made has no rows and nobody who waits for it."""
    rules = _REFUSED if is_sqlite else _REFUSED | _REFUSED_BY_POSTGRESQL
    made, found = set[str](), list[str]()
    for statement in said:
        words = " ".join(statement.split())
        if created := re.match(r"CREATE TABLE (\S+)", words):
            made.add(created[1])
        on_new = (index := re.match(r"CREATE (?:UNIQUE )?INDEX \S+ ON (\S+)", words)) and index[1] in made
        why = next((why for rule, why in rules.items() if re.search(rule, words, re.IGNORECASE)), None)
        if why and not on_new:
            found.append(f"{why}: {words}")
    return found


def listed(client: httpx.Client) -> tuple[int, list[str]]:
    answer = client.get("/api/v2/data/descriptions").json()
    return answer["total_count"], [item["id"] for item in answer["items"]]


def export(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v2/data/export/{uuid.UUID(EXPORT)}").json()
    return found


def recorded(database: Database, *ids: str, raises_revision: bool = True) -> None:
    with database.write() as session:
        last_release.record(session.connection(), 1, list(ids), raises_revision=raises_revision)


def cancelled(database: Database) -> bool:
    waits = "query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
    cancel = f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {waits}"
    with database.read() as session:
        return bool(session.connection().scalar(text(cancel)))


def invalid(database: Database) -> list[str]:
    with database.read() as session:
        query = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
        return list(session.connection().scalars(text(query)))
