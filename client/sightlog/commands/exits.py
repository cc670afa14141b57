"""How a command ends: its exit code, and one sentence on standard error about what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from typer.core import TyperCommand

from sightlog.commands import output
from sightlog.errors import Forbidden, InvalidInput, NotSignedIn, SightlogError, StillRunning

DONE, FAILED, USAGE, SIGN_IN, RUNNING, INTERRUPTED = 0, 1, 2, 4, 69, 130

MEANINGS = {
    DONE: "done",
    FAILED: "failed",
    USAGE: "not to be understood as typed",
    SIGN_IN: "sign-in needed, or another key",
    RUNNING: "the export is still running",
    INTERRUPTED: "Ctrl-C",
}
EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items()) + "."


class Command(TyperCommand):
    """A command that ends as this module says."""

    def invoke(self, ctx: Any) -> Any:
        with told():
            return super().invoke(ctx)


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong inside is one sentence and an exit code. A reader who has read enough (`| head`) is no error."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        let_go()
        raise
    except SightlogError as error:
        output.complain(sentence(error))
        let_go()
        raise typer.Exit(code_of(error)) from None
    except BrokenPipeError:
        let_go()
        raise typer.Exit(DONE) from None
    except ValueError as error:
        if type(error).__name__ != "ValidationError":  # pydantic's, which is not imported for the others
            raise
        output.complain("The server's answer is not understood; it may be newer than this client: update `sightlog`.")
        let_go()
        raise typer.Exit(FAILED) from error
    except OSError as error:
        output.complain(f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror or error}.")
        let_go()
        raise typer.Exit(FAILED) from None


def code_of(error: SightlogError) -> int:
    if isinstance(error, StillRunning):
        return RUNNING
    if isinstance(error, (NotSignedIn, Forbidden)):
        return SIGN_IN
    return USAGE if isinstance(error, InvalidInput) else FAILED


def sentence(error: SightlogError) -> str:
    """What it says, and what to do where it does not say that: to sign in, or to look for the request in the log."""
    if isinstance(error, NotSignedIn) and "sightlog login" not in error.message:
        return f"{error.message} `sightlog login` saves another one."
    if error.request_id and error.code == "INTERNAL_ERROR":
        return f"{error.message} The server's log has more of the request {error.request_id}."
    return error.message


def let_go() -> None:
    """What cannot be written is forgotten: Python would try again when the process ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
