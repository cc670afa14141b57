"""Bringing a database to the schema that this version needs, with Alembic."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlmodel import SQLModel

from app import models
from app.db import Database
from app.errors import SightlogError


class DatabaseBehind(SightlogError):
    """The schema is not the one that this version needs."""


class DatabaseAhead(SightlogError):
    """A newer version has upgraded it."""


def upgrade(database: Database) -> None:
    """All of it or nothing; who comes second waits and finds nothing to do. DatabaseAhead for a newer one."""
    with database.write() as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("sightlog.upgrade", 0))))
        current = _current(connection)
        if current is not None and current not in _revisions():
            raise DatabaseAhead(f"The database is at revision {current}, which only a newer version of Sightlog knows.")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def prepare(database: Database) -> None:
    """Upgrades the embedded database. DatabaseBehind for a server that is not up to date."""
    if database.is_sqlite:
        upgrade(database)
        return
    with database.read() as session:
        if is_behind(session.connection()):
            raise DatabaseBehind("The database is not up to date. Run: sightlog db upgrade")


def check(database: Database) -> list[object]:
    """What differs between the tables of a database and the models; nothing, if all is well."""
    with database.read() as session:
        return differences(session.connection())


def is_behind(connection: Connection) -> bool:
    """Whether it must be upgraded before this version can use it. One that a newer version upgraded is not behind."""
    current = _current(connection)
    return current is None or current in _revisions() - {head()}


def head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(connection: Connection) -> list[object]:
    """What differs between the tables and the models; nothing, if all is well."""

    def is_here(_: object, name: str | None, *__: object) -> bool:
        return name != "ix_descriptions_search" or connection.dialect.name == "postgresql"

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_here})
    assert models.Account.metadata is SQLModel.metadata
    return list(compare_metadata(context, SQLModel.metadata))


@cache
def _revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
