# ruff: noqa: RUF001
"""The revision that folds text anew changes what folds otherwise, on both engines, and nothing else."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app import cli
from app.engine.db import Database
from app.history import folding
from app.migrations import migrate
from tests.conftest import both_engines

KEPT = {
    "ascii": ("Istanbul", "left alone"),
    "none": (None, None),
    "same": ("Straße in Århus", "strasse in århus"),
    "dotted": ("İstanbul", "i\u0307stanbul"),
    "decomposed": ("Cafe\u0301", "cafe\u0301"),
    "greek": ("ΐ", "ι\u0308\u0301"),
}
"""Of each row its text, and how the revision before would have folded it."""

_numbers = count(1)


@pytest.fixture(params=both_engines)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """At the revision before."""
    url = f"sqlite:///{tmp_path}/sightlog.db"
    if request.param == "servers":
        url = request.getfixturevalue("real_servers").postgres.create_database(f"refolding{next(_numbers)}")
    opened = Database(url)
    migrate.upgrade(opened, "0006")
    yield opened
    opened.dispose()


def insert(database: Database, account_id: int, rows: dict[str, tuple[str | None, str | None]]) -> None:
    statement = """INSERT INTO descriptions
        (account_id, id, type, status, source_type, created_at, description, search_text, metadata)
        VALUES (:account_id, :id, 'rule', 'completed', 'single', '2025-01-01T00:00:00.000000Z', :text, :folded, '{}')"""
    values = [
        {"account_id": account_id, "id": id, "text": text, "folded": folded} for id, (text, folded) in rows.items()
    ]
    with database.write() as session:
        session.connection().execute(text(statement), values)


def folded(database: Database, account_id: int) -> dict[str, str | None]:
    query = text("SELECT id, search_text FROM descriptions WHERE account_id = :account_id")
    with database.read() as session:
        return dict(session.connection().execute(query, {"account_id": account_id}).all())


AFTERWARDS = {
    "ascii": "left alone",
    "none": None,
    "same": "strasse in århus",
    "dotted": "istanbul",
    "decomposed": "café",
    "greek": "ΐ",
}


def test_an_upgrade_folds_text_anew(database: Database) -> None:
    for account_id in (1, 2):
        insert(database, account_id, KEPT)
    migrate.upgrade(database)
    for account_id in (1, 2):
        assert folded(database, account_id) == AFTERWARDS


def test_what_an_older_process_recorded_meanwhile_is_folded_by_a_command(database: Database) -> None:
    migrate.upgrade(database)
    insert(database, 1, KEPT)
    environment = {"SIGHTLOG_DATABASE_URL": database.url.render_as_string(hide_password=False)}
    for changed in (3, 0):
        done = CliRunner().invoke(cli.app, ["db", "refold"], env=environment)
        assert done.exit_code == 0
        assert done.stderr.endswith(f"The text of {changed} results was folded anew.\n")
        assert folded(database, 1) == AFTERWARDS


def test_more_is_folded_anew_than_is_held_at_a_time(database: Database) -> None:
    texts = {f"r{place:02}": "İ" + str(place) + "É" * 400_000 for place in range(25)}
    insert(database, 1, {id: (text, text.casefold()) for id, text in texts.items()})
    migrate.upgrade(database)
    assert folded(database, 1) == {id: folding.fold(text) for id, text in texts.items()}
