"""Bringing a database to the schema that this version needs, with Alembic."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select
from sqlmodel import SQLModel

from app import models
from app.engine.db import Database
from app.errors import SightlogError
from app.migrations import revisions


class DatabaseAhead(SightlogError):
    """A newer version has upgraded it."""


def upgrade(database: Database) -> None:
    """All of it or nothing; who comes second waits and finds nothing to do. DatabaseAhead for a newer one."""
    with database.write() as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("sightlog.upgrade", 0))))
        current = revisions.current(connection)
        if current is not None and current not in revisions.known():
            raise DatabaseAhead(f"The database is at revision {current}, which only a newer version of Sightlog knows.")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(database: Database) -> list[object]:
    """What differs between the tables of a database and the models; nothing, if all is well."""
    with database.read() as session:
        return differences(session.connection())


def differences(connection: Connection) -> list[object]:
    """What differs between the tables and the models; nothing, if all is well."""

    def is_here(_: object, name: str | None, *__: object) -> bool:
        return name != "ix_descriptions_search" or connection.dialect.name == "postgresql"

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_here})
    assert models.Account.metadata is SQLModel.metadata
    return list(compare_metadata(context, SQLModel.metadata))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    return config
