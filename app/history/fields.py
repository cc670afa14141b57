"""The kinds of fields that a filter has: which values each takes, and what it asks of one column."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any, ClassVar

from sqlalchemy import BindParameter, ColumnElement, Double, Text, and_, not_, or_
from sqlalchemy.types import TypeEngine

from app.engine import dialects
from app.engine.dialects import Several, Timestamp
from app.errors import InvalidInput
from app.history.folding import fold

MAX_VALUES = 1000
MAX_TERMS = 50
MAX_TERM_LENGTH = 1000

MAX_PATTERN = 16
"""Characters that are looked up by a pattern, which an index knows, but whose cost is their number times the text's.
Of a longer term these are its beginning, and where they are found the whole term is looked for."""

FEW_TERMS = 4
"""Up to which SQLite may keep a copy of the text for each, see `dialects.holds_one_of_many`."""

_LITERALLY = str.maketrans({letter: f"/{letter}" for letter in "/%_"})

Bind = Callable[[str, TypeEngine[Any]], BindParameter[Any]]
"""Makes the parameter of a name."""


class SearchMode(StrEnum):
    """Whether one of the terms must occur, or each of them."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True)
class Kind:
    """A field that changes what others mean, and has no condition of its own: what all kinds begin with.

    `column` is the one of `descriptions` that is looked at, `phrase` describes the field to clients. What of a value is
    in the text of the statement is its `shape`, what is not is in its `values`.
    """

    column: str
    phrase: str | None = field(default=None, kw_only=True)
    narrows: ClassVar[bool] = False
    is_costly: ClassVar[bool] = False
    """Whether it takes long to look at, so that others are looked at first."""

    def cleaned(self, name: str, value: Any) -> Any:
        """The value as it is meant. InvalidInput where it cannot be."""
        return value

    def shape(self, value: Hashable) -> Hashable:
        """All of the value, unless the kind knows better: then a statement is never taken for another."""
        return value

    def values(self, name: str, value: Any) -> dict[str, Any]:
        """Those of the parameters that the condition binds."""
        return {}

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        """What a row must satisfy; `wanted` is the whole filter."""
        return None


class NullsToo(Kind):
    """With a condition on the column: rows without a value match too."""


@dataclass(frozen=True)
class Beside(Kind):
    """Unless it is true, only rows whose column has the value `usual` match."""

    usual: str = field(kw_only=True)
    narrows = True

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        return None if getattr(wanted, name) else column == dialects.quoted(self.usual)


@dataclass(frozen=True)
class Bound(Kind):
    """An inclusive bound of moments, or of scores. `label` says it in a summary, but for the value `unsaid`."""

    label: str = field(kw_only=True)
    unsaid: float | None = field(default=None, kw_only=True)
    narrows = True

    def cleaned(self, name: str, value: Any) -> Any:
        if not isinstance(value, datetime) and not (isfinite(value) and 0 <= value <= 1):
            raise InvalidInput("A confidence score lies between 0 and 1.", field=name)
        return value

    def shape(self, value: Any) -> Hashable:
        return None

    def values(self, name: str, value: Any) -> dict[str, Any]:
        return {name: value}

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        value = getattr(wanted, name)
        if value is None:
            return None
        return self.within(column, bind(name, Timestamp() if isinstance(value, datetime) else Double()))

    def within(self, column: ColumnElement[Any], bound: ColumnElement[Any]) -> ColumnElement[bool]:
        raise NotImplementedError


@dataclass(frozen=True)
class AtLeast(Bound):
    """A lower bound. `upper` is the field that must not lie below it, `crossed` the sentence where it does, and `both`
    the label for the two together.
    """

    upper: str = field(kw_only=True)
    crossed: str = field(kw_only=True)
    both: str | None = field(default=None, kw_only=True)

    def check_order(self, name: str, value: Any, upper: Any) -> None:
        if upper is not None and value > upper:
            raise InvalidInput(self.crossed, field=name)

    def within(self, column: ColumnElement[Any], bound: ColumnElement[Any]) -> ColumnElement[bool]:
        return column >= bound


class AtMost(Bound):
    """An upper bound."""

    def within(self, column: ColumnElement[Any], bound: ColumnElement[Any]) -> ColumnElement[bool]:
        return column <= bound


