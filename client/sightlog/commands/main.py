"""The command `sightlog`. Where the server is installed too, its commands are found beside ours."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sightlog.commands import exits, exports, login, mirror, record, search, show, stats, verify

OTHERS = "sightlog.commands"
"""Entry points of other packages, each a `typer.Typer` whose commands are added."""

OF_THE_SERVER = frozenset({"accounts", "db", "demo", "erase", "import", "keys", "serve", "settings", "worker"})
"""What people type who expect the server to be here as well."""


class Commands(TyperGroup):
    """Ours, and those of other packages, which are loaded when somebody asks for one of them or for a list."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            self._load()
            found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in OF_THE_SERVER:
            ctx.fail(f"'{cmd_name}' is a command of the server, which is not installed here: it is in sightlog-server.")
        return found

    def _load(self) -> None:
        for point in entry_points(group=OTHERS):
            group = typer.main.get_command(point.load())
            for name, command in getattr(group, "commands", {}).items():
                command.rich_help_panel = command.rich_help_panel or f"The {point.name}"
                self.commands.setdefault(name, command)


app = typer.Typer(
    cls=Commands,
    help="Record what your vision models say about your images, and get it back.\n\n"
    "SIGHTLOG_URL and SIGHTLOG_API_KEY say which server to ask, and with which key, else the profile that --profile or "
    "SIGHTLOG_PROFILE names; `sightlog login` makes one. A server's own settings are environment variables that begin "
    "with SIGHTLOG_ too: where it is installed, `sightlog settings` shows them.",
    rich_markup_mode="markdown",
    epilog=exits.EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sightlog {version('sightlog')}")
        with suppress(PackageNotFoundError):
            print(f"sightlog-server {version('sightlog-server')}")
        raise typer.Exit


@app.callback()
def common(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    pass


def _add(panel: str, *commands: tuple[str, Callable[..., None]]) -> None:
    for name, run in commands:
        app.command(name, cls=exits.Command, rich_help_panel=panel)(run)


_add(
    "Results",
    ("search", search.search),
    ("show", show.show),
    ("stats", stats.stats),
    ("record", record.record),
    ("mirror", mirror.mirror),
)
_add("Exports", ("export", exports.export), ("verify", verify.verify))
app.add_typer(exports.commands, name="exports", rich_help_panel="Exports")
_add(
    "Servers and keys",
    ("login", login.login),
    ("logout", login.logout),
    ("profiles", login.list_profiles),
)


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a description goes through a terminal of any encoding
    app()
