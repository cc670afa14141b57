"""`sightlog record`: results from a pipe, one JSON object a line, or one from options."""

from __future__ import annotations

import json as json_text
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sightlog.commands import exits, lines, options, output
from sightlog.errors import InvalidInput, SightlogError, TooLarge

if TYPE_CHECKING:
    from sightlog.api.input_types import DescriptionInput
    from sightlog.client import Client

ANSWERS = frozenset({"review_state", "reviews"})
"""Names that `search --json` and `show --json` print and that nobody records."""

SAYS_SOMETHING = frozenset({"description", "image_url", "image_id", "error_message"})
"""Without any of these, options were not meant as one result."""


class OnConflict(str, Enum):
    KEEP = "keep"
    REPLACE = "replace"


def _one(name: str, **more: Any) -> Any:
    return typer.Option(name, rich_help_panel="One result", show_default=False, **more)


def record(
    description: Annotated[str | None, _one("--description", metavar="TEXT", help="What the model said.")] = None,
    image_url: Annotated[str | None, _one("--image-url", metavar="URL", help="Where the image is.")] = None,
    image_id: Annotated[str | None, _one("--image-id", metavar="ID", help="What you call the image.")] = None,
    confidence_score: Annotated[
        float | None,
        _one("--confidence-score", metavar="SCORE", min=0, max=1, help="How certain the model is, 0 to 1."),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        _one("--metadata", metavar="NAME=VALUE", help="Such as model=blip-large; as often as need be."),
    ] = None,
    error_message: Annotated[
        str | None, _one("--error-message", metavar="TEXT", help="Why it failed; a result with one is a failed one.")
    ] = None,
    source_type: Annotated[str | None, _one("--source-type", metavar="TEXT", help="Left out: single.")] = None,
    source_id: Annotated[str | None, _one("--source-id", metavar="ID", help="What it came from.")] = None,
    created_at: Annotated[
        datetime | None, _one("--created-at", metavar="TIME", parser=options.beginning, help="Left out: now.")
    ] = None,
    id: Annotated[
        str | None, _one("--id", metavar="ID", help="Recording an id twice is harmless. Left out: a new one.")
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option(help="What becomes of a known result that is given with other content; replacing needs `admin`."),
    ] = OnConflict.KEEP,
    refused: Annotated[
        Path | None,
        typer.Option("--refused", metavar="FILE", help="Refused lines are written there, to be mended and sent again."),
    ] = None,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Record results: from a pipe, one JSON object a line with the names that files have, or one from options.

    What `search --json` and JSONL exports print can be recorded. A line that is refused is told with its number and the
    reason; the rest goes on, and the exit code is 1. Prints the id of one from options; --json, what became of each.
    """
    given: dict[str, Any] = {
        "id": id,
        "source_type": source_type,
        "source_id": source_id,
        "created_at": created_at,
        "image_url": image_url,
        "image_id": image_id,
        "description": description,
        "confidence_score": confidence_score,
        "error_message": error_message,
    }
    values = {name: value for name, value in given.items() if value is not None}
    if metadata:
        values["metadata"] = dict(options.conditions(metadata))
    if values and not SAYS_SOMETHING & values.keys():
        raise typer.BadParameter(
            "One result needs --description, --image-url, --image-id or --error-message; lines of a pipe name all of "
            "their own values."
        )
    if not values and sys.stdin.isatty():
        raise typer.BadParameter("There is nothing to record: pipe JSON lines in, or give --description.")

    with options.client(profile) as client, refused.open("wb") if refused else nullcontext() as kept:
        recording = _Recording(client, on_conflict, shown=json, kept=kept)
        if values:
            recording.one({"source_type": "single"} | ({"status": "failed"} if error_message else {}) | values)
        else:
            recording.stream(_stdin())
    if recording.counts["refused"]:
        raise typer.Exit(exits.FAILED)


def _stdin() -> IO[bytes]:
    """As a file of its own: Python ends with an error while a thread waits for a line in `sys.stdin`."""
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except (OSError, ValueError):  # what stands in for it has no descriptor
        return sys.stdin.buffer


class _Recording:
    """What is sent, what became of it, and who hears of that."""

    def __init__(self, client: Client, on_conflict: OnConflict, *, shown: bool, kept: IO[bytes] | None) -> None:
        self._client = client
        self._on_conflict = on_conflict
        self._shown = shown
        self._kept = kept
        self.counts: Counter[str] = Counter()

    def one(self, values: dict[str, Any]) -> None:
        """Prints its id."""
        row = self._ask([result_of(values)])[0]
        if row.error:
            raise InvalidInput(_with_our_names(row.error.message))
        outcome = row.outcome.value.lower()
        if self._shown:
            output.print_json({"id": row.id, "outcome": outcome})
        else:
            print(row.id)
        if outcome == "conflicting":
            output.say("It is known with other content, which was kept.")
        if outcome == "erased":
            output.say("It was erased before, and was not recorded again.")

    def stream(self, stream: IO[bytes]) -> None:
        last = 0
        try:
            for group in lines.groups(stream):
                self._group(group)
                last = group[-1].number
        except SightlogError as error:
            error.message = f"{error.message} {_what_is_done(last)}"
            raise
        except KeyboardInterrupt:
            output.say(_what_is_done(last))
            raise
        output.say(_summary(self.counts))

    def _group(self, group: list[lines.Line]) -> None:
        batch: dict[str, Sent] = {}
        for line in group:
            try:
                sent = read(line)
            except InvalidInput as error:
                self._refuse(line, None, error.message)
                continue
            if sent.id in batch:  # twice in one request it would be refused, in two it is known
                self._send(list(batch.values()))
                batch.clear()
            batch[sent.id] = sent
        if batch:
            self._send(list(batch.values()))

    def _send(self, batch: list[Sent]) -> None:
        from sightlog import recording

        def refuse(sent: Sent, error: Exception) -> None:
            too_large = "It is larger than the server takes."
            self._refuse(sent.line, sent.given_id, too_large if isinstance(error, TooLarge) else str(error))

        recording.in_parts(batch, self._send_at_once, refuse)

    def _send_at_once(self, batch: Sequence[Sent]) -> None:
        rows = self._ask([sent.result for sent in batch])
        for sent, row in zip(batch, rows, strict=True):
            if row.error:
                self._refuse(sent.line, sent.given_id, row.error.message)
                continue
            outcome = row.outcome.value.lower()
            self.counts[outcome] += 1
            self._show({"line": sent.line.number, "id": row.id, "outcome": outcome})
        self._flush()

    def _ask(self, batch: list[DescriptionInput]) -> list[Any]:
        """What became of each."""
        from sightlog.api import enums

        how = enums.OnConflict(self._on_conflict.value.upper())
        return self._client.operations.record_rows(batch, how).record_descriptions.rows

    def _refuse(self, line: lines.Line, id: str | None, reason: str) -> None:
        self.counts["refused"] += 1
        reason = _with_our_names(reason)
        if self._kept and not line.is_too_long:
            self._kept.write(line.content.rstrip(b"\n") + b"\n")
            self._kept.flush()
        self._show({"line": line.number, "id": id, "outcome": "refused", "reason": reason})
        output.say(f"line {line.number}{f' ({id})' if id else ''}: {reason}")

    def _show(self, row: dict[str, Any]) -> None:
        if self._shown:
            try:
                output.print_json(row)
            except BrokenPipeError:
                self._flush()

    def _flush(self) -> None:
        """Who reads what became of the lines may leave; they are recorded all the same."""
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._shown = False
            exits.let_go()


class Sent(NamedTuple):
    """A line and what it says. `given_id`: the id that is in the line; without one the result has got a new one here,
    so that sending it twice is harmless.
    """

    line: lines.Line
    result: DescriptionInput
    given_id: str | None

    @property
    def id(self) -> str:
        assert self.result.id is not None
        return self.result.id


def read(line: lines.Line) -> Sent:
    """InvalidInput where the line is no result."""
    if line.is_too_long:
        raise InvalidInput(f"It is longer than {lines.LONGEST >> 20} MiB.")
    try:
        text = line.content.decode("utf-8-sig" if line.number == 1 else "utf-8")
        values = json_text.loads(text, parse_constant=_no_number)
        json_text.dumps(values, ensure_ascii=False).encode()  # an escaped half of a surrogate is no text
    except UnicodeError:
        raise InvalidInput("It is not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"It is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise InvalidInput("It is no JSON object.")
    return Sent(line, result_of(values), values.get("id") or None)


def result_of(values: dict[str, Any]) -> DescriptionInput:
    from sightlog import recording

    return recording.input_of({name: value for name, value in values.items() if name not in ANSWERS}, 0)


def _with_our_names(reason: str) -> str:
    """With the names that lines have: the server says `confidenceScore: …`."""
    name, colon, rest = reason.partition(":")
    return re.sub("(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", name) + colon + rest if colon else reason


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number there")


def _what_is_done(last: int) -> str:
    if not last:
        return "None of the lines is known to be done."
    return f"The lines up to {last} are done; `tail -n +{last + 1}` gives the others."


def _summary(counts: Counter[str]) -> str:
    known = counts["known"] + counts["conflicting"]
    told = [f"{counts['recorded']:,} recorded", f"{known:,} already known", f"{counts['refused']:,} refused"]
    if counts["replaced"]:
        told.append(f"{counts['replaced']:,} replaced")
    kept = f" Known with other content, which was kept: {counts['conflicting']:,}." if counts["conflicting"] else ""
    erased = f" Left out, as they were erased before: {counts['erased']:,}." if counts["erased"] else ""
    return f"{', '.join(told)}.{kept}{erased}"
