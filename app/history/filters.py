"""The filter: the declaration of each of its fields, and what is made of them.

A field is declared once, by its kind in `DescriptionFilter`. From that come its check, its SQL, the shape of its
statements, what the kept totals know of it (see `rollup`), its JSON, and the inputs of GraphQL and REST.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from sqlalchemy import BigInteger, BindParameter, ColumnElement, and_, bindparam, or_
from sqlalchemy.types import TypeEngine

from app import times
from app.history.fields import (
    AnyOf,
    AtLeast,
    AtMost,
    Beside,
    Bind,
    Bound,
    Holds,
    Kind,
    Lacks,
    NullsToo,
    SearchMode,
    States,
)
from app.history.metadata import HasValues, MetadataCondition
from app.history.verdicts import ReviewState
from app.models import Description, DescriptionStatus

DOCUMENTED_SOURCE_TYPES = frozenset({"single", "batch"})

_TABLE = Description.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class DescriptionFilter:
    """Which results are meant. Bounds are inclusive; an empty list is as if absent.

    Raises InvalidInput where the values cannot be meant.
    """

    start_date: Annotated[
        datetime | None,
        AtLeast(
            "created_at",
            upper="end_date",
            crossed="The start date lies after the end date.",
            label="Date: from {}",
            both="Date: {} to {}",
        ),
    ] = None
    end_date: Annotated[datetime | None, AtMost("created_at", label="Date: until {}")] = None
    min_confidence: Annotated[
        float | None,
        AtLeast(
            "confidence_score",
            upper="max_confidence",
            crossed="The minimum confidence lies above the maximum.",
            label="Min confidence: {}",
            phrase="0 to 1. Once a bound is given, results without a score do not match.",
        ),
    ] = None
    max_confidence: Annotated[float | None, AtMost("confidence_score", label="Max confidence: {}", unsaid=1)] = None
    include_unscored: Annotated[
        bool, NullsToo("confidence_score", phrase="With a confidence bound: results without a score match too.")
    ] = False
    search: Annotated[
        tuple[str, ...],
        Holds(
            "search_text",
            mode="search_mode",
            phrase="Terms that occur in the description, ignoring case; `%` and `_` mean themselves.",
        ),
    ] = ()
    search_mode: Annotated[SearchMode, Kind("search_text")] = SearchMode.ANY
    exclude_search: Annotated[
        tuple[str, ...],
        Lacks("search_text", phrase="Terms none of which occurs in the description; a result without one matches."),
    ] = ()
    source_types: Annotated[tuple[str, ...], AnyOf("source_type")] = ()
    types: Annotated[tuple[str, ...], AnyOf("type")] = ()
    image_ids: Annotated[tuple[str, ...], AnyOf("image_id")] = ()
    source_ids: Annotated[tuple[str, ...], AnyOf("source_id")] = ()
    metadata: Annotated[
        tuple[MetadataCondition, ...],
        HasValues("metadata", phrase="What the metadata has at paths, at most 10; all of them must hold."),
    ] = ()
    review_states: Annotated[
        tuple[ReviewState, ...],
        States(
            "review_state",
            of=ReviewState,
            unset=ReviewState.UNREVIEWED,
            phrase="By the newest verdict of who reviewed them.",
        ),
    ] = ()
    include_failed: Annotated[bool, Beside("status", usual=DescriptionStatus.COMPLETED.value)] = False

    given: "tuple[tuple[Field, Any], ...]" = field(init=False, repr=False, compare=False)
    """The fields that are not at their default, each with its value."""

    @property
    def key(self) -> Hashable:
        """The same for equal filters; to hash it takes less than to hash all fields."""
        return tuple([(one.name, value) for one, value in self.given])

    def __post_init__(self) -> None:
        values, given = vars(self), []
        for one in FIELDS.values():
            if (value := values[one.name]) != one.default:
                values[one.name] = value = one.kind.cleaned(one.name, value)
                if value != one.default:
                    given.append((one, value))
        values["given"] = tuple(given)
        for one, value in given:
            if isinstance(one.kind, AtLeast):
                one.kind.check_order(one.name, value, values[one.kind.upper])


@dataclass(frozen=True)
class Field:
    """A declared field. `type` is that of its values: datetime, float, bool, SearchMode, or tuple, whose `item`s are
    texts, states or conditions.
    """

    name: str
    kind: Kind
    item: type | None
    type: type
    default: Any

    def read(self, stored: Any) -> Any:
        """Its value, out of the JSON that `to_json` makes of it."""
        if self.item is MetadataCondition:
            return tuple(MetadataCondition.of(**one) for one in stored)
        read: dict[type, Any] = {datetime: times.parse, tuple: tuple, SearchMode: SearchMode}
        return read[self.type](stored) if self.type in read else stored

    def written(self, value: Any) -> Any:
        """The value as JSON; `read` reads it back."""
        if self.item is MetadataCondition:
            return [{"path": one.path, "equals": one.equals} for one in value]
        plain: dict[type, Any] = {datetime: times.iso, tuple: list}
        return plain[self.type](value) if self.type in plain else value


def _declared() -> dict[str, Field]:
    hints = get_type_hints(DescriptionFilter, include_extras=True)
    return {
        name: Field(name, hint.__metadata__[0], *_types(hint.__origin__), getattr(DescriptionFilter, name))
        for name, hint in hints.items()
        if hasattr(hint, "__metadata__")
    }


def _types(hint: Any) -> tuple[type | None, type]:
    """The type of the items of a tuple, and that of the value, without None."""
    first = next(iter(get_args(hint)), hint)
    return (first, tuple) if get_origin(hint) is tuple else (None, first)


FIELDS: Mapping[str, Field] = MappingProxyType(_declared())
"""By their names, in their order."""


@dataclass(frozen=True)
class FiltersApplied:
    date_range_applied: bool
    confidence_range_applied: bool
    search_applied: bool
    source_types_filtered: bool
    filter_summary: str | None


def of(values: Mapping[str, Any]) -> DescriptionFilter:
    """A filter out of what a client gave, by the fields' names: null is as if absent, a text is in a list."""
    given: dict[str, Any] = {
        name: tuple(value) if FIELDS[name].type is tuple else value
        for name, value in values.items()
        if value is not None
    }
    return DescriptionFilter(**given)


