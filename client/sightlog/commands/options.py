"""Options that several commands have, and how what is typed becomes values."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightlog import profiles
from sightlog.commands import output

if TYPE_CHECKING:
    from sightlog.client import Client
    from sightlog.errors import SightlogError

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def known_profiles(incomplete: str) -> list[str]:
    return [name for name in profiles.load() if name.startswith(incomplete)]


Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        autocompletion=known_profiles,
        help="The saved server and key to use, whatever the environment says.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def client(profile: str | None) -> Client:
    """Of the server that the command is to ask. It says when, and why, it tries a request again."""
    from sightlog.client import Client
    from sightlog.transport import Options

    return Client(profile=profile, options=Options(told=tell_of_another_try))


def tell_of_another_try(error: SightlogError, pause: float) -> None:
    output.say(f"{error.message.rstrip('.')}; trying again in {pause:.0f} s.")


class SearchMode(str, Enum):
    ANY = "any"
    ALL = "all"


class ReviewState(str, Enum):
    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CORRECTED = "corrected"


def duration(text: str) -> timedelta:
    """`90s`, `10m`, `12h` or `7d`; BadParameter where it is none."""
    found = _DURATION.fullmatch(text.strip())
    if found is None and text.strip() != "0":
        raise typer.BadParameter(f"{text!r} is no length of time: write 90s, 10m, 12h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()


def _moment(text: str, of_day: time) -> datetime:
    text = text.strip()
    try:
        if _DURATION.fullmatch(text):
            return datetime.now(timezone.utc) - duration(text)
        at = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
        if _DAY.fullmatch(text):
            at = datetime.combine(at, of_day)
        return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time: write a day (2025-01-31), a moment (2025-01-31T10:30:00Z) or how long ago (7d, 12h)."
        ) from None


def beginning(text: str) -> datetime:
    return _moment(text, time.min)


def end(text: str) -> datetime:
    """A day ends with it."""
    return _moment(text, time.max)


def condition(text: str) -> tuple[str, Any]:
    """`model=blip` of the metadata. What is JSON is meant as such: `3` and `true` are no texts, `"3"` is one."""
    path, equals, value = text.partition("=")
    if not path or not equals:
        raise typer.BadParameter(f"{text!r} is no condition: write PATH=VALUE, such as model=blip-large.")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return path, read if isinstance(read, (str, int, float, bool)) else value


def _filter(name: str, **more: Any) -> Any:
    return typer.Option(name, rich_help_panel="Which results", show_default=False, **more)


def _typed(
    terms: Annotated[
        list[str] | None,
        typer.Argument(metavar="TERM", help="What the description says, ignoring case.", show_default=False),
    ] = None,
    search_mode: Annotated[SearchMode, _filter("--search-mode", help="One of the terms, or all of them.")] = (
        SearchMode.ANY
    ),
    exclude_search: Annotated[
        list[str] | None, _filter("--exclude", metavar="TERM", help="What the description does not say.")
    ] = None,
    start_date: Annotated[
        datetime | None,
        _filter(
            "--start-date", metavar="TIME", parser=beginning, help="A day, a moment, or how long ago (7d, 12h); in UTC."
        ),
    ] = None,
    end_date: Annotated[
        datetime | None, _filter("--end-date", metavar="TIME", parser=end, help="The same; a day is included.")
    ] = None,
    min_confidence: Annotated[
        float | None, _filter("--min-confidence", metavar="SCORE", min=0, max=1, help="0 to 1.")
    ] = None,
    max_confidence: Annotated[
        float | None, _filter("--max-confidence", metavar="SCORE", min=0, max=1, help="0 to 1.")
    ] = None,
    include_unscored: Annotated[
        bool, _filter("--include-unscored", help="With a bound of confidence: those without a score too.")
    ] = False,
    source_types: Annotated[
        list[str] | None, _filter("--source-type", metavar="TEXT", help="Such as single or batch.")
    ] = None,
    source_ids: Annotated[list[str] | None, _filter("--source-id", metavar="ID", help="Of what it came from.")] = (
        None
    ),
    image_ids: Annotated[list[str] | None, _filter("--image-id", metavar="ID", help="Of the image.")] = None,
    types: Annotated[list[str] | None, _filter("--type", metavar="TEXT", help="The type of the result.")] = None,
    metadata: Annotated[
        list[str] | None,
        _filter("--metadata", metavar="PATH=VALUE", help="What the metadata has, such as model=blip-large."),
    ] = None,
    review_states: Annotated[
        list[ReviewState] | None,
        _filter(
            "--review-state", metavar="STATE", help="By the newest verdict: unreviewed, accepted, rejected, corrected."
        ),
    ] = None,
    include_failed: Annotated[bool, _filter("--include-failed", help="Failed ones too.")] = False,
) -> dict[str, Any]:
    """What was typed, as the keyword arguments of `Client`; what was not is left out."""
    values = {
        "search": terms,
        "search_mode": search_mode.value if search_mode is not SearchMode.ANY else None,
        "exclude_search": exclude_search,
        "start_date": start_date,
        "end_date": end_date,
        "min_confidence": min_confidence,
        "max_confidence": max_confidence,
        "include_unscored": include_unscored,
        "source_types": source_types,
        "source_ids": source_ids,
        "image_ids": image_ids,
        "types": types,
        "metadata": dict(conditions(metadata or [])),
        "review_states": [state.value for state in review_states or ()],
        "include_failed": include_failed,
    }
    return {name: value for name, value in values.items() if value not in (None, False, [], {})}


def conditions(texts: list[str]) -> Iterator[tuple[str, Any]]:
    """Of all `--metadata` options."""
    try:
        yield from map(condition, texts)
    except typer.BadParameter as error:
        error.param_hint = "'--metadata'"
        raise


def filtered(run: Callable[..., None]) -> Callable[..., None]:
    """The command with the terms and options of a filter besides its own; it is given them as `filter`."""
    options = inspect.signature(_typed, eval_str=True).parameters
    own = inspect.signature(run, eval_str=True).parameters

    @functools.wraps(run)
    def filtering(**given: Any) -> None:
        run(filter=_typed(**{name: given.pop(name) for name in options}), **given)

    shown = [*(one for name, one in own.items() if name != "filter"), *options.values()]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in shown]
    # Typer asks the signature for names and defaults, and the annotations for types.
    filtering.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    filtering.__annotations__ = {one.name: one.annotation for one in parameters}
    del filtering.__wrapped__
    return filtering
