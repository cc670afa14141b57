"""The one place where a filter becomes SQL, and a summary that a person reads."""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Double,
    Text,
    and_,
    bindparam,
    or_,
)
from sqlmodel import col

from app import times
from app.engine import dialects
from app.engine.dialects import Several, Timestamp
from app.errors import InvalidInput
from app.models import Description, DescriptionStatus

MAX_VALUES = 1000
MAX_TERMS = 50
MAX_TERM_LENGTH = 1000
DOCUMENTED_SOURCE_TYPES = frozenset({"single", "batch"})


class SearchMode(StrEnum):
    """Whether one of the terms must occur, or each of them."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class DescriptionFilter:
    """Which results are meant. Bounds are inclusive; an empty list is as if absent.

    Search terms are trimmed, blank ones dropped; each is a substring of the description, ignoring case.
    Raises InvalidInput where the values cannot be meant.
    """

    start_date: datetime | None = None
    end_date: datetime | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    include_unscored: bool = False
    search: tuple[str, ...] = ()
    search_mode: SearchMode = SearchMode.ANY
    source_types: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    image_ids: tuple[str, ...] = ()
    include_failed: bool = False

    def __post_init__(self) -> None:
        for name in ("search", "source_types", "types", "image_ids"):
            values = tuple(dict.fromkeys(filter(None, getattr(self, name))))
            if len(values) > MAX_VALUES:
                raise InvalidInput(f"At most {MAX_VALUES} values may be given.", field=name)
            if any(not _is_text(value) for value in values):
                raise InvalidInput("NUL characters and lone surrogates cannot be searched for.", field=name)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "search", terms(self.search))
        self._check_ranges()

    def _check_ranges(self) -> None:
        for name in ("min_confidence", "max_confidence"):
            bound = getattr(self, name)
            if bound is not None and not (isfinite(bound) and 0 <= bound <= 1):
                raise InvalidInput("A confidence score lies between 0 and 1.", field=name)
        if self.start_date is not None and self.end_date is not None and self.start_date > self.end_date:
            raise InvalidInput("The start date lies after the end date.", field="start_date")
        if (
            self.min_confidence is not None
            and self.max_confidence is not None
            and self.min_confidence > self.max_confidence
        ):
            raise InvalidInput("The minimum confidence lies above the maximum.", field="min_confidence")


@dataclass(frozen=True)
class FiltersApplied:
    date_range_applied: bool
    confidence_range_applied: bool
    search_applied: bool
    source_types_filtered: bool
    filter_summary: str | None


def terms(values: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    if len(found) > MAX_TERMS:
        raise InvalidInput(f"At most {MAX_TERMS} search terms may be given.", field="search")
    if any(len(term) > MAX_TERM_LENGTH for term in found):
        raise InvalidInput(f"A search term has at most {MAX_TERM_LENGTH} characters.", field="search")
    return found


def split(text: str | None) -> tuple[str, ...]:
    """The values of a comma-separated parameter, trimmed, blanks dropped."""
    return tuple(value.strip() for value in (text or "").split(",") if value.strip())


def fold(text: str) -> str:
    """Text with its case folded: two texts are the same but for their case if they fold alike."""
    return text.casefold()


def shape(wanted: DescriptionFilter) -> tuple[Hashable, ...]:
    """Two filters of one shape have the same conditions, but for the values."""
    return (
        wanted.start_date is None,
        wanted.end_date is None,
        wanted.min_confidence is None,
        wanted.max_confidence is None,
        wanted.include_unscored,
        len(wanted.search),
        wanted.search_mode,
        bool(wanted.source_types),
        bool(wanted.types),
        bool(wanted.image_ids),
        wanted.include_failed,
    )


def values(account_id: int, wanted: DescriptionFilter, prefix: str = "") -> dict[str, Any]:
    """Those of the parameters of `conditions`."""
    given: dict[str, Any] = {
        "account_id": account_id,
        "start_date": wanted.start_date,
        "end_date": wanted.end_date,
        "min_confidence": wanted.min_confidence,
        "max_confidence": wanted.max_confidence,
        "source_types": list(wanted.source_types) or None,
        "types": list(wanted.types) or None,
        "image_ids": list(wanted.image_ids) or None,
    }
    given |= {f"search_{place}": _like(term) for place, term in enumerate(wanted.search)}
    return {prefix + name: value for name, value in given.items() if value is not None}


def conditions(account_id: int, wanted: DescriptionFilter, prefix: str = "") -> list[ColumnElement[bool]]:
    """What a row of `descriptions` must satisfy."""
    row, given = Description, values(account_id, wanted, prefix)

    def value(name: str, type_: Any) -> BindParameter[Any]:
        return bindparam(prefix + name, given[prefix + name], type_)

    found: list[ColumnElement[bool]] = [col(row.account_id) == value("account_id", BigInteger())]
    if not wanted.include_failed:
        found.append(col(row.status) == dialects.quoted(DescriptionStatus.COMPLETED.value))
    if wanted.start_date is not None:
        found.append(col(row.created_at) >= value("start_date", Timestamp()))
    if wanted.end_date is not None:
        found.append(col(row.created_at) <= value("end_date", Timestamp()))
    bounds = []
    if wanted.min_confidence is not None:
        bounds.append(col(row.confidence_score) >= value("min_confidence", Double()))
    if wanted.max_confidence is not None:
        bounds.append(col(row.confidence_score) <= value("max_confidence", Double()))
    if bounds:
        within = and_(*bounds)
        found.append(or_(within, col(row.confidence_score).is_(None)) if wanted.include_unscored else within)
    if wanted.search:
        join = or_ if wanted.search_mode is SearchMode.ANY else and_
        terms = range(len(wanted.search))
        found.append(
            join(*(col(row.search_text).like(value(f"search_{place}", Text()), escape="/") for place in terms))
        )
    for name, column in (("source_types", row.source_type), ("types", row.type), ("image_ids", row.image_id)):
        if getattr(wanted, name):
            found.append(dialects.is_one_of(column, value(name, Several(Text()))))
    return found


def applied(wanted: DescriptionFilter) -> FiltersApplied:
    return FiltersApplied(
        date_range_applied=wanted.start_date is not None or wanted.end_date is not None,
        confidence_range_applied=wanted.min_confidence is not None or wanted.max_confidence is not None,
        search_applied=bool(wanted.search),
        source_types_filtered=bool(wanted.source_types) and not set(wanted.source_types) >= DOCUMENTED_SOURCE_TYPES,
        filter_summary=", ".join(_summary(wanted)) or None,
    )


def to_json(wanted: DescriptionFilter) -> dict[str, Any]:
    """The filter as an export's row keeps it; `from_json` reads it back."""
    return {
        field.name: times.iso(value)
        if isinstance(value, datetime)
        else list(value)
        if isinstance(value, tuple)
        else value
        for field in fields(wanted)
        if (value := getattr(wanted, field.name)) != field.default
    }


def from_json(stored: dict[str, Any]) -> DescriptionFilter:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    for name in ("start_date", "end_date"):
        if name in values:
            values[name] = times.parse(values[name])
    if "search_mode" in values:
        values["search_mode"] = SearchMode(values["search_mode"])
    return DescriptionFilter(**values)


def _like(term: str) -> str:
    """A pattern for what holds the term, ignoring case."""
    return "%" + re.sub(r"[/%_]", r"/\g<0>", fold(term)) + "%"


def _summary(wanted: DescriptionFilter) -> list[str]:
    parts = []
    start, end = (moment and moment.date().isoformat() for moment in (wanted.start_date, wanted.end_date))
    if start and end:
        parts.append(f"Date: {start} to {end}")
    elif start or end:
        parts.append(f"Date: from {start}" if start else f"Date: until {end}")
    if wanted.min_confidence is not None:
        parts.append(f"Min confidence: {float(wanted.min_confidence)}")
    if wanted.max_confidence is not None and wanted.max_confidence != 1:
        parts.append(f"Max confidence: {float(wanted.max_confidence)}")
    return parts


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
