"""The command line."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app import auth, durations, logs, signals, threads, times
from app.demo import account
from app.engine.db import Database
from app.errors import SightlogError
from app.history import folding, rollup
from app.migrations import refolding, revisions
from app.models import ApiKey, Scope
from app.runtime import Runtime, open_runtime, prepare
from app.settings import Settings, table

app = typer.Typer(
    help="Sightlog keeps the history of what your vision models said about your images.\n\n"
    "Settings are environment variables that begin with SIGHTLOG_; `sightlog settings` lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)
accounts = typer.Typer(help="List accounts and set how much they may ask for.", no_args_is_help=True)
db = typer.Typer(help="Look after the database.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(accounts, name="accounts")
app.add_typer(db, name="db")

AccountName = Annotated[str, typer.Option("--account", help="Name of the account.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill the account `demo` first, and print a key for it.")
    ] = False,
) -> None:
    """Serve GraphQL, REST and the explorer; with no Redis set, the worker runs inside.

    Creates the embedded database, or brings it up to date. SIGTERM and Ctrl-C end it cleanly.
    """
    from app import serving

    settings = _settings()
    if not settings.public_url:
        settings = settings.model_copy(update={"public_url": serving.url_of(host, port)})
    with _told_plainly():
        listener = serving.bind(host, port)
    with listener:
        with _opened(settings) as runtime, _told_plainly():
            key = account.fill(runtime, times.today()).key if demo else None
        with _told_plainly():
            serving.serve(settings, listener, key)


@app.command()
def worker() -> None:
    """Run exports that a Redis queue brings. Start as many as you like, on as many machines as you like."""
    from app import metrics
    from tasks.queue import open_queue
    from tasks.worker import Worker

    settings = _settings()
    if not settings.redis_url:
        _fail("A worker of its own needs SIGHTLOG_REDIS_URL; without Redis, `serve` runs one inside.")
    with _opened(settings) as runtime:
        queue = open_queue(runtime)
        if settings.metrics_port:
            with _told_plainly():
                metrics.serve(metrics.open_registry(runtime.database, queue.depths), settings)
        running = Worker(runtime, queue)
        wait = signals.ending()
        running.start()
        logging.getLogger("sightlog").info("worker %d started", os.getpid())
        wait()
        running.stop()
        queue.close()
    threads.end_process()


@app.command("import")
def import_(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files to read; `-` is standard input.")],
    account: AccountName,
) -> None:
    """Record the results of .jsonl, .json and .csv files, plain, .gz or .zst.

    What Sightlog exports can be imported again. Importing twice changes nothing. A line that cannot be recorded is
    reported and the rest goes on; the exit status is 1 if there was any.
    """
    from app.imports import terminal

    with _opened() as runtime, _told_plainly():
        terminal.check_files(files)
        with runtime.database.write() as session:
            account_id = auth.account_id(session, account, create=True)
        rejected = terminal.import_files(runtime.database, account_id, files)
    raise typer.Exit(1 if rejected else 0)


@app.command("demo")
def fill_demo() -> None:
    """Fill the account `demo` with some thousands of believable results and print a key for it.

    Running it again adds what has become due since and prints the same key.
    """
    with _opened() as runtime, _told_plainly():
        filled = account.fill(runtime, times.today())
    _err.print(f"The account 'demo' has {filled.recorded} new results, {filled.already_known} were there already.")
    print(filled.key)


@app.command("settings")
def settings_() -> None:
    """List every setting, its default and its meaning, as a Markdown table."""
    print(table())


@keys.command("create")
def create_key(
    account: AccountName,
    scopes: Annotated[
        str, typer.Option(help="read, write, admin, joined by commas; each includes the ones before it.")
    ] = ("read"),
    expires: Annotated[
        str | None, typer.Option(help="Until when it works, such as 30d or 12h; left out: for good.")
    ] = None,
) -> None:
    """Print a new key, and only the key. It cannot be shown again."""
    with _opened() as runtime, _told_plainly():
        scope, expires_in = auth.scope_of(scopes), _duration(expires)
        with runtime.database.write() as session:
            key = auth.create_key(session, auth.account_id(session, account, create=True), scope, expires_in=expires_in)
    print(key)


@keys.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option("--account", help="Only the keys of this account.")] = None,
) -> None:
    """List keys by their beginnings."""
    table = Table("key", "account", "scopes", "created", "expires", "state", box=None)
    with _opened() as runtime, _told_plainly(), runtime.database.read() as session:
        account_id = auth.account_id(session, account) if account else None
        for key, name in auth.keys(session, account_id):
            expires = times.iso(key.expires_at) if key.expires_at else "never"
            created = times.iso(key.created_at.replace(microsecond=0))
            table.add_row(f"{key.key_prefix}…", name, _scopes(key.scope), created, expires, _state(key))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or its beginning as `keys list` shows it.")],
) -> None:
    """Deactivate a key at once."""
    with _opened() as runtime, _told_plainly(), runtime.database.write() as session:
        revoked = auth.revoke_key(session, key.rstrip("…")[: len("sightlog_") + 8])
    _err.print(f"The key {revoked.key_prefix}… no longer works.")


@accounts.command("list")
def list_accounts() -> None:
    """List accounts, and how many requests a minute each of their keys may send."""
    table = Table("account", "created", "requests a minute", box=None)
    with _opened() as runtime, _told_plainly(), runtime.database.read() as session:
        for account in auth.accounts(session):
            created = times.iso(account.created_at.replace(microsecond=0))
            table.add_row(account.name, created, _limit(account.rate_limit, runtime.settings.rate_limit))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@accounts.command("limit")
def limit_account(
    account: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")],
    limit: Annotated[str, typer.Argument(metavar="N|default", help="Requests a minute for each key; 0: no limit.")],
) -> None:
    """Set how many requests a minute each key of an account may send; `default`: as SIGHTLOG_RATE_LIMIT says."""
    with _opened() as runtime, _told_plainly():
        with runtime.database.write() as session:
            own = auth.limit_account(session, account, limit)
        told = _limit(own, runtime.settings.rate_limit)
    _err.print(f"Requests a minute for each key of '{account}': {told}.")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema that this version needs."""
    from app.migrations import migrate  # Alembic takes a while to import

    with _database() as database:
        migrate.upgrade(database)
    _err.print(f"The database is at revision {revisions.head()}.")


