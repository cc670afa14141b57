"""Bringing a database to the schema that this version needs, with Alembic.

What a revision may do: docs/decisions/0017-migrations-only-expand.md.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import Session, SQLModel

from app import models
from app.engine import locks
from app.engine.db import Database
from app.errors import SightlogError
from app.migrations import revisions

_AGAIN = 0.1
"""Seconds after which one who waits for another's upgrade asks again."""

_PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')"

_GUARDS = {
    "sqlite": "SELECT count(*) = 3 FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'raise_revision_%'",
    # Citus has no triggers on distributed tables.
    "postgresql": """SELECT to_regclass('pg_dist_partition') IS NOT NULL OR EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = to_regclass('statistics_groups') AND tgname = 'raise_revision')""",
}


class DatabaseAhead(SightlogError):
    """A newer version has upgraded it."""


_BY_CHOICE = "ix_descriptions_metadata"
"""An index that an operator may make (see `docs/operations.md`)."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Each revision whole or not at all; who comes second waits and finds nothing to do. DatabaseAhead for a newer one.

    Where it broke off it goes on when it is run again.
    """
    with _turn(database) as session:
        current = revisions.current(session.connection())
        if current is not None and current not in revisions.known():
            raise DatabaseAhead(f"The database is at revision {current}, which only a newer version of Sightlog knows.")
        if database.is_sqlite:
            _upgrade(session.connection(), revision)
        else:
            # It waits as long as it takes, and with no snapshot: a transaction keeps that of its last query.
            session.connection().execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            with database.connect() as connection:  # with a transaction for each revision, or for a part of it
                _upgrade(connection, revision)


def check(database: Database) -> list[object]:
    """What differs between the tables of a database and the models; nothing, if all is well."""
    with database.read() as session:
        return differences(session.connection())


def differences(connection: Connection) -> list[object]:
    """What differs between the tables and the models; nothing, if all is well. Partitions belong to their tables."""
    is_sqlite = connection.dialect.name == "sqlite"
    partitions = set() if is_sqlite else set(connection.scalars(text(_PARTITIONS)))

    def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        if kind == "table":
            return name not in partitions
        return name != _BY_CHOICE and (name != "ix_descriptions_search" or not is_sqlite)

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
    assert models.Account.metadata is SQLModel.metadata
    found: list[object] = list(compare_metadata(context, SQLModel.metadata))
    if not connection.scalar(text(_GUARDS[connection.dialect.name])):
        found.append("the trigger raise_revision on statistics_groups is not there")
    return found


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@contextmanager
def _turn(database: Database) -> Iterator[Session]:
    """A transaction during which nobody else upgrades; in SQLite any that writes is one.

    Who waits asks again and again: a statement that waits has a snapshot, and an index that is built beside others
    waits for the end of those.
    """
    while True:
        with database.write() as session:
            if locks.try_to_hold(session.connection(), "upgrade"):
                yield session
                return
        time.sleep(_AGAIN)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    return config
