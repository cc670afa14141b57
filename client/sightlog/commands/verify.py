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
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Trust the keys of this file alone, and take no receipt without a signature of theirs: what the "
            "server's /.well-known/sightlog-key says, or one key as base64.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare exported files with the receipts beside them: rows, bytes, SHA-256, signature. Needs no server.

    Signatures are checked with the keys that servers told when files were fetched from them. All of the files are
    looked at; the exit code is 1 if one of them, or a signature, is wrong.
    """
    from sightlog import receipts, signatures

    is_good = True
    for file in files:
        try:
            receipt = receipts.verify(file, key)
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
            by = f", signed with the key {receipt.signed_by}" if receipt.signed_by else ""
            if key is None and receipt.signed_by:
                by += f" of {signatures.server_of(receipt.signed_by)}"
            print(f"{file} is as its receipt says: {receipt.told}{by}")
            if receipt.unchecked:
                output.say(receipt.unchecked)
    if not is_good:
        raise typer.Exit(exits.FAILED)
