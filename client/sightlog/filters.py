"""Which results are meant, as keyword arguments."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from pydantic import ValidationError

from sightlog.api.enums import DescriptionOrderField, ReviewState, SearchMode, SortDirection
from sightlog.api.input_types import DescriptionFilter, DescriptionOrder, MetadataCondition
from sightlog.errors import InvalidInput

if TYPE_CHECKING:
    from typing_extensions import Unpack

E = TypeVar("E", bound=Enum)

Moment = datetime | date | str
"""A text is ISO 8601; a time without an offset is UTC, a date its midnight in UTC."""


class Filter(TypedDict, total=False):
    """Bounds are inclusive. Where several texts are meant, one alone may be given as it is."""

    start_date: Moment | None
    end_date: Moment | None
    min_confidence: float | None
    """0 to 1. Once a bound is given, results without a score do not match …"""
    max_confidence: float | None
    include_unscored: bool
    """… unless this says so."""
    search: str | Iterable[str]
    """Terms that occur in the text, ignoring case."""
    search_mode: str
    """`any` of the terms, or `all`."""
    exclude_search: str | Iterable[str]
    source_types: str | Iterable[str]
    types: str | Iterable[str]
    image_ids: str | Iterable[str]
    source_ids: str | Iterable[str]
    metadata: Mapping[str, str | float | bool]
    """What the metadata has at paths: `{"model": "m1", "a.b": 3}`."""
    review_states: str | Iterable[str]
    """`unreviewed`, `accepted`, `rejected`, `corrected`."""
    include_failed: bool


def filter_of(**given: Unpack[Filter]) -> DescriptionFilter:
    """InvalidInput, with a sentence, for what cannot be meant."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in Filter.__annotations__:
            raise InvalidInput(f"There is no filter {name!r}{like(name, Filter.__annotations__)}", field=name)
        if value is None:
            continue
        values[name] = _READERS.get(name, _as_it_is)(name, value)
    try:
        return DescriptionFilter(**values)
    except ValidationError as error:
        told = error.errors()[0]
        name = next((str(part) for part in told["loc"] if part in values or part in _ALIASES), "filter")
        name = _ALIASES.get(name, name)
        raise InvalidInput(f"{name}: {told['msg']}, not {told['input']!r}.", field=name) from None


def order_of(order_by: str = "created_at", *, ascending: bool = False) -> DescriptionOrder:
    """`created_at` or `confidence`; InvalidInput for any other."""
    direction = SortDirection.ASC if ascending else SortDirection.DESC
    return DescriptionOrder(field=one_of(DescriptionOrderField, "order_by", order_by), direction=direction)


def one_of(choices: type[E], name: str, value: str | E, field: str | None = None) -> E:
    """The choice of that name, in whatever case; InvalidInput that lists them all."""
    if isinstance(value, choices):
        return value
    names = {str(choice.value).lower(): choice for choice in choices}
    found = names.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise InvalidInput(f"{name} is one of {', '.join(names)}, not {value!r}.", field=field or name)
    return found


def _texts(name: str, value: Any) -> list[str]:
    found = _several(value)
    if not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"{name} is a text or several, not {value!r}.", field=name)
    return found


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)


def _moment(name: str, value: Any) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    if isinstance(value, datetime | str):
        return value
    raise InvalidInput(
        f"{name} is a datetime, a date, or a text such as '2025-01-15T10:30:00Z', not {value!r}.", field=name
    )


def _conditions(name: str, value: object) -> list[MetadataCondition]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is a dictionary of paths and values, such as {{'model': 'm1'}}.", field=name)
    return [MetadataCondition(path=path, equals=equals) for path, equals in value.items()]


def _as_it_is(_: str, value: object) -> object:
    return value


_READERS: dict[str, Callable[[str, Any], object]] = {
    "start_date": _moment,
    "end_date": _moment,
    "search": _texts,
    "search_mode": lambda name, value: one_of(SearchMode, name, value),
    "exclude_search": _texts,
    "source_types": _texts,
    "types": _texts,
    "image_ids": _texts,
    "source_ids": _texts,
    "metadata": _conditions,
    "review_states": lambda name, value: [one_of(ReviewState, name, one) for one in _several(value)],
}
_ALIASES = {str(one.alias): name for name, one in DescriptionFilter.model_fields.items() if one.alias}


def like(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else f": there are {', '.join(known)}."
