"""Results to record, in requests that the server takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from sightlog.api.enums import DescriptionStatus, RecordOutcome
from sightlog.api.fragments import Result
from sightlog.api.input_types import DescriptionInput
from sightlog.api.record_descriptions import RecordDescriptionsRecordDescriptions
from sightlog.api.record_rows import RecordRowsRecordDescriptions
from sightlog.errors import InvalidInput, SightlogError, TooLarge, kind_of, placed
from sightlog.filters import like, one_of
from sightlog.rows import new_id

T = TypeVar("T")

MOST = 10_000
"""Results of one request."""

Given = Mapping[str, Any] | DescriptionInput | Result


class Refused(NamedTuple):
    """One that was left out: its place in what was given, its id where it had one, and why."""

    place: int
    id: str | None
    error: SightlogError


@dataclass
class Recorded:
    """What recording did. `ids` are of all that were neither refused nor left out, in the order given; a known result
    is conflicting if it was given with other content. Those of `erased_ids` were left out, as they had been erased.
    """

    recorded: int = 0
    already_known: int = 0
    conflicting: int = 0
    ids: list[str] = field(default_factory=list)
    conflicting_ids: list[str] = field(default_factory=list)
    erased_ids: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Batches:
    """Results as requests: as many as one may have, or fewer where the server finds them too large. `told` is what
    became of them so far.
    """

    def __init__(self, results: Iterable[Given], *, skips: bool = False, most: int = MOST) -> None:
        self.told = Recorded()
        self._skips = skips
        self._most = most
        self._left: list[list[tuple[int, DescriptionInput]]] = []
        self._places: list[int] = []
        read = ((place, self._input(result, place)) for place, result in enumerate(results))
        self._inputs = ((place, input) for place, input in read if input is not None)

    def _input(self, given: Given, place: int) -> DescriptionInput | None:
        try:
            return input_of(given, place)
        except InvalidInput as error:
            if not self._skips:
                raise
            id = given.get("id") if isinstance(given, Mapping) else None
            self.told.refused.append(Refused(place, None if id is None else str(id), error))
            return None

    def __iter__(self) -> Iterator[list[DescriptionInput]]:
        while batch := self._left.pop() if self._left else list(islice(self._inputs, self._most)):
            self._batch = batch
            self._places = [place for place, _ in batch]
            yield [input for _, input in batch]

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
                return
            error.field = self._placed(error.field)
            raise

    def add(self, answer: RecordDescriptionsRecordDescriptions | RecordRowsRecordDescriptions) -> None:
        """What the server says of the one that was sent."""
        self.told.recorded += answer.recorded
        self.told.already_known += answer.already_known
        self.told.conflicting += answer.conflicting
        if isinstance(answer, RecordDescriptionsRecordDescriptions):
            self.told.ids += answer.ids
            there = set(answer.ids)  # nothing was refused, so an id that is not there was left out
            self.told.erased_ids += [str(input.id) for _, input in self._batch if input.id not in there]
            self.told.conflicting_ids += answer.conflicting_ids
            return
        for row in answer.rows:
            if row.error is not None:
                error = kind_of(row.error.code, 422)(
                    row.error.message, code=row.error.code, field=self._placed(row.error.field)
                )
                self.told.refused.append(Refused(self._places[row.index], row.id, error))
                continue
            if row.outcome is RecordOutcome.ERASED:
                self.told.erased_ids.append(str(row.id))
                continue
            self.told.ids.append(str(row.id))
            if row.outcome in (RecordOutcome.CONFLICTING, RecordOutcome.REPLACED):
                self.told.conflicting_ids.append(str(row.id))

    def _placed(self, field: str | None) -> str | None:
        """A field of the request as one of all that was given."""
        found = placed(field)
        if found is None or found[0] >= len(self._places):
            return field
        place, name = found
        return f"input.{self._places[place]}{f'.{name}' if name else ''}"


def in_parts(
    rows: Sequence[T],
    send: Callable[[Sequence[T]], None],
    refuse: Callable[[T, Exception], None],
    *,
    divides: tuple[type[Exception], ...] = (TooLarge,),
) -> None:
    """Sends rows in one request, if none of them makes the server refuse all. One that it names is refused and the
    others are sent again; after an error that `divides` halves are sent, down to the one that is refused alone.
    """
    refusals: tuple[type[Exception], ...] = (InvalidInput, *divides)
    waiting = [rows]
    while waiting:
        part = waiting.pop()
        try:
            send(part)
        except refusals as error:
            found = placed(error.field) if isinstance(error, InvalidInput) else None
            if found is not None and found[0] < len(part):
                refuse(part[found[0]], error)
                waiting += [rest for rest in [[*part[: found[0]], *part[found[0] + 1 :]]] if rest]
            elif not isinstance(error, divides):
                raise
            elif len(part) == 1:
                refuse(part[0], error)
            else:
                waiting += [part[len(part) // 2 :], part[: len(part) // 2]]


def input_of(given: Given, place: int) -> DescriptionInput:
    """With an id, so that it is harmless to send it twice. InvalidInput for what is no result."""
    if isinstance(given, DescriptionInput):
        return given if given.id is not None else given.model_copy(update={"id": new_id()})
    values = dict(given) if isinstance(given, Mapping) else {name: getattr(given, at) for name, at in _NAMES.items()}
    for name in values:
        if name not in _NAMES:
            raise InvalidInput(f"A result has no {name!r}{like(name, _NAMES)}", field=f"input.{place}.{name}")
    if values.get("status") is not None:
        values["status"] = one_of(DescriptionStatus, "status", values["status"], field=f"input.{place}.status")
    values["id"] = values.get("id") or new_id()
    try:
        return DescriptionInput(**{_NAMES[name]: value for name, value in values.items()})
    except ValidationError as error:
        told = error.errors()[0]
        name, at = _named(str(told["loc"][0]))
        instead = "" if told["type"] == "missing" else f", not {told['input']!r}"
        raise InvalidInput(f"{name}: {told['msg']}{instead}.", field=f"input.{place}.{at}") from None


def _named(at: str) -> tuple[str, str]:
    """What a field is called in files, and in GraphQL; pydantic tells of either."""
    for name, one in DescriptionInput.model_fields.items():
        if at in (name, one.alias):
            return name.rstrip("_"), one.alias or name
    return at, at


_NAMES = {name.rstrip("_"): name for name in DescriptionInput.model_fields}