class Texts(Kind):
    """Texts, each once; blank ones are as if absent."""

    narrows = True

    def cleaned(self, name: str, value: Collection[str]) -> tuple[str, ...]:
        check_number(name, value)
        found = tuple(dict.fromkeys(filter(None, value)))
        if not all(map(is_text, found)):
            raise InvalidInput("NUL characters and lone surrogates cannot be searched for.", field=name)
        return found


class AnyOf(Texts):
    """The column is one of these texts, exactly."""

    def shape(self, value: Any) -> Hashable:
        return None

    def values(self, name: str, value: Any) -> dict[str, Any]:
        return {name: list(value)}

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        return dialects.is_one_of(column, bind(name, Several(Text()))) if getattr(wanted, name) else None


@dataclass(frozen=True)
class States(Kind):
    """The column is one of these states, of which there are few: they are part of the statement, where an index of some
    of them is chosen by them. Nothing in the column is the state `unset`. All of them are as if absent.
    """

    of: type[StrEnum] = field(kw_only=True)
    unset: StrEnum = field(kw_only=True)
    narrows = True

    def cleaned(self, name: str, value: Collection[str]) -> tuple[str, ...]:
        check_number(name, value)
        given = set(map(self.of, value))
        return () if len(given) == len(self.of) else tuple(state for state in self.of if state in given)

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        states = getattr(wanted, name)
        found: list[ColumnElement[bool]] = [column.is_(None)] * (self.unset in states)
        named = [dialects.quoted(state) for state in states if state is not self.unset]
        found += [column == named[0] if len(named) == 1 else column.in_(named)] if named else []
        return or_(*found) if found else None


class Terms(Texts):
    """Terms that are substrings of a text that was folded, or not; trimmed."""

    is_costly = True

    def cleaned(self, name: str, value: Collection[str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(term.strip() for term in super().cleaned(name, value) if term.strip()))
        if len(found) > MAX_TERMS:
            raise InvalidInput(f"At most {MAX_TERMS} search terms may be given.", field=name)
        if any(len(term) > MAX_TERM_LENGTH for term in found):
            raise InvalidInput(f"A search term has at most {MAX_TERM_LENGTH} characters.", field=name)
        return found

    def shape(self, value: Any) -> tuple[bool, ...]:
        """For each term whether more is asked than a pattern."""
        return tuple(_asks_more(fold(term), value) for term in value)

    def values(self, name: str, value: Any) -> dict[str, Any]:
        found = {}
        for place, term in enumerate(map(fold, value)):
            found[f"{name}_{place}"] = "%" + term[:MAX_PATTERN].translate(_LITERALLY) + "%"
            if _asks_more(term, value):
                found[f"{name}_{place}_whole"] = term
        return found

    def found(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> list[ColumnElement[bool]]:
        """For each term whether it occurs."""
        are_more = self.shape(getattr(wanted, name))

        def one(place: int, is_more: bool) -> ColumnElement[bool]:
            pattern = bind(f"{name}_{place}", Text())
            if not is_more:
                return column.like(pattern, escape="/")
            whole = bind(f"{name}_{place}_whole", Text())
            if len(are_more) > FEW_TERMS:
                return dialects.holds_one_of_many(column, pattern, whole)
            return and_(column.like(pattern, escape="/"), dialects.holds(column, whole))

        return [one(place, is_more) for place, is_more in enumerate(are_more)]


@dataclass(frozen=True)
class Holds(Terms):
    """One of the terms occurs in the column, or each: as the field `mode` says."""

    mode: str = field(kw_only=True)

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        join = or_ if getattr(wanted, self.mode) is SearchMode.ANY else and_
        found = self.found(column, name, wanted, bind)
        return join(*found) if found else None


class Lacks(Terms):
    """None of the terms occurs in the column; without a text none does."""

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        found = self.found(column, name, wanted, bind)
        return or_(column.is_(None), not_(or_(*found))) if found else None


def _asks_more(folded: str, terms: Collection[str]) -> bool:
    return len(folded) > MAX_PATTERN or len(terms) > FEW_TERMS


def check_number(name: str, values: Collection[Any]) -> None:
    if len(values) > MAX_VALUES:
        raise InvalidInput(f"At most {MAX_VALUES} values may be given.", field=name)


def is_text(value: str) -> bool:
    """Whether a database can hold it."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