def split(text: str | None) -> tuple[str, ...]:
    """The values of a comma-separated parameter, trimmed, blanks dropped."""
    return tuple(value.strip() for value in (text or "").split(",") if value.strip())


def shape(wanted: DescriptionFilter) -> tuple[Hashable, ...]:
    """Two filters of one shape have the same conditions, but for the values."""
    return tuple([(one.name, one.kind.shape(value)) for one, value in wanted.given])


def values(account_id: int, wanted: DescriptionFilter, prefix: str = "") -> dict[str, Any]:
    """Those of the parameters of `conditions`."""
    found: dict[str, Any] = {prefix + "account_id": account_id}
    for one, value in wanted.given:
        found |= one.kind.values(prefix + one.name, value)
    return found


def conditions(account_id: int, wanted: DescriptionFilter, prefix: str = "") -> list[ColumnElement[bool]]:
    """What a row of `descriptions` must satisfy."""
    given = values(account_id, wanted, prefix)

    def bind(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
        return bindparam(prefix + name, given[prefix + name], type_)

    return [_TABLE.c.account_id == bind("account_id", BigInteger()), *narrowing(wanted, _TABLE.c, bind)]


def narrowing(
    wanted: DescriptionFilter, columns: Mapping[str, ColumnElement[Any]], bind: Bind
) -> list[ColumnElement[bool]]:
    """What the filter says of these columns, each by the name that it has in `descriptions`."""
    found: dict[str, list[ColumnElement[bool]]] = defaultdict(list)
    for one in _COSTLY_LAST:
        if (name := one.kind.column) in columns:
            condition = one.kind.condition(columns[name], one.name, wanted, bind)
            found[name] += [] if condition is None else [condition]
    with_nulls = {one.kind.column for one, _ in wanted.given if isinstance(one.kind, NullsToo)}
    return [
        or_(and_(*parts), columns[name].is_(None)) if name in with_nulls else and_(*parts)
        for name, parts in found.items()
        if parts
    ]


def narrowed_columns(wanted: DescriptionFilter) -> set[str]:
    """The columns of which something is asked, beside what every filter asks."""
    return {one.kind.column for one, _ in wanted.given if one.kind.narrows}


def applied(wanted: DescriptionFilter) -> FiltersApplied:
    columns = narrowed_columns(wanted)
    return FiltersApplied(
        date_range_applied="created_at" in columns,
        confidence_range_applied="confidence_score" in columns,
        search_applied="search_text" in columns,
        source_types_filtered="source_type" in columns and not set(wanted.source_types) >= DOCUMENTED_SOURCE_TYPES,
        filter_summary=", ".join(_summary(wanted)) or None,
    )


def to_json(wanted: DescriptionFilter) -> dict[str, Any]:
    """The filter as an export's row keeps it; `from_json` reads it back."""
    return {one.name: one.written(value) for one, value in wanted.given}


def from_json(stored: dict[str, Any]) -> DescriptionFilter:
    return DescriptionFilter(**{name: FIELDS[name].read(value) for name, value in stored.items()})


def _summary(wanted: DescriptionFilter) -> list[str]:
    """What the labels say of the bounds that are given."""
    values = {one.name: value for one, value in wanted.given}
    parts = []
    for one, value in wanted.given:
        kind = one.kind
        if isinstance(kind, AtLeast) and kind.both and kind.upper in values:
            parts.append(kind.both.format(_shown(value), _shown(values.pop(kind.upper))))
        elif isinstance(kind, Bound) and one.name in values and value != kind.unsaid:
            parts.append(kind.label.format(_shown(value)))
    return parts


def _shown(bound: datetime | float) -> str:
    return bound.date().isoformat() if isinstance(bound, datetime) else str(float(bound))


_COSTLY_LAST = sorted(FIELDS.values(), key=lambda one: one.kind.is_costly)
"""The order in which conditions are looked at."""