@db.command("check")
def db_check() -> None:
    """Compare the tables with the models, and kept statistics with the rows; exit status 1 if they differ."""
    from app.migrations import migrate

    with _database() as database:
        found = [f"differs: {difference}" for difference in migrate.check(database)]
        if not found:
            with database.read() as session:
                found = rollup.differences(session)
    for difference in found:
        _err.print(difference)
    if found:
        raise typer.Exit(1)
    _err.print("The database is as this version needs it.")


@db.command("recount")
def db_recount() -> None:
    """Make the kept statistics anew from the rows. Recording waits meanwhile."""
    with _opened() as runtime, _told_plainly(), runtime.database.write() as session:
        rollup.rebuild(session)
    _err.print("The statistics were counted anew.")


@db.command("refold")
def db_refold() -> None:
    """Fold anew the text that searches look at, where a process of an older version has recorded during an upgrade."""
    with _database() as database, database.write() as session:
        changed = refolding.refold(session.connection(), folding.fold)
    _err.print(f"The text of {changed} results was folded anew.")


_err = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


def main() -> None:
    app()


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [f"SIGHTLOG_{str(found['loc'][0]).upper()}: {found['msg']}" for found in error.errors()]
        _fail("; ".join(problem.replace("Value error, ", "") for problem in problems))
    logs.configure(settings)
    return settings


@contextmanager
def _opened(settings: Settings | None = None) -> Iterator[Runtime]:
    with _told_plainly():
        runtime = open_runtime(settings or _settings())
    try:
        with _told_plainly():
            prepare(runtime.database)
        yield runtime
    finally:
        runtime.close()


@contextmanager
def _database() -> Iterator[Database]:
    """Up to date or not."""
    with _told_plainly():
        database = Database(_settings().sqlalchemy_url)
        try:
            yield database
        finally:
            database.dispose()


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What goes wrong is one sentence on standard error and exit status 2, no traceback."""
    try:
        yield
    except SQLAlchemyError as error:
        _fail(f"The database cannot be used: {getattr(error, 'orig', None) or error}")
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}" if error.filename else str(error))
    except (SightlogError, ValueError) as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    _err.print(f"Error: {sentence}", style="red")
    raise typer.Exit(2) from None


def _duration(text: str | None) -> timedelta | None:
    try:
        return None if text is None else durations.parse(text)
    except ValueError as error:
        raise ValueError(f"--expires {error}.") from None


def _scopes(widest: str) -> str:
    scopes = list(Scope)
    return ",".join(scopes[: scopes.index(Scope(widest)) + 1])


def _limit(own: int | None, default: int) -> str:
    limit = default if own is None else own
    return ("no limit" if limit == 0 else str(limit)) + (" (default)" if own is None else "")


def _state(key: ApiKey) -> str:
    if not key.active:
        return "revoked"
    return "active" if key.expires_at is None or key.expires_at > times.now() else "expired"


if __name__ == "__main__":
    main()
