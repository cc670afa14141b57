"""`sightlog mirror`: a history brought along from another server."""

from __future__ import annotations

import dataclasses
import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightlog.commands import exits, options

if TYPE_CHECKING:
    from sightlog.mirror.ledger import Ledger
    from sightlog.mirror.run import Mirror, Report
    from sightlog.mirror.stopping import Stopping

SOURCE_KEY = "SIGHTLOG_SOURCE_KEY"

AGAIN = "Stopped. Run the same command to go on."

_MOST_SHOWN = 20


class By(str, Enum):
    either = "either"
    export = "export"
    pages = "pages"


def _seconds(text: str) -> int:
    seconds = int(options.duration(text).total_seconds())
    if not seconds:
        raise typer.BadParameter(f"{text!r} is no time at all: write 30s, 15m, 6h or 1d.")
    return seconds


def mirror(
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="The API to read from, like https://host/api/v2/data.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="PROFILE", help="Where it goes; else SIGHTLOG_URL and SIGHTLOG_API_KEY say.")
    ] = "",
    from_key_stdin: Annotated[
        bool, typer.Option("--from-key-stdin", help=f"Read the key for --from from standard input, not {SOURCE_KEY}.")
    ] = False,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="Go on, and look for new results that often: 15m.")
    ] = "",
    state: Annotated[
        str, typer.Option(metavar="FILE", help="Keeps how far it is; by default a file for each pair of servers.")
    ] = "",
    refused: Annotated[
        str,
        typer.Option(metavar="FILE", help="Lists rows that cannot be recorded; default: beside the state."),
    ] = "",
    by: Annotated[By, typer.Option(help="How to read; either: by export, by pages where exports are refused.")] = (
        By.either
    ),
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back a new pass begins, for results that came late.")
    ] = "1h",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace known results that differ; needs a key with the scope admin.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON, a line for each pass.")] = False,
) -> None:
    """Bring a history along from any server of the documented Data Export API, and prove that it is all here.

    Run again, it goes on where it was. Exits with 0 where both sides agree, 1 where they do not or something failed,
    4 where another key is needed, 69 where it was stopped before its end.
    """
    pause = _seconds(every) if every else None
    overlap_seconds = _seconds(overlap)
    from sightlog.errors import NotSignedIn, SightlogError
    from sightlog.mirror.stopping import Stopped, Stopping

    status = exits.DONE
    with Stopping() as stopping:
        try:
            key = _source_key(from_key_stdin)
            status = _run(source, key, to, state, refused, by, overlap_seconds, replace, pause, as_json, stopping)
        except Stopped:
            status = exits.DONE if pause else exits.RUNNING
            _say(AGAIN)
        except NotSignedIn as error:  # whichever side it is of, which the message says
            _say(error.message)
            status = exits.SIGN_IN
        except SightlogError as error:
            if exits.code_of(error) == exits.FAILED:
                _say(AGAIN)
            raise
    raise typer.Exit(status)


def _source_key(from_stdin: bool) -> str:
    from sightlog.errors import NotSignedIn

    key = (sys.stdin.readline() if from_stdin else os.environ.get(SOURCE_KEY, "")).strip()
    if not key:
        raise NotSignedIn(f"The key for --from is not known: set {SOURCE_KEY}, or pipe it to --from-key-stdin.")
    return key


def _run(
    url: str,
    key: str,
    to: str,
    state: str,
    refused: str,
    by: By,
    overlap: int,
    replace: bool,
    pause: int | None,
    as_json: bool,
    stopping: Stopping,
) -> int:
    from sightlog import profiles
    from sightlog.api.enums import OnConflict, Scope
    from sightlog.api.operations import Operations
    from sightlog.errors import Forbidden, NotSignedIn
    from sightlog.mirror import state as states
    from sightlog.mirror.bounds import Bounds
    from sightlog.mirror.ledger import Ledger
    from sightlog.mirror.run import Mirror
    from sightlog.mirror.source import PATIENT, Source
    from sightlog.mirror.target import Target

    profile = profiles.find(profile=to or None)
    patient = dataclasses.replace(PATIENT, told=options.tell_of_another_try)
    there = Source(url, key, patient)
    operations = Operations(profile, patient)
    try:
        try:
            viewer = operations.viewer().viewer
        except NotSignedIn as error:
            raise NotSignedIn(f"{profile.url} does not take its key: {error.message}") from error
        needed = (Scope.ADMIN,) if replace else (Scope.WRITE, Scope.ADMIN)
        if viewer.scope not in needed:
            wanted = "admin" if replace else "write"
            raise Forbidden(f"The key for {profile.url} may not record this: it needs the scope {wanted}.")
        target = f"{profile.url} ({viewer.account_name})"
        path = Path(state) if state else states.default_path(there.url, target)
        known = states.load(path, there.url, target)
        ledger = Ledger(Path(refused) if refused else path.with_suffix(".refused.jsonl"))
        mirror = Mirror(
            there,
            Target(operations, OnConflict.REPLACE if replace else OnConflict.KEEP),
            known,
            ledger,
            bounds=Bounds(overlap=overlap),
            by=by.value,
            say=_say,
            hold=stopping.held,
        )
        return _passes(mirror, ledger, pause, as_json)
    finally:
        there.close()
        operations.close()


def _passes(mirror: Mirror, ledger: Ledger, pause: int | None, as_json: bool) -> int:
    import time

    from sightlog.errors import Forbidden, NotSignedIn, SightlogError

    while True:
        try:
            report = mirror.once()
            _tell(report, ledger, as_json)
            status = exits.FAILED if report.differences else exits.DONE
        except (NotSignedIn, Forbidden):
            raise
        except SightlogError as error:
            if pause is None:
                raise
            _say(f"{error.message} It goes on in {pause} seconds.")
        if pause is None:
            return status
        time.sleep(pause)


def _tell(report: Report, ledger: Ledger, as_json: bool) -> None:
    from dataclasses import asdict

    from sightlog.mirror import moments

    tally, at = report.tally, moments.text(report.horizon)
    if as_json:
        import json

        told = asdict(report) | {"horizon": at, "agree": not report.differences, "refused_rows": str(ledger.path)}
        print(json.dumps(told), flush=True)
        return
    print(
        f"{tally.read} read, {tally.failed} of them failed results; {tally.recorded} recorded, {tally.known} already "
        f"known, {tally.replaced} replaced, {tally.refused} refused; {report.seconds:.1f} s"
    )
    if tally.conflicting:
        print(f"{tally.conflicting} of the known ones differ and were kept; --replace takes the other side's.")
    if tally.erased:
        print(f"{tally.erased} were left out, as they had been erased here.")
    if tally.refused or len(ledger):
        print(f"{len(ledger)} rows cannot be recorded; {ledger.path} says why.")
    for name, count in sorted(tally.left_out.items()):
        print(f"The key {name!r} of {count} rows has no place here and was left out.")
    if not report.differences:
        days = "" if report.days is None else f" on {report.days} days"
        print(f"Both sides agree up to {at}: {report.total} results{days}.")
    else:
        print(f"The two sides do not agree up to {at}:")
        for one in report.differences[:_MOST_SHOWN]:
            print(f"  {one}")
        if len(report.differences) > _MOST_SHOWN:
            print(f"  and {len(report.differences) - _MOST_SHOWN} more; --json lists all")
    sys.stdout.flush()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
