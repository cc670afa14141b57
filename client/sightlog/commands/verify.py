"""`sightlog verify`: is a file still what the server wrote? Without a connection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightlog.commands import exits, options, output
from sightlog.errors import SightlogError


def verify(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Beside its FILE.receipt.json.", show_default=False)
    ],
    json: options.Json = False,
) -> None:
    """Compare exported files with the receipts beside them: rows, bytes, SHA-256. Needs no server.

    All of the files are looked at; the exit code is 1 if one of them differs.
    """
    from sightlog import receipts

    is_good = True
    for file in files:
        try:
            receipt = receipts.verify(file)
        except SightlogError as error:
            is_good = False
            if json:
                output.print_json({"file": str(file), "ok": False, "reason": error.message})
            else:
                output.complain(error.message)
            continue
        if json:
            output.print_json({"file": str(file), "ok": True, "receipt": receipt})
        else:
            told = f"{receipt.rows:,} rows, {receipt.bytes:,} bytes, SHA-256 {receipt.sha256}"
            print(f"{file} is as its receipt says: {told}")
    if not is_good:
        raise typer.Exit(exits.FAILED)
