"""`sightlog settings`: what is set, and by whom."""

from typing import Annotated

import typer
from rich.table import Table

from app import settings
from app.commands.opening import read_settings, show


def show_settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Every default and meaning, as a table.")] = False,
) -> None:
    """Show every setting with the value in force and where it comes from. Secrets and passwords are hidden.

    With --markdown: what each means and its default, as a Markdown table.
    """
    if markdown:
        print(settings.table())
        return
    table = Table("variable", "value", "from", box=None)
    for variable, value, origin in settings.in_force(read_settings()):
        table.add_row(variable, value, origin)
    show(table)
