"""Bringing a database to the schema that this version needs, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import SQLModel

from app import models
from app.db import Database
from app.errors import SightlogError


class DatabaseBehind(SightlogError):
    """The schema is not the one that this version needs."""


def upgrade(database: Database) -> None:
    with database.engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def prepare(database: Database) -> None:
    """Upgrades the embedded database. DatabaseBehind for a server that is not up to date."""
    if database.is_sqlite:
        upgrade(database)
        return
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != head():
        raise DatabaseBehind("The database is not up to date. Run: sightlog db upgrade")


def head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(connection: Connection) -> list[object]:
    """What differs between the tables and the models; nothing, if all is well."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert models.Account.metadata is SQLModel.metadata
    return list(compare_metadata(context, SQLModel.metadata))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
