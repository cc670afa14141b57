"""Importing files for someone who watches: a progress bar on a terminal, plain lines elsewhere."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from app import compression
from app.engine.db import Database
from app.errors import InvalidInput
from app.imports import batches, readers
from app.imports.batches import Tally
from app.imports.readers import Unreadable

PLAIN_EVERY = 20_000
"""Results between two lines of progress where no terminal watches."""


def check_files(names: list[str]) -> None:
    """InvalidInput for a name that is no file's."""
    for name in names:
        if name != "-" and (not Path(name).exists() or Path(name).is_dir()):
            raise InvalidInput(f"There is no file {name}.")


def import_files(database: Database, account_id: int, names: list[str]) -> int:
    """Imports one file after the other and prints what became of them; how many lines were rejected."""
    total = Tally()
    for name in names:
        tally = _import_file(database, account_id, name)
        total.recorded += tally.recorded
        total.already_known += tally.already_known
        total.rejected += tally.rejected
    print(f"{total.recorded} recorded, {total.already_known} already known, {total.rejected} rejected")
    return total.rejected


def _import_file(database: Database, account_id: int, name: str) -> Tally:
    shown = "standard input" if name == "-" else name

    def rejected(number: int | None, reason: str) -> None:
        line = f"{shown}: {'' if number is None else f'{number}: '}{reason}"
        print("".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line), file=sys.stderr)

    with _opened(name) as file, _watched(shown, file) as advanced:
        data = compression.unpacked(file)
        try:
            format = readers.format_of(name, data)
        except Unreadable as error:
            rejected(None, str(error))
            return Tally(rejected=1)
        return batches.import_file(database, account_id, data, format, rejected=rejected, advanced=advanced)


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedReader]:
    if name == "-":
        yield sys.stdin.buffer  # type: ignore[misc]
        return
    with Path(name).open("rb") as file:
        yield file


@contextmanager
def _watched(shown: str, file: IO[bytes]) -> Iterator[Callable[[Tally], None]]:
    if not sys.stderr.isatty():
        last = 0

        def line(tally: Tally) -> None:
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
        yield lambda tally: bar.update(task, completed=file.tell() if size else 0, recorded=tally.recorded)
