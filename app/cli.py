"""The commands of the server; `sightlog` of the client's package finds them (the entry point `sightlog.commands`)."""

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from app import auth, probes, sessions, signals, threads, times
from app.commands import accounts, db, erase, keys, opening, show
from app.demo import account as demo_account
from app.history.recording import OnConflict, OnErased
from app.runtime import Runtime
from app.spreadsheets import CsvDialect

if TYPE_CHECKING:
    from app import serving

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(keys.commands, name="keys")
app.add_typer(accounts.commands, name="accounts")
app.add_typer(db.commands, name="db")
app.command("settings")(show.show_settings)
app.command("erase")(erase.erase_results)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Fill the account `demo` first; print a link that signs in once, and a key."),
    ] = False,
) -> None:
    """Serve GraphQL, REST and the explorer; with no Redis set, the worker runs inside.

    Creates the embedded database, or brings it up to date. SIGTERM and Ctrl-C end it cleanly.
    """
    from app import serving

    settings = opening.read_settings()
    if not settings.public_url:
        settings = settings.model_copy(update={"public_url": serving.url_of(host, port)})
    with opening.told_plainly():
        listener = serving.bind(host, port)
    with listener:
        with opening.opened_with(settings) as runtime, opening.told_plainly():
            guest = _guest(runtime) if demo else None
        with opening.told_plainly():
            serving.serve(settings, listener, guest)


def _guest(runtime: Runtime) -> "serving.Guest":
    from app import serving

    key = demo_account.fill(runtime, times.today()).key
    with runtime.database.write() as session:
        token = sessions.make_link(session, auth.prefix_of(key), lifetime=runtime.settings.sign_in_link_lifetime)
    return serving.Guest(demo_account.ACCOUNT, key, token)


@app.command()
def worker() -> None:
    """Run exports that a Redis queue brings. Start as many as you like, on as many machines as you like."""
    from app import metrics
    from tasks.queue import open_queue
    from tasks.worker import Worker

    settings = opening.read_settings()
    if not settings.redis_url:
        opening.fail("A worker of its own needs SIGHTLOG_REDIS_URL; without Redis, `serve` runs one inside.")
    with opening.opened_with(settings) as runtime:
        queue = open_queue(runtime)
        if settings.metrics_port:
            with opening.told_plainly():
                metrics.serve(metrics.open_registry(runtime.database, queue.depths), settings)
        for name, check in (("queue", queue.check), ("storage", runtime.storage.check)):
            probes.Probe(partial(probes.state, name, check)).ask()  # the log says what does not answer
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
    account: accounts.Name,
    create: accounts.Create = False,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What becomes of a known result that the file gives other content.")
    ] = OnConflict.KEEP,
    on_erased: Annotated[
        OnErased, typer.Option(help="What becomes of a result that was erased before, which is told of either way.")
    ] = OnErased.LEAVE_OUT,
    dialect: Annotated[
        CsvDialect,
        typer.Option(help="How .csv files are written; excel: exported with `dialect: EXCEL`, whose apostrophes go."),
    ] = CsvDialect.RFC4180,
) -> None:
    """Record the results of .jsonl, .json and .csv files, plain, .gz or .zst.

    What Sightlog exports can be imported again. Importing twice changes nothing. A line that cannot be recorded is
    reported and the rest goes on; the exit status is 1 if there was any.
    """
    from app.imports import terminal

    with opening.opened(creates=create) as runtime, opening.told_plainly():
        terminal.check_files(files)
        with runtime.database.write() as session:
            account_id = accounts.id_of(session, account, create=create)
        rejected = terminal.import_files(
            runtime.database, account_id, files, on_conflict=on_conflict, on_erased=on_erased, dialect=dialect
        )
    raise typer.Exit(1 if rejected else 0)


@app.command("demo")
def fill_demo() -> None:
    """Fill the account `demo` with some thousands of believable results and print a key for it.

    Running it again adds what has become due since and prints the same key.
    """
    with opening.opened(creates=True) as runtime, opening.told_plainly():
        filled = demo_account.fill(runtime, times.today())
    opening.err.print(
        f"The account 'demo' has {filled.recorded} new results, {filled.already_known} were there already."
    )
    print(filled.key)
