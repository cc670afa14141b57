"""`sightlog accounts`: who has a history, and how much each may ask for."""

import sys
from typing import Annotated

import typer
from rich.table import Table
from sqlmodel import Session

from app import auth, closing, times
from app.commands.opening import err, fail, opened, show, told_plainly
from app.errors import NotFound
from app.limits import Limits

commands = typer.Typer(
    help="Create, list, rename and delete accounts, and set how much they may ask for.", no_args_is_help=True
)

Name = Annotated[str, typer.Option("--account", help="Name of the account.")]
Create = Annotated[bool, typer.Option("--create", help="Make the account, and the embedded database, if need be.")]


def id_of(session: Session, name: str, *, create: bool) -> int:
    """NotFound where there is none, unless it is to be created."""
    try:
        return auth.account_id(session, name, create=create)
    except NotFound as error:
        raise NotFound(f"{error} `sightlog accounts create` makes one, and so does --create.") from None


def limit_text(limit: int, *, is_own: bool) -> str:
    """Of an account or a key: what it may send, and whether by a limit of its own."""
    return ("no limit" if limit == 0 else str(limit)) + ("" if is_own else " (default)")


@commands.command("create")
def create_account(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]) -> None:
    """Make an account. It has no key yet: `sightlog keys create` makes one."""
    with opened(creates=True) as runtime, told_plainly(), runtime.database.write() as session:
        auth.create_account(session, name)
    err.print(f"The account '{name}' was made.")


@commands.command("rename")
def rename_account(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Name that it has.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name that it gets.")],
) -> None:
    """Give an account another name. Its keys and its history stay as they are."""
    with opened() as runtime, told_plainly(), runtime.database.write() as session:
        auth.rename_account(session, old, new)
    err.print(f"The account '{old}' is now '{new}'.")


@commands.command("delete")
def delete_account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account with all that it has: results, reviews, exports and their files, keys, sessions.

    Its name is to be typed again. When it breaks off, begin it again: it goes on from there.
    """
    with opened() as runtime, told_plainly():
        with runtime.database.read() as session:
            id_of(session, name, create=False)
        if not yes:
            if not sys.stdin.isatty():
                fail("Nobody can be asked here: say --yes.")
            if typer.prompt("All that it has is deleted for good. Type its name again", err=True) != name:
                fail("That is not its name: nothing was done.")
        taken = closing.close(runtime, name)
        empty = runtime.database.empty_log()
    counted = f"results: {taken.results}, exports: {taken.exports}, keys: {taken.keys}"
    err.print(f"The account '{name}' was deleted ({counted}).")
    if not empty:
        err.print(
            "The log of the database still holds what was deleted, as somebody reads it; it goes with the next writes."
        )


@commands.command("list")
def list_accounts() -> None:
    """List accounts, and how many requests a minute each of their keys may send."""
    table = Table("account", "created", "requests a minute", box=None)
    with opened() as runtime, told_plainly(), runtime.database.read() as session:
        for account in auth.accounts(session):
            created = times.iso(account.created_at.replace(microsecond=0))
            limit = Limits(account.rate_limit).of_account(runtime.settings.rate_limit)
            table.add_row(account.name, created, limit_text(limit, is_own=account.rate_limit is not None))
    show(table)


@commands.command("limit")
def limit_account(
    account: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")],
    limit: Annotated[str, typer.Argument(metavar="N|default", help="Requests a minute for each key; 0: no limit.")],
) -> None:
    """Set how many requests a minute each key of an account may send; `default`: as SIGHTLOG_RATE_LIMIT says.

    A key with a limit of its own keeps it, though one that was set by the account itself never exceeds the account's.
    """
    with opened() as runtime, told_plainly():
        with runtime.database.write() as session:
            own = auth.limit_account(session, account, limit)
        told = limit_text(Limits(own).of_account(runtime.settings.rate_limit), is_own=own is not None)
    err.print(f"Requests a minute for each key of '{account}': {told}.")
