"""`sightlog db`: the schema and the kept statistics."""

import typer

from app.commands.opening import err, opened, opened_database, told_plainly
from app.history import folding, rollup
from app.migrations import refolding, revisions

commands = typer.Typer(help="Look after the database.", no_args_is_help=True)


@commands.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema that this version needs. Processes of the last version go on meanwhile."""
    from app.migrations import migrate  # Alembic takes a while to import

    with opened_database() as database:
        migrate.upgrade(database)
    err.print(f"The database is at revision {revisions.head()}.")


@commands.command("check")
def db_check() -> None:
    """Compare the tables with the models, and kept statistics with the rows; exit status 1 if they differ."""
    from app.migrations import migrate

    with opened_database() as database:
        found = [f"differs: {difference}" for difference in migrate.check(database)]
        if not found:
            with database.read() as session:
                found = rollup.differences(session)
    for difference in found:
        err.print(difference)
    if found:
        raise typer.Exit(1)
    err.print("The database is as this version needs it.")


@commands.command("recount")
def db_recount() -> None:
    """Make the kept statistics anew from the rows. Recording waits meanwhile."""
    with opened() as runtime, told_plainly(), runtime.database.write() as session:
        rollup.rebuild(session)
    err.print("The statistics were counted anew.")


@commands.command("refold")
def db_refold() -> None:
    """Fold anew the text that searches look at, where a process of an older version has recorded during an upgrade."""
    with opened_database() as database, database.write() as session:
        changed = refolding.refold(session.connection(), folding.fold)
    err.print(f"The text of {changed} results was folded anew.")
