"""Writing results into the history."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import ColumnElement, select, update
from sqlmodel import Session
from uuid_utils import uuid7

from app import jsontext, times
from app.engine import dialects
from app.errors import InvalidInput
from app.history import columns, folding, rollup, tombstones
from app.models import Description, DescriptionStatus

MAX_BATCH = 10_000
TOO_MANY = f"At most {MAX_BATCH} results may be recorded at once."
MAX_JSON = 1_000_000
MAX_TEXT = 1_000_000
MAX_NAME = 255

_COMPARED = 500
"""Known results that are read at a time, to be compared with what is given."""

_TABLE = Description.__table__  # type: ignore[attr-defined]


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _moment(value: object) -> datetime:
    return value if isinstance(value, datetime) and value.tzinfo is not None else times.parse(value)


def _json(value: Any) -> Any:
    if len(jsontext.canonical(value)) > MAX_JSON:
        raise ValueError(f"is longer than {MAX_JSON} characters as JSON")
    return value


NoNul = AfterValidator(_no_nul)
Name = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_NAME), NoNul]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), AfterValidator(abs)]  # -0.0 is 0


class Result(BaseModel):
    """One result as it is recorded. ValidationError where a value cannot be kept as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=True)

    id: Name
    type: Name = "description"
    source_type: Name
    source_id: Name | None = None
    created_at: Moment
    image_url: Annotated[str, Field(strict=True, max_length=8192), NoNul] | None = None
    description: Annotated[str, Field(strict=True, max_length=MAX_TEXT), NoNul] | None = None
    confidence_score: Score | None = None
    verification: Annotated[Any, AfterValidator(_json)] = None
    image_id: Name | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_json)] = Field(default_factory=dict)
    status: DescriptionStatus = DescriptionStatus.COMPLETED
    error_message: Annotated[str, Field(strict=True, max_length=10_000), NoNul] | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults_for_null(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None or name not in _DEFAULTED}


class NewResult(Result):
    """The same, of one that need not have an id yet (it gets a UUIDv7) or a time (now)."""

    id: Name = Field(default_factory=lambda: str(uuid7()))
    created_at: Moment = Field(default_factory=times.now)


columns.check(f"{__name__}.Result", dict.fromkeys(Result.model_fields), columns.RECORDED)

_DEFAULTED = frozenset({"type", "metadata", "status"})


class OnConflict(StrEnum):
    """What becomes of a known result that is given with other content: it is kept, or replaced."""

    KEEP = "keep"
    REPLACE = "replace"


class OnInvalid(StrEnum):
    """What becomes of a batch if some of its results are refused: nothing is recorded, or all the others are."""

    FAIL = "fail"
    SKIP = "skip"


class OnErased(StrEnum):
    """What becomes of a result that was erased and is given again: it is left out, or recorded as a new one."""

    LEAVE_OUT = "leave-out"
    RESTORE = "restore"


class RecordOutcome(StrEnum):
    """What became of one result. A known one is conflicting or replaced if it was given with other content. An erased
    one was left out, because it was erased before.
    """

    RECORDED = "recorded"
    KNOWN = "known"
    CONFLICTING = "conflicting"
    REPLACED = "replaced"
    REFUSED = "refused"
    ERASED = "erased"


@dataclass(frozen=True)
class Refused:
    """A result that cannot be kept as it was given: its id where it has one (of a longer one the first MAX_NAME
    characters), all that is wrong with it, and the field that is named first.
    """

    id: str | None
    reason: str
    field: str


@dataclass(frozen=True)
class Batch:
    """What is to be recorded at once: results by their ids, and those that are left out by their places among all."""

    results: Mapping[str, Result]
    refused: Mapping[int, Refused]

    @property
    def size(self) -> int:
        return len(self.results) + len(self.refused)

    @property
    def letters(self) -> int:
        """Of the ids and reasons."""
        refused = sum(len(one.id or "") + len(one.reason) for one in self.refused.values())
        return sum(map(len, self.results)) + refused


