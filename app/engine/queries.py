"""SELECTs that are asked again and again: compiled once for each shape, and sent to the driver as they are."""

from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import CompoundSelect, Select

T = TypeVar("T")


@dataclass(frozen=True)
class Query:
    """A statement whose text depends on `shape` alone; `values` are those of its named parameters.

    `one_plan`: PostgreSQL may plan it once for all values. Not for what filters, since the best plan depends on them.
    """

    shape: Hashable
    build: Callable[[], Select[Any] | CompoundSelect[Any]]
    values: Mapping[str, Any]
    one_plan: bool = False


Rows = list[tuple[Any, ...]]
"""As the driver gives them: times of SQLite are text, JSON is to be selected as text."""

Asking = Generator[Query, Rows, T]
"""Yields one query after the other, is sent the rows of each, and returns what it made of them: so it need not know
whether who runs it waits or blocks. Functions that return one begin with `ask`: they do nothing until `Database.answer`
runs them, or until another asks in their place (`yield from`)."""
