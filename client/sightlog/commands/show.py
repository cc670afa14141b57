"""`sightlog show`: all that is known of one result."""

from __future__ import annotations

import json as json_text
from typing import Annotated, Any

import typer

from sightlog.commands import options, output


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="Of a result; `search` shows it.", show_default=False)],
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Show one result, with its metadata and what people said of it."""
    with options.client(profile) as client:
        result = client.description(id)
    if json:
        output.print_json(result)
        return
    said = output.as_json(result)
    reviews = said.pop("reviews", [])
    output.details(
        [
            *((name.replace("_", " "), _text(value)) for name, value in said.items()),
            *(("review", _review(one)) for one in reviews),
        ]
    )


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json_text.dumps(value, ensure_ascii=False, indent=2) if value else ""
    return "" if value is None else str(value)


def _review(one: dict[str, Any]) -> str:
    told = f"{one['at']} {one['verdict']} by {one['by']}"
    return ": ".join([told, *(text for text in (one["text"], one["note"]) if text)])
