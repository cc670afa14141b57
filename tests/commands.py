"""`sightlog` commands that run in this process, which saves each the second that a process of its own takes."""

import logging
import os
import re
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from sightlog.commands import main
from tools.stack import Stack

_NAMED = re.compile(rb"\ADatabase: .*\n")


def invoke(environment: Mapping[str, str], *arguments: str, input: bytes = b"") -> Result:
    """What `sightlog arguments…` does with these settings, without the line that names the database; an error that it
    does not handle is raised here.
    """
    done = invoke_plainly(environment, *arguments, input=input)
    done.stderr_bytes = _NAMED.sub(b"", done.stderr_bytes or b"")
    return done


def invoke_plainly(environment: Mapping[str, str], *arguments: str, input: bytes = b"") -> Result:
    """The same, with that line."""
    ours = ("SIGHTLOG_", "AWS_")
    settings: dict[str, str | None] = {name: None for name in os.environ if name.startswith(ours)}
    settings |= {name: value for name, value in environment.items() if name.startswith(ours)}
    try:
        return CliRunner().invoke(main.app, arguments, input=input, env=settings, catch_exceptions=False)
    finally:
        logging.captureWarnings(False)  # which a command turns on for the process that it has for itself


def sightlog(stack: Stack, *arguments: str, input: bytes = b"") -> Result:
    return invoke(stack.environment, *arguments, input=input)
