"""What can be given, and how it becomes values of the core."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from pydantic.alias_generators import to_camel
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from app.errors import InvalidInput
from app.exports import training
from app.exports.chosen import Chosen
from app.exports.requests import ExportRequest
from app.history import columns, filters, metadata, recording, reviews
from app.history.erasing import Choice
from app.history.orders import NEWEST_FIRST, Order
from app.history.pagination import DEFAULT_PAGE, Pagination
from app.history.recording import NewResult, Refused, Result
from app.history.reviews import Content, NewReview
from app.history.views import View
from graphql_schema.enums import (
    Compression,
    CsvDialect,
    DescriptionOrderField,
    DescriptionStatus,
    ExportFormat,
    ReviewState,
    SortDirection,
    Verdict,
)

T = TypeVar("T")


def _declared(cls: type[T]) -> type[T]:
    """Gives a class the fields that a filter has, as strawberry reads them: null is allowed for each."""
    items: dict[Any, Any] = {metadata.MetadataCondition: list[MetadataCondition]}
    items |= {item: list[item] for item in (str, ReviewState)}  # type: ignore[valid-type]
    cls.__annotations__ = {one.name: items.get(one.item, one.type) | None for one in filters.FIELDS.values()}
    for one in filters.FIELDS.values():
        default = UNSET if one.default in (None, ()) else one.default
        setattr(cls, one.name, strawberry.field(default=default, description=one.kind.phrase))
    return cls


@strawberry.input
class MetadataCondition:
    """What the metadata has at a path. `{path: "model", equals: "m1"}`"""

    path: str = strawberry.field(
        description="Keys of objects within each other, with dots between: `a.b`. In a key, a dot is `\\.` and a "
        "backslash `\\\\`."
    )
    equals: JSON = strawberry.field(
        description="A text, a number or a boolean. The text `1` is not the number 1; 1.0 is."
    )


@strawberry.input
@_declared
class DescriptionFilter:
    """Which results are meant. Bounds are inclusive; null or an empty list is as if absent."""


@strawberry.input
class DescriptionOrder:
    """Ties are broken by the time and then the id, in the same direction. Results without a score come last by
    `CONFIDENCE`, whatever the direction.
    """

    field: DescriptionOrderField = DescriptionOrderField.CREATED_AT
    direction: SortDirection = SortDirection.DESC


@strawberry.input
class ExportColumnInput:
    """A column of a file. `{name: "metadata.model", as: "model"}`"""

    name: str = strawberry.field(
        description="A column by its own name (`description`), or a path in the metadata behind `metadata.`: its texts "
        "as they are, other values as JSON, null where it is not there."
    )
    as_: str | None = strawberry.field(
        name="as",
        default=UNSET,
        description="What the file calls it: 1 to 255 characters, no two the same; left out: its own name.",
    )


@strawberry.input
class CreateExportInput:
    """What to export, and how."""

    format: ExportFormat
    compression: Compression | None = Compression.NONE
    filter: DescriptionFilter | None = UNSET
    fields: list[str] | None = strawberry.field(
        default=UNSET, description="Columns in this order, by their names in the file (`created_at`); empty: all."
    )
    columns: list[ExportColumnInput] | None = strawberry.field(
        default=UNSET, description="Instead of `fields`: under other names, and keys of the metadata; 100 at most."
    )
    dialect: CsvDialect | None = strawberry.field(
        default=CsvDialect.RFC4180,
        description="Of CSV. `EXCEL` is for spreadsheets: `sightlog import --dialect excel` reads it.",
    )
    include_metadata: bool | None = True
    limit: int | None = strawberry.field(
        default=UNSET,
        description="The newest ones, up to 100000; a key with the scope `admin` may ask for more, and gets all "
        "without a limit.",
    )
    images: bool | None = strawberry.field(
        default=False,
        description="Of a training set: fetches each image from its `imageUrl` into it. Needs the scope `write`. What "
        "cannot be fetched is in the ledger.",
    )
    texts: bool | None = strawberry.field(
        default=False, description="Besides, a `.txt` with the description beside each image."
    )
    view: str | None = strawberry.field(
        default=UNSET,
        description="In place of a filter: what a page told of itself. Refused with `DRIFTED` where the history has "
        "changed since.",
    )
    allow_drift: bool | None = strawberry.field(
        default=False, description="With a view: export what matches now, whatever has changed."
    )


@strawberry.input
class DescriptionInput:
    """A result to record. Without an id it gets one (a UUIDv7), without a time it is of now."""

    id: strawberry.ID | None = UNSET
    type: str | None = "description"
    status: DescriptionStatus | None = DescriptionStatus.COMPLETED
    source_type: str
    source_id: str | None = UNSET
    created_at: datetime | None = UNSET
    image_url: str | None = UNSET
    image_id: str | None = UNSET
    description: str | None = UNSET
    confidence_score: float | None = UNSET
    verification: JSON | None = UNSET
    metadata: JSON | None = UNSET
    error_message: str | None = UNSET


@strawberry.input
class ReviewInput:
    """What is found of a result."""

    description_id: strawberry.ID
    verdict: Verdict
    text: str | None = strawberry.field(
        default=UNSET, description="What it should say; with `CORRECTED`, and with nothing else."
    )
    note: str | None = strawberry.field(
        default=UNSET, description=f"Why, for example; {reviews.MAX_NOTE} characters at most."
    )


columns.check(f"{__name__}.DescriptionInput", dict.fromkeys(DescriptionInput.__annotations__), columns.RECORDED)


def to_filter(given: DescriptionFilter | None) -> filters.DescriptionFilter:
    """InvalidInput where the values cannot be meant."""
    values = _given(given) if given else {}
    conditions = [metadata.MetadataCondition.of(one.path, one.equals) for one in values.get("metadata", ())]
    return filters.of(values | {"metadata": conditions})


def to_order(given: DescriptionOrder | None) -> Order:
    return Order(given.field, given.direction) if given else NEWEST_FIRST


def to_pagination(
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    offset: int | None = UNSET,
    *,
    at: datetime | None = UNSET,
    order_by: DescriptionOrder | None = UNSET,
) -> Pagination:
    """InvalidInput where they cannot be meant together."""
    first, after, last, before, offset, at = map(_none_if_unset, (first, after, last, before, offset, at))
    if first is not None and last is not None:
        raise InvalidInput("Give first or last, not both.", field="last")
    limit = next((count for count in (first, last) if count is not None), DEFAULT_PAGE)
    return Pagination(
        limit=limit,
        offset=offset or 0,
        after=after,
        before=before,
        from_end=last is not None,
        at=at,
        order=to_order(order_by),
    )


def to_request(
    given: CreateExportInput,
    idempotency_key: str | None = None,
    *,
    unbounded: bool,
    max_images: int,
    read_view: Callable[[str], View],
) -> ExportRequest:
    """InvalidInput where the values cannot be meant, alone or together. `max_images`: rows of one with images."""
    values = _given(given) | ({"max_rows": None} if unbounded else {})
    options: dict[str, Any] = {name: True for name in training.OPTIONS if values.pop(name, False)}
    values["columns"] = [Chosen.of(one.name, _none_if_unset(one.as_)) for one in values.get("columns", ())]
    dialect = values.pop("dialect", CsvDialect.RFC4180)
    if dialect != CsvDialect.RFC4180:
        options["dialect"] = dialect
    if "images" in options:
        values["max_rows"] = max_images
    if "view" not in values:
        values["filter"] = to_filter(given.filter)
    elif "filter" in values:
        raise InvalidInput("Give a view or a filter, not both: a view has the filter of its page.", field="view")
    else:
        view = read_view(values["view"])
        values |= {"view": view, "filter": view.filter}
    return ExportRequest(**values, options=options, idempotency_key=idempotency_key or None)


def to_choice(
    ids: Sequence[str] | None,
    image_ids: Sequence[str] | None,
    filter: DescriptionFilter | None,
    expected_count: int | None,
) -> Choice:
    """InvalidInput unless it is chosen in one way."""
    return Choice(
        ids=ids or (),
        image_ids=image_ids or (),
        filter=to_filter(filter) if filter else None,
        expected_count=_none_if_unset(expected_count),
    )


def to_results(given: Iterable[DescriptionInput]) -> Iterator[Result | Refused]:
    """In their order; why one is refused is told in the names of the schema."""
    return (recording.checked(NewResult, _given(item), to_camel) for item in given)


def to_reviews(given: Sequence[ReviewInput]) -> list[NewReview]:
    """InvalidInput, with its place, for the first one that cannot be meant."""
    found = []
    for place, item in enumerate(given):
        values = _given(item)
        try:
            found.append(NewReview(values.pop("description_id"), Content(**values)))
        except InvalidInput as error:
            raise InvalidInput(f"Review {place}: {error.message}", field=f"input.{place}.{error.field}") from None
    return found


def _none_if_unset(value: Any) -> Any:
    return None if value is UNSET else value


def _given(values: Any) -> dict[str, Any]:
    """What a client gave, by name; null is as if it were absent."""
    return {name: value for name, value in vars(values).items() if value is not None and value is not UNSET}
