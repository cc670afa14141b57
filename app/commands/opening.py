"""What every command does first and last: settings, database, errors in one sentence."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from app import heap, logs, settings
from app.engine.db import Database
from app.errors import NotFound, SightlogError
from app.runtime import Runtime, open_runtime, prepare
from app.settings import Settings

log = logging.getLogger("sightlog")

err = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


def show(table: Table) -> None:
    """On standard output; nothing is cut off where no terminal reads it."""
    width = None if sys.stdout.isatty() else 1000
    Console(width=width, markup=False, highlight=False).print(table)


def read_settings() -> Settings:
    """Those of the environment. Says which of its variables are none."""
    try:
        found = Settings()
    except ValidationError as error:
        problems = [f"SIGHTLOG_{str(found['loc'][0]).upper()}: {found['msg']}" for found in error.errors()]
        fail("; ".join(problem.replace("Value error, ", "") for problem in problems))
    logs.configure(found)
    for name, nearest in settings.unknown(os.environ).items():
        log.warning("%s is no setting%s", name, f"; did you mean {nearest}?" if nearest else "")
    return found


@contextmanager
def opened(*, creates: bool = False) -> Iterator[Runtime]:
    """For a command that says which database it works with. NotFound where that is a file which is not there, unless it
    is to be created.
    """
    found = read_settings()
    with told_plainly():
        tell_database(found, creates=creates)
    with opened_with(found) as runtime:
        yield runtime


@contextmanager
def opened_with(found: Settings) -> Iterator[Runtime]:
    heap.return_large_blocks()
    with told_plainly():
        runtime = open_runtime(found)
    try:
        with told_plainly():
            prepare(runtime.database)
        yield runtime
    finally:
        runtime.close()


@contextmanager
def opened_database() -> Iterator[Database]:
    """Up to date or not."""
    with told_plainly():
        found = read_settings()
        tell_database(found, creates=True)
        database = Database(found.sqlalchemy_url)
        try:
            yield database
        finally:
            database.dispose()


def tell_database(found: Settings, *, creates: bool) -> None:
    file = database_file(found)
    if file is None:
        err.print(f"Database: {settings.masked(found.database_url)}")
    elif file.exists() or creates:
        err.print(f"Database: {file}{'' if file.exists() else ' (new)'}")
    else:
        raise NotFound(
            f"There is no database {file}: SIGHTLOG_DATA_DIR or SIGHTLOG_DATABASE_URL says where it is, "
            "and `sightlog accounts create` makes one."
        )


def database_file(found: Settings) -> Path | None:
    """The embedded database's."""
    try:
        url = make_url(found.sqlalchemy_url)
    except ArgumentError:
        return None
    return Path(url.database).absolute() if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def told_plainly() -> Iterator[None]:
    """What goes wrong is one sentence on standard error and exit status 2, no traceback."""
    try:
        yield
    except SQLAlchemyError as error:
        fail(f"The database cannot be used: {getattr(error, 'orig', None) or error}")
    except OSError as error:
        fail(f"{error.strerror}: {error.filename}" if error.filename else str(error))
    except (SightlogError, ValueError) as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    err.print(f"Error: {sentence}", style="red")
    raise typer.Exit(2) from None
