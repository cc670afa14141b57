"""Importing files for someone who watches: a progress bar on a terminal, plain lines elsewhere."""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from app import compression
from app.engine.db import Database
from app.errors import InvalidInput
from app.history.recording import OnConflict, OnErased
from app.imports import batches, readers
from app.imports.batches import Tally
from app.spreadsheets import CsvDialect

PLAIN_EVERY = 20_000
"""Results between two lines of progress where no terminal watches."""


def check_files(names: list[str]) -> None:
    """InvalidInput for a name that is no file's."""
    for name in names:
        if name != "-" and (not Path(name).exists() or Path(name).is_dir()):
            raise InvalidInput(f"There is no file {name}.")


def import_files(
    database: Database,
    account_id: int,
    names: list[str],
    *,
    on_conflict: OnConflict = OnConflict.KEEP,
    on_erased: OnErased = OnErased.LEAVE_OUT,
    dialect: CsvDialect = CsvDialect.RFC4180,
) -> int:
    """Imports one file after the other and prints what became of them; how many lines were rejected. `dialect` is that
    of CSV.
    """
    total = Tally()
    try:
        for name in names:
            _import_file(database, account_id, name, total, on_conflict, on_erased, dialect)
    finally:  # however far it came: doing it again goes on from there
        _warn_of("known with other content", total.conflicts, total.conflicting)
        _warn_of("left out, as they were erased", total.tombstones, total.erased)
        print(_told(total))
    return total.rejected


def _told(total: Tally) -> str:
    known = f"{total.already_known} already known"
    known += f" ({total.conflicting} of them with other content)" if total.conflicting else ""
    replaced = f", {total.replaced} replaced" if total.replaced else ""
    erased = f", {total.erased} left out as they were erased" if total.erased else ""
    return f"{total.recorded} recorded, {known}{replaced}{erased}, {total.rejected} rejected"


def _import_file(
    database: Database,
    account_id: int,
    name: str,
    total: Tally,
    on_conflict: OnConflict,
    on_erased: OnErased,
    dialect: CsvDialect,
) -> None:
    shown, tally = "standard input" if name == "-" else name, Tally()

    def rejected(number: int | None, reason: str) -> None:
        _warn(f"{shown}: {'' if number is None else f'{number}: '}{reason}")

    with _opened(name) as file, _watched(shown, file, tally) as advanced:
        data = compression.unpacked(file)  # kept to the end of the block, as the file is closed with it
        found = readers.read(name, data, dialect)
        try:
            batches.import_results(
                database,
                account_id,
                found,
                tally,
                on_conflict=on_conflict,
                on_erased=on_erased,
                rejected=rejected,
                advanced=advanced,
            )
        finally:
            total.add(tally)


def _warn_of(what: str, ids: Sequence[str], count: int) -> None:
    if ids:
        _warn(f"{what}: {', '.join(ids)}{', …' if count > len(ids) else ''}")


def _warn(line: str) -> None:
    print("".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line), file=sys.stderr)


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedReader]:
    if name == "-":
        yield sys.stdin.buffer  # type: ignore[misc]
        return
    with Path(name).open("rb") as file:
        yield file


@contextmanager
def _watched(shown: str, file: IO[bytes], tally: Tally) -> Iterator[Callable[[], None]]:
    if not sys.stderr.isatty():
        last = 0

        def line() -> None:
            nonlocal last
            if tally.recorded + tally.already_known - last >= PLAIN_EVERY:
                last = tally.recorded + tally.already_known
                print(f"{shown}: {tally.recorded} recorded, {tally.already_known} already known", file=sys.stderr)

        yield line
        return
    size = Path(shown).stat().st_size if file.seekable() and Path(shown).is_file() else None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[recorded]} recorded"), console=Console(stderr=True)) as bar:
        task = bar.add_task(shown, total=size, recorded=0)
        yield lambda: bar.update(task, completed=file.tell() if size else 0, recorded=tally.recorded)
