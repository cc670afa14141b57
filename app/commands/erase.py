"""`sightlog erase`: what a customer asks to have deleted."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from app import times
from app.commands import accounts
from app.commands.opening import err, fail, opened, told_plainly
from app.exports import claims, erasures, runs
from app.exports.erasures import ErasureOutcome, OnErasure
from app.history import erasing, filters
from app.history.erasing import Choice
from app.runtime import Runtime

MOST = 1_000_000
"""Results that one command erases: their ids are held in memory."""

_BECAME = {
    ErasureOutcome.REMOVED: "its file was removed",
    ErasureOutcome.KEPT: "its file was kept",
    ErasureOutcome.RESTARTED: "it was running and begins anew",
}


def erase_results(
    account: accounts.Name,
    id: Annotated[
        list[str] | None, typer.Option("--id", help="Results by their ids; as often as need be. They are kept out too.")
    ] = None,
    image_id: Annotated[list[str] | None, typer.Option("--image-id", help="All results of images.")] = None,
    before: Annotated[str | None, typer.Option(metavar="TIME", help="Those created before a day or a moment.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Those created then or later.")] = None,
    type: Annotated[list[str] | None, typer.Option("--type", help="Those of a type.")] = None,
    source_type: Annotated[list[str] | None, typer.Option(help="Those of a source type.")] = None,
    source_id: Annotated[list[str] | None, typer.Option(help="Those of a source.")] = None,
    search: Annotated[list[str] | None, typer.Option(help="Those in whose text a term occurs.")] = None,
    expect: Annotated[
        int | None, typer.Option(min=0, help="How many there are; nothing is done if it is another number.")
    ] = None,
    keep_exports: Annotated[
        bool, typer.Option("--keep-exports", help="Keep the files of exports that may hold them; they are listed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needs --expect.")] = False,
) -> None:
    """Erase results for good: by ids, by images, or all that the other options leave, failed ones too.

    With them go their reviews, and the files of exports that may hold them. Importing or sending them again does not
    bring them back, unless it is forced. It goes a thousand at a time; when it breaks off, begin it again.
    """
    with opened() as runtime, told_plainly():
        given = {
            "start_date": since and _moment("--since", since),
            "end_date": before and _moment("--before", before) - timedelta(microseconds=1),
            "types": type,
            "source_types": source_type,
            "source_ids": source_id,
            "search": search,
        }
        values = {name: value for name, value in given.items() if value}
        wanted = Choice(
            ids=id or (),
            image_ids=image_id or (),
            filter=filters.of(values | {"include_failed": True}) if values else None,
            expected_count=expect or 0,
        )
        with runtime.database.read() as session:
            account_id = accounts.id_of(session, account, create=False)
            count = erasing.count(session, account_id, wanted, MOST)
        if yes and expect is None:
            fail(f"With --yes, say how many you expect: {count} are there, so --expect {count}.")
        if not yes:
            files = "keep" if keep_exports else "remove"
            ask(f"Erase {count} results of '{account}' for good, and {files} the files of exports that may hold them?")
        wanted = replace(wanted, expected_count=count if expect is None else expect)
        how = OnErasure.KEEP if keep_exports else OnErasure.REMOVE
        done = erasures.erase(runtime.database, account_id, wanted, how, most=MOST)
        print(f"Results erased: {done.erased}.")
        for export in done.exports:
            print(f"Export {export.id} may have held some: {_BECAME[export.outcome]}.")
        _leave_nothing_behind(runtime, account_id)


def ask(question: str) -> None:
    """Goes on where somebody says yes."""
    if not sys.stdin.isatty():
        fail("Nobody can be asked here: say --yes.")
    if not typer.confirm(question, err=True):
        fail("Nothing was done.")


def _leave_nothing_behind(runtime: Runtime, account_id: int) -> None:
    try:
        while runs.clean(runtime, account_id) == claims.MAX_CLEANED:
            pass
    except OSError as error:
        err.print(f"Files that are to go are still there, and a worker removes them: {error}")
    if not runtime.database.empty_log():
        err.print("The log of the database still holds what was erased, as somebody reads it: run the command again.")


def _moment(option: str, text: str) -> datetime:
    try:
        return times.parse(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
