"""Bringing a database up to date: an empty one, a filled one, two at once, and what happens when it was not done."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import SQLModel
from typer.testing import Result

from app.engine.db import Database
from app.history import rollup
from app.migrations import migrate, revisions
from app.migrations.migrate import DatabaseAhead
from app.migrations.revisions import DatabaseBehind
from app.runtime import prepare
from tests.commands import invoke
from tests.conftest import ENGINES
from tests.forked import Forked
from tools.servers import free_port

pytestmark = pytest.mark.xdist_group("faults")

NO_REDIS = "redis://127.0.0.1:1/0"

_numbers = count(1)

Fresh = Callable[[], Database]


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes databases that have no tables."""
    opened: list[Database] = []

    def make() -> Database:
        name = f"migrations{next(_numbers)}"
        if request.param == "servers":
            url = request.getfixturevalue("real_servers").postgres.create_database(name)
        else:
            url = f"sqlite:///{tmp_path / name}.db"
        opened.append(Database(url))
        return opened[-1]

    yield make
    for database in opened:
        database.dispose()


@pytest.fixture
def database(fresh: Fresh) -> Database:
    return fresh()


def sightlog(database: Database, *arguments: str) -> Result:
    return invoke({"SIGHTLOG_DATABASE_URL": url_of(database)}, *arguments)


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def started(folder: Path, database: Database, *arguments: str, **settings: str) -> Forked:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLOG_")}
    environment = kept | {"SIGHTLOG_DATABASE_URL": url_of(database)} | settings
    log = folder / f"process{next(_numbers)}.log"
    return Forked(arguments, environment, log).start()


def tables(database: Database) -> list[str]:
    return sorted(inspect(database.engine).get_table_names())


FIRST = """
INSERT INTO accounts (id, name, created_at) VALUES (1, 'first', '2025-01-01T00:00:00.000000Z');
INSERT INTO descriptions
       (account_id, id, type, status, source_type, created_at, confidence_score, verification, metadata)
VALUES (1, 'a', 'rule', 'completed', 'single', '2025-01-01T23:59:59.999999Z', 0.3, NULL, '{"x":[1,null]}'),
       (1, 'b', 'rule', 'completed', 'single', '2025-01-01T00:00:00.000000Z', 0.7, '{"ok":true}', '{}'),
       (1, 'c', 'description', 'completed', 'batch', '2025-01-02T00:00:00.000000Z', NULL, NULL, '{}'),
       (1, 'd', 'description', 'failed', 'batch', '2025-01-02T00:00:00.000000Z', NULL, NULL, '{}'),
       (2, 'a', 'rule', 'completed', 'single', '2025-01-01T12:00:00.000000Z', 1.0, NULL, '{}');
INSERT INTO exports
       (account_id, id, status, format, filter, columns, created_at, attempt, failures, dirty, rows_written)
VALUES (1, '6b0b6a3e41f94a3e8c5f0a0a7d1e2f30', 'pending', 'csv', '{}', '["id"]', '2025-01-03T00:00:00.000000Z',
        0, 0, false, 0);
"""
"""Rows as the first revision has them."""


def brought_to(database: Database, revision: str) -> None:
    with database.write() as session:
        config = migrate._config()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, revision)


def filled(database: Database) -> None:
    brought_to(database, "0001")
    with database.write() as session:
        for statement in FIRST.split(";\n"):
            if statement.strip():
                session.connection().execute(text(statement.replace(":", r"\:")))


def rows(database: Database) -> dict[str, list[Any]]:
    """Of the columns that the first revision has."""
    with database.read() as session:
        return {
            table: session.connection().execute(text(f"SELECT {columns} FROM {table} ORDER BY 1, 2")).all()  # type: ignore[misc]
            for table, columns in {
                "accounts": "id, name, created_at",
                "descriptions": "account_id, id, type, status, created_at, confidence_score, verification, metadata",
                "exports": "account_id, id, status, filter, columns, attempt",
            }.items()
        }


def test_the_revisions_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(migrate._config())
    assert revisions.known() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions.head() == scripts.get_current_head()


def test_an_empty_database_becomes_what_the_models_say(database: Database) -> None:
    migrate.upgrade(database)
    assert migrate.check(database) == []
    assert set(tables(database)) == {*SQLModel.metadata.tables, "alembic_version"}


def test_a_filled_database_becomes_what_the_models_say_and_keeps_its_rows(database: Database) -> None:
    filled(database)
    before = rows(database)
    assert [len(found) for found in before.values()] == [1, 5, 1]
    migrate.upgrade(database)
    assert migrate.check(database) == []
    assert rows(database) == before
    with database.read() as session:
        assert rollup.differences(session) == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    filled(database)
    for _ in range(2):
        assert sightlog(database, "db", "upgrade").exit_code == 0
        found = rows(database)
    assert sightlog(database, "db", "upgrade").exit_code == 0
    assert rows(database) == found
    assert migrate.check(database) == []