@dataclass(frozen=True)
class RecordedRow:
    """What became of the result at that place of a batch, and, if it was refused, why."""

    index: int
    id: str | None
    outcome: RecordOutcome
    error: InvalidInput | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of the results of a batch. `given_ids` are those of all that were not refused, in the order given;
    those of `erased_ids` among them were left out, and `ids` are the others.

    Those of `new_ids` were recorded. The `already_known` stay as they were; those of `conflicting_ids` among them were
    given with other content. Those of `replaced_ids` have the content that was given.
    """

    given_ids: tuple[str, ...] = ()
    new_ids: Set[str] = frozenset()
    conflicting_ids: tuple[str, ...] = ()
    replaced_ids: tuple[str, ...] = ()
    erased_ids: tuple[str, ...] = ()
    refusals: Mapping[int, Refused] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        erased = set(self.erased_ids)
        return tuple(id for id in self.given_ids if id not in erased) if erased else self.given_ids

    @property
    def recorded(self) -> int:
        return len(self.new_ids)

    @property
    def already_known(self) -> int:
        return len(self.given_ids) - self.recorded - self.replaced - self.erased

    @property
    def conflicting(self) -> int:
        return len(self.conflicting_ids)

    @property
    def replaced(self) -> int:
        return len(self.replaced_ids)

    @property
    def erased(self) -> int:
        return len(self.erased_ids)

    @property
    def refused(self) -> int:
        return len(self.refusals)

    def rows(self) -> Iterator[RecordedRow]:
        """One for each result of the batch, in the order given."""
        ids = iter(self.given_ids)
        known = dict.fromkeys(self.conflicting_ids, RecordOutcome.CONFLICTING)
        known |= dict.fromkeys(self.replaced_ids, RecordOutcome.REPLACED)
        known |= dict.fromkeys(self.erased_ids, RecordOutcome.ERASED)
        for index in range(len(self.given_ids) + len(self.refusals)):
            if refused := self.refusals.get(index):
                error = InvalidInput(refused.reason, field=f"input.{index}.{refused.field}")
                yield RecordedRow(index, refused.id, RecordOutcome.REFUSED, error)
            else:
                id = next(ids)
                is_new = id in self.new_ids
                yield RecordedRow(index, id, RecordOutcome.RECORDED if is_new else known.get(id, RecordOutcome.KNOWN))


def checked(model: type[Result], values: Mapping[str, Any], named: Callable[[str], str] = str) -> Result | Refused:
    """The values as a result, or why they are none; fields are called as `named` says."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        id = values.get("id")
        return Refused(id[:MAX_NAME] if isinstance(id, str) else None, *_problem(error, named))


def batch(given: Iterable[Result | Refused], *, on_invalid: OnInvalid = OnInvalid.FAIL) -> Batch:
    """Of an id that comes twice, what comes first is taken, and the other is refused.

    InvalidInput for more than MAX_BATCH results, and for the first that is refused, unless such are to be skipped.
    """
    results: dict[str, Result] = {}
    refusals: dict[int, Refused] = {}
    for place, one in enumerate(given):
        if place == MAX_BATCH:
            raise InvalidInput(TOO_MANY, field="input")
        if isinstance(one, Result) and one.id in results:
            one = Refused(one.id, "id: comes twice in one batch", "id")
        if isinstance(one, Result):
            results[one.id] = one
        elif on_invalid is OnInvalid.SKIP:
            refusals[place] = one
        else:
            which = f"Result {place}" if one.id is None else f"Result {place} (id '{one.id}')"
            raise InvalidInput(f"{which}: {one.reason}", field=f"input.{place}.{one.field}")
    return Batch(results, refusals)


def record(
    session: Session,
    account_id: int,
    results: Iterable[Result],
    *,
    on_conflict: OnConflict = OnConflict.KEEP,
    on_erased: OnErased = OnErased.LEAVE_OUT,
) -> Recorded:
    """All of the results, or none, see `batch`."""
    return record_batch(session, account_id, batch(results), on_conflict=on_conflict, on_erased=on_erased)


