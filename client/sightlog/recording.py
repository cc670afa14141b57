"""Results to record, in requests that the server takes."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from sightlog.api.enums import DescriptionStatus
from sightlog.api.fragments import Result
from sightlog.api.input_types import DescriptionInput
from sightlog.errors import InvalidInput, SightlogError, TooLarge
from sightlog.filters import like, one_of

MOST = 10_000
"""Results of one request."""

Given = Mapping[str, Any] | DescriptionInput | Result


@dataclass
class Recorded:
    """What recording did; the ids are of all results, in the order given."""

    recorded: int = 0
    already_known: int = 0
    conflicting: int = 0
    ids: list[str] = field(default_factory=list)
    conflicting_ids: list[str] = field(default_factory=list)

    def add(self, told: Any) -> None:
        """What the server says of one request."""
        self.recorded += told.recorded
        self.already_known += told.already_known
        self.conflicting += told.conflicting
        self.ids += told.ids
        self.conflicting_ids += told.conflicting_ids


class Batches:
    """Results as requests: as many as one may have, or fewer where the server finds them too large."""

    def __init__(self, results: Iterable[Given], most: int = MOST) -> None:
        self._inputs = (input_of(result, place) for place, result in enumerate(results))
        self._most = most
        self._first = 0
        self._batch: list[DescriptionInput] = []
        self._left: list[list[DescriptionInput]] = []

    def __iter__(self) -> Iterator[list[DescriptionInput]]:
        while batch := self._left.pop() if self._left else list(islice(self._inputs, self._most)):
            self._batch = batch
            yield batch
            self._first += len(self._batch)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """One that is too large is halved, and its halves come next. Any other error names the place of its result
        among all, where the server names that in the request.
        """
        try:
            yield
        except SightlogError as error:
            if isinstance(error, TooLarge) and len(self._batch) > 1:
                half = len(self._batch) // 2
                self._left += [self._batch[half:], self._batch[:half]]
                self._batch = []
                return
            error.field = _placed(error.field, self._first)
            raise


def input_of(given: Given, place: int) -> DescriptionInput:
    """With an id, so that it is harmless to send it twice. InvalidInput for what is no result."""
    if isinstance(given, DescriptionInput):
        return given if given.id is not None else given.model_copy(update={"id": uuid7()})
    values = dict(given) if isinstance(given, Mapping) else {name: getattr(given, at) for name, at in _NAMES.items()}
    for name in values:
        if name not in _NAMES:
            raise InvalidInput(f"A result has no {name!r}{like(name, _NAMES)}", field=f"input.{place}.{name}")
    if values.get("status") is not None:
        values["status"] = one_of(DescriptionStatus, "status", values["status"], field=f"input.{place}.status")
    values["id"] = values.get("id") or uuid7()
    try:
        return DescriptionInput(**{_NAMES[name]: value for name, value in values.items()})
    except ValidationError as error:
        told = error.errors()[0]
        name = str(told["loc"][0])
        message = (
            f"{name}: {told['msg']}." if told["type"] == "missing" else f"{name}: {told['msg']}, not {told['input']!r}."
        )
        raise InvalidInput(message, field=f"input.{place}.{name}") from None


def _placed(field: str | None, first: int) -> str | None:
    head, _, rest = (field or "").partition(".")
    place, dot, name = rest.partition(".")
    if head == "input" and place.isascii() and place.isdigit():
        return f"input.{first + int(place)}{dot}{name}"
    return field


def uuid7() -> str:
    """RFC 9562: milliseconds since 1970, then random bits."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) & ~(0x3 << 62) | (0x7 << 76) | (0x2 << 62)
    return str(uuid.UUID(int=value))


_NAMES = {name.rstrip("_"): name for name in DescriptionInput.model_fields}