def test_check_tells_what_differs(database: Database) -> None:
    empty = sightlog(database, "db", "check")
    assert empty.exit_code == 1
    assert tables(database) == []
    upgraded = sightlog(database, "db", "upgrade")
    assert (upgraded.exit_code, upgraded.stderr) == (0, f"The database is at revision {revisions.head()}.\n")
    checked = sightlog(database, "db", "check")
    assert (checked.exit_code, checked.stderr) == (0, "The database is as this version needs it.\n")
    with database.write() as session:
        session.connection().execute(text("DROP INDEX ix_exports_newest"))
    altered = sightlog(database, "db", "check")
    assert altered.exit_code == 1
    assert "ix_exports_newest" in altered.stderr
    assert "Traceback" not in altered.stderr


def test_check_recounts_the_statistics(database: Database) -> None:
    filled(database)
    migrate.upgrade(database)
    with database.write() as session:
        session.connection().execute(text("UPDATE statistics_groups SET count = count + 1 WHERE account_id = 2"))
    checked = sightlog(database, "db", "check")
    assert checked.exit_code == 1
    assert "kept (2, 1000000000), counted (1, 1000000000)" in checked.stderr


def test_two_processes_upgrade_at_once(database: Database, tmp_path: Path) -> None:
    filled(database)
    processes = [started(tmp_path, database, "db", "upgrade") for _ in range(2)]
    message = f"The database is at revision {revisions.head()}.\n"
    told = [(process.wait(), process.log.read_text().splitlines(keepends=True)[-1]) for process in processes]
    assert told == [(0, message)] * 2
    assert migrate.check(database) == []


def test_eight_upgrade_at_once(database: Database) -> None:
    def upgrade(_: int) -> None:
        own = Database(url_of(database))
        migrate.upgrade(own)
        own.dispose()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(upgrade, range(8)))
    assert migrate.check(database) == []


@pytest.mark.parametrize("fresh", ["servers"], indirect=True)
def test_serve_and_worker_do_not_start_on_a_server_that_is_behind(database: Database, tmp_path: Path) -> None:
    filled(database)
    before = tables(database)
    commands = (("serve", "--port", str(free_port())), ("worker",))
    processes = [started(tmp_path, database, *command, SIGHTLOG_REDIS_URL=NO_REDIS) for command in commands]
    message = "Error: The database is not up to date. Run: sightlog db upgrade\n"
    assert [(process.wait(), process.log.read_text()) for process in processes] == [(2, message)] * 2
    assert tables(database) == before


@pytest.mark.parametrize("fresh", ["servers"], indirect=True)
def test_an_empty_server_is_not_upgraded_by_itself(database: Database) -> None:
    with pytest.raises(DatabaseBehind, match="Run: sightlog db upgrade"):
        prepare(database)
    assert tables(database) == []


@pytest.mark.parametrize("fresh", ["embedded"], indirect=True)
def test_the_embedded_database_is_upgraded_by_itself(database: Database) -> None:
    filled(database)
    prepare(database)
    assert migrate.check(database) == []


def test_one_that_a_newer_version_upgraded_is_left_alone(database: Database) -> None:
    migrate.upgrade(database)
    with database.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    message = "The database is at revision 9999, which only a newer version of Sightlog knows."
    with pytest.raises(DatabaseAhead, match=message):
        migrate.upgrade(database)
    refused = sightlog(database, "db", "upgrade")
    assert (refused.exit_code, refused.stderr) == (2, f"Error: {message}\n")


@pytest.mark.parametrize("fresh", ["servers"], indirect=True)
def test_postgresql_has_its_own_types(database: Database) -> None:
    migrate.upgrade(database)
    with database.read() as session:
        query = """SELECT data_type, table_name || '.' || column_name FROM information_schema.columns
                   WHERE table_schema = 'public' ORDER BY 1, 2"""
        found = session.connection().execute(text(query)).all()
        search = session.connection().scalar(
            text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_descriptions_search'")
        )
    types: dict[str, list[str]] = {}
    for kind, column in found:
        types.setdefault(kind, []).append(column)
    of_results = [f"descriptions.{column}" for column in ("metadata", "review", "verification")]
    of_exports = [f"exports.{column}" for column in ("columns", "filter", "notes", "options", "view")]
    assert types["jsonb"] == [*of_results, *of_exports]
    assert "timestamp without time zone" not in types
    assert "json" not in types
    assert "gin_trgm_ops" in search


@pytest.mark.parametrize("table", ["descriptions", "exports", "statistics_groups"])
def test_tables_can_be_distributed_by_account(table: str) -> None:
    columns = SQLModel.metadata.tables[table]
    assert next(iter(columns.primary_key.columns)).name == "account_id"
    assert not columns.foreign_keys
    assert [index.name for index in columns.indexes if index.unique] == []
    assert not [constraint for constraint in columns.constraints if type(constraint).__name__ == "UniqueConstraint"]


def test_no_table_refers_to_another() -> None:
    assert [table.name for table in SQLModel.metadata.tables.values() if table.foreign_keys] == []
