"""Writing results into the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session

from app import jsontext, times
from app.engine import dialects
from app.errors import InvalidInput
from app.history import columns, folding, rollup
from app.models import Description, DescriptionStatus

MAX_BATCH = 10_000
TOO_MANY = f"At most {MAX_BATCH} results may be recorded at once."
MAX_JSON = 1_000_000

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
Name = Annotated[str, Field(strict=True, min_length=1, max_length=255), NoNul]
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
    description: Annotated[str, Field(strict=True, max_length=1_000_000), NoNul] | None = None
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


columns.check(f"{__name__}.Result", dict.fromkeys(Result.model_fields), columns.RECORDED)

_DEFAULTED = frozenset({"type", "metadata", "status"})


@dataclass(frozen=True)
class Recorded:
    recorded: int
    already_known: int


def record(session: Session, account_id: int, results: Sequence[Result]) -> Recorded:
    """All of the results, or none: InvalidInput for an id that comes twice. What is known already stays as it is."""
    if len(results) > MAX_BATCH:
        raise InvalidInput(TOO_MANY, field="input")
    seen: set[str] = set()
    for result in results:
        if result.id in seen:
            raise InvalidInput(f"The id '{result.id}' comes twice in one batch.", field="input")
        seen.add(result.id)
    if not results:
        return Recorded(0, 0)
    # In the order of their ids, so that two that record the same ids wait for each other and never in a circle.
    rows = [_row(account_id, result) for result in sorted(results, key=lambda result: result.id)]
    new = set(dialects.insert_new(session.connection(), _TABLE, rows))
    rollup.add(session, account_id, (row for row in rows if row["id"] in new))
    return Recorded(len(new), len(rows) - len(new))


def problem(error: ValidationError) -> str:
    """What is wrong with a result, in one line: `created_at: Field required; confidence_score: …`."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, found["loc"])), found["msg"].removeprefix("Value error, "))))
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _row(account_id: int, result: Result) -> dict[str, Any]:
    text = result.description
    return vars(result) | {"account_id": account_id, "search_text": None if text is None else folding.fold(text)}
