"""The command `sightlog`. Where the server is installed too, its commands are found beside ours."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

OTHERS = "sightlog.commands"
"""Entry points of other packages, each a `typer.Typer` whose commands are added."""


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
        return found

    def _load(self) -> None:
        for point in entry_points(group=OTHERS):
            group = typer.main.get_command(point.load())
            for name, command in getattr(group, "commands", {}).items():
                self.commands.setdefault(name, command)


app = typer.Typer(
    cls=Commands,
    help="Record what your vision models say about your images, and get it back.\n\n"
    "A server's settings are environment variables that begin with SIGHTLOG_; where the server is installed,\n"
    "`sightlog settings` shows them.",
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


def main() -> None:
    app()