def record_batch(
    session: Session,
    account_id: int,
    given: Batch,
    *,
    on_conflict: OnConflict = OnConflict.KEEP,
    on_erased: OnErased = OnErased.LEAVE_OUT,
) -> Recorded:
    """The results of the batch; what it refuses is told of."""
    if not given.results:
        return Recorded(refusals=given.refused)
    restores = on_erased is OnErased.RESTORE
    (tombstones.hold if restores else tombstones.share)(session, account_id)
    erased, restored = tombstones.among(session, account_id, given.results), set[str]()
    if restores:
        tombstones.take(session, account_id, erased)
        erased, restored = restored, erased
    left_out = tuple(id for id in given.results if id in erased)
    if len(left_out) == len(given.results):
        return Recorded(left_out, erased_ids=left_out, refusals=given.refused)
    # In the order of their ids, so that two that record the same ids wait for each other and never in a circle.
    rows = {id: _row(account_id, given.results[id]) for id in sorted(given.results) if id not in erased}
    if restored:  # which files hold what it was before, if they were kept, cannot be told by what it is now
        now = dialects.now(session.connection())
        for id, row in rows.items():
            row["replaced_at"] = now if id in restored else None
    new = set(dialects.insert_new(session.connection(), _TABLE, list(rows.values())))
    conflicts = _conflicts(session, account_id, [row for id, row in rows.items() if id not in new])
    replaced = conflicts if on_conflict is OnConflict.REPLACE else []
    replaced_at = dialects.now(session.connection()) if replaced else None
    for one in replaced:
        values = {name: value for name, value in one.given.items() if not _TABLE.c[name].primary_key}
        values["replaced_at"] = replaced_at
        session.connection().execute(update(_TABLE).where(*_is(account_id, one.given["id"])).values(values))
    added = [rows[id] for id in rows if id in new] + [one.given for one in replaced]
    rollup.add(session, account_id, added, removed=[one.kept for one in replaced])
    return Recorded(
        given_ids=tuple(given.results),
        new_ids=new,
        conflicting_ids=() if replaced else tuple(one.given["id"] for one in conflicts),
        replaced_ids=tuple(one.given["id"] for one in replaced),
        erased_ids=left_out,
        refusals=given.refused,
    )


@dataclass(frozen=True)
class _Conflict:
    """A known result, and what else is given of it."""

    kept: dict[str, Any]
    given: dict[str, Any]


def _conflicts(session: Session, account_id: int, known: Sequence[dict[str, Any]]) -> list[_Conflict]:
    """Known results that hold something else than what is given, in the order of their ids; nobody changes them before
    the transaction ends.
    """
    given = {row["id"]: row for row in known}
    conflicts = []
    for start in range(0, len(known), _COMPARED):
        ids = [row["id"] for row in known[start : start + _COMPARED]]
        found = select(_TABLE).where(_TABLE.c.account_id == account_id, _TABLE.c.id.in_(ids))
        for row in session.connection().execute(found.order_by(_TABLE.c.id).with_for_update()).mappings():
            kept = dict(row)
            one = _Conflict(kept, columns.as_recorded(given[kept["id"]], kept))
            if _content(one.kept) != _content(one.given):
                conflicts.append(one)
    return conflicts


def _content(row: Mapping[str, Any]) -> list[Any]:
    """What two results are compared by."""
    return [
        jsontext.canonical(row[column.name]) if column.type is object else row[column.name]
        for column in columns.RECORDED
    ]


def _is(account_id: int, id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _TABLE.c.account_id == account_id, _TABLE.c.id == id


def _problem(error: ValidationError, named: Callable[[str], str]) -> tuple[str, str]:
    """All that is wrong with a result, in one line (`created_at: Field required; confidence_score: …`), and the field
    that comes first in it.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [(_place(one["loc"], named), _message(one["msg"])) for one in found]
    return "; ".join(f"{place}: {text}" for place, text in problems), problems[0][0]


def _place(loc: Sequence[str | int], named: Callable[[str], str]) -> str:
    return ".".join(named(str(part)) for part in loc)


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def _row(account_id: int, result: Result) -> dict[str, Any]:
    text = result.description
    return vars(result) | {"account_id": account_id, "search_text": None if text is None else folding.fold(text)}
