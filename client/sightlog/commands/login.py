"""`sightlog login`, `logout` and `profiles`: which servers are known here, and which keys they take."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from sightlog import profiles
from sightlog.commands import options, output
from sightlog.errors import NotSignedIn, SightlogError

LONGEST_KEY = 1000

Name = Annotated[
    str,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        envvar="SIGHTLOG_PROFILE",
        autocompletion=options.known_profiles,
        help="The name of the profile.",
    ),
]


def login(
    url: Annotated[
        str | None,
        typer.Option(envvar="SIGHTLOG_URL", help="Of the server; left out: asked for, or that of the profile."),
    ] = None,
    profile: Name = profiles.DEFAULT_NAME,
) -> None:
    """Save a server and a key that it takes.

    The key is asked for, or read from a pipe: `sightlog login --url https://… < key.txt`.
    """
    import os

    from sightlog.api.operations import Operations
    from sightlog.transport import Options, Retries

    address = _address(url or _asked_url(profile))
    found = profiles.Profile(address, _key(address))
    operations = Operations(found, Options(retries=Retries(total=10)))
    try:
        viewer = operations.viewer().viewer
    finally:
        operations.close()
    path = profiles.save(profile, found)
    output.say(f"{address} takes the key: account {viewer.account_name!r}, scope {viewer.scope.value.lower()}.")
    output.say(f"It is the profile {profile!r} in {path}.")
    if os.environ.get("SIGHTLOG_API_KEY"):
        output.say("SIGHTLOG_API_KEY is set here and goes before it, unless --profile names it.")


def logout(profile: Name = profiles.DEFAULT_NAME) -> None:
    """Forget a profile and its key. The key works on, until somebody revokes it."""
    if not profiles.remove(profile):
        raise SightlogError(f"There is no profile {profile!r}; `sightlog profiles` lists them.")
    output.say(f"The profile {profile!r} is forgotten.")


def list_profiles(json: options.Json = False) -> None:
    """List the saved profiles; of the keys their beginnings."""
    saved = profiles.load()
    if not saved and not json:
        output.say("There is none yet: `sightlog login` makes one.")
    with output.Table("profile", "key", "server") as table:
        for name, one in sorted(saved.items()):
            beginning = f"{one.api_key[:17]}…"
            if json:
                output.print_json({"profile": name, "url": one.url, "key": beginning})
            else:
                table.row(name, beginning, one.url)


def _asked_url(profile: str) -> str:
    saved = profiles.load().get(profile)
    usual = saved.url if saved else profiles.DEFAULT_URL
    if not sys.stdin.isatty():
        return usual
    asked: str = typer.prompt("URL of the server", default=usual, err=True)
    return asked


def _address(url: str) -> str:
    """The URL, tidied; InvalidInput where it can be none of a server."""
    address = profiles.address(url)
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        output.say(f"{address} has no TLS: whoever listens on the way can read the key.")
    return address


def _key(address: str) -> str:
    if sys.stdin.isatty():
        key = getpass.getpass(f"API key of {address} (not shown): ")
    else:
        key = sys.stdin.readline(LONGEST_KEY)
    key = key.strip()
    if not key:
        raise NotSignedIn("No key was given.")
    return key
