"""Many results in one request. One that cannot be kept does not hold up the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

from sightlog.errors import InvalidInput, ServerFailed, SightlogError, TooLarge, placed
from sightlog.rows import Refusal, Row, named

SUSPECTS = 3
"""So many single results may fail before any of a batch succeeds; then the fault is not that of the results."""


class Post(Protocol):
    """Sends results; the server's `rows` of them, in any order. SightlogError where all were refused."""

    def __call__(self, rows: Sequence[Row], /) -> list[dict[str, Any]]: ...


@dataclass
class Delivered:
    """What became of a batch. `left` are those of which nothing is known, because of `error`; they can be sent again.

    Of `known` results, `conflicting` were given with other content than what is kept. `erased` were left out by the
    server, which had erased them before.
    """

    recorded: int = 0
    known: int = 0
    conflicting: int = 0
    erased: int = 0
    refused: list[tuple[Row, Refusal]] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    error: SightlogError | None = None


def body() -> Callable[[Sequence[Row]], bytes]:
    """How a request with results is written."""
    document = (resources.files("sightlog") / "operations" / "record.graphql").read_text("utf-8")
    head = f'{{"query":{json.dumps(document)},"operationName":"RecordRows","variables":{{"input":['.encode()
    return lambda rows: head + b",".join([row.line for row in rows]) + b"]}}"


def deliver(rows: Sequence[Row], post: Post) -> Delivered:
    """Sends the results, as one request if none of them makes the server refuse all.

    A result that the server names is refused, and so is one that alone is too large. Where it names none, halves are
    tried, down to the results that fail alone; they are refused if others succeed, and else all are left.
    """
    done = Delivered()
    waiting = [_without_twins(rows, done)] if rows else []
    suspects: list[tuple[Row, SightlogError]] = []
    while waiting:
        part = waiting.pop()
        try:
            _count(part, post(part), done)
        except SightlogError as error:
            place = _named(error, len(part))
            if place is not None:
                done.refused.append((part[place], _refusal(error)))
                waiting.extend(rest for rest in [part[:place] + part[place + 1 :]] if rest)
            elif not _may_be_of_one(error):
                done.left, done.error = _all(part, waiting, suspects), error
                return done
            elif len(part) > 1:
                waiting.extend((part[len(part) // 2 :], part[: len(part) // 2]))
            elif isinstance(error, TooLarge):
                done.refused.append((part[0], _refusal(error)))
            else:
                suspects.append((part[0], error))
                if len(suspects) >= SUSPECTS and not _succeeded(done):
                    done.left, done.error = _all([], waiting, suspects), error
                    return done
    if suspects and not _succeeded(done):
        done.left, done.error = _all([], [], suspects), suspects[-1][1]
    else:
        done.refused.extend((row, _refusal(error)) for row, error in suspects)
    return done


def _without_twins(rows: Sequence[Row], done: Delivered) -> list[Row]:
    """The server takes an id once in a batch. The second of two is known, as it would be a batch later."""
    first: dict[str, Row] = {}
    for row in rows:
        if row.id in first:
            done.known += 1
            done.conflicting += first[row.id].line != row.line
        else:
            first[row.id] = row
    return list(first.values())


def _count(rows: Sequence[Row], answered: list[dict[str, Any]], done: Delivered) -> None:
    if sorted(told["index"] for told in answered) != list(range(len(rows))):
        raise ServerFailed(f"The server told of {len(answered)} of {len(rows)} results.")
    for told in answered:
        outcome = told["outcome"]
        if outcome == "REFUSED":
            error = told.get("error") or {}
            message = error.get("message") or "It was refused."
            reason = Refusal(error.get("code") or "VALIDATION_ERROR", _field(error.get("field")), message)
            done.refused.append((rows[told["index"]], reason))
        elif outcome == "RECORDED":
            done.recorded += 1
        elif outcome == "ERASED":
            done.erased += 1
        else:
            done.known += 1
            done.conflicting += outcome == "CONFLICTING"


def _named(error: SightlogError, count: int) -> int | None:
    """The place of the result that an error is about."""
    found = placed(error.field) if isinstance(error, InvalidInput) else None
    return found[0] if found and found[0] < count else None


def _may_be_of_one(error: SightlogError) -> bool:
    """What is told of nothing but the server, such as a proxy's answer or a name that it does not know, is not."""
    return isinstance(error, TooLarge) or (
        isinstance(error, (InvalidInput, ServerFailed)) and error.code in ("VALIDATION_ERROR", "INTERNAL_ERROR")
    )


def _refusal(error: SightlogError) -> Refusal:
    return Refusal(error.code or "PAYLOAD_TOO_LARGE", _field(error.field), error.message)


def _field(place: str | None) -> str | None:
    """The last part, as files name it."""
    found = placed(place)
    return named(found[1]) if found and found[1] else None


def _succeeded(done: Delivered) -> bool:
    return done.recorded > 0 or done.known > 0 or done.erased > 0


def _all(
    part: Sequence[Row], waiting: Sequence[Sequence[Row]], suspects: Sequence[tuple[Row, SightlogError]]
) -> list[Row]:
    return [*(row for row, _ in suspects), *part, *(row for rest in reversed(waiting) for row in rest)]
