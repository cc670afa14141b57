"""The columns of a file: which value of a result each holds, of which kind, and what the file calls it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self, TypeAlias

from app.errors import InvalidInput
from app.history import columns, metadata

MAX_COLUMNS = 100
MAX_NAME = 255

Stored: TypeAlias = str | Mapping[str, str]
"""A column as the row of an export keeps it: its name, or with another one in the file `{"name": …, "as": …}`."""

_METADATA = "metadata."
_FIELD = "columns"


class Kind(Enum):
    """What the values of a column are: texts, floats, datetimes in UTC, or canonical texts of JSON."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    JSON = "json"


_KINDS = {str: Kind.TEXT, float: Kind.NUMBER, datetime: Kind.TIME, object: Kind.JSON}
_KNOWN = {column.name: _KINDS[column.type] for column in columns.TABLE}


@dataclass(frozen=True)
class Chosen:
    """`name` is a column of a result (`description`) or a path in its metadata (`metadata.model`); `alias` is what the
    file calls it.
    """

    name: str
    alias: str

    @classmethod
    def of(cls, name: str, alias: str | None = None) -> Self:
        """InvalidInput where they cannot be meant."""
        path = name.removeprefix(_METADATA)
        if path != name:
            metadata.check_path(path, _FIELD)
        elif name not in _KNOWN:
            known = ", ".join(_KNOWN)
            raise InvalidInput(
                f"There is no column '{name}'; the columns are {known}, and {_METADATA}KEY for a key of the metadata.",
                field=_FIELD,
            )
        found = cls(name, name if alias is None else alias)
        _check_name(found.alias)
        return found

    @property
    def path(self) -> str | None:
        """In the metadata; None: it is a column of the result."""
        return self.name.removeprefix(_METADATA) if self.name.startswith(_METADATA) else None

    @property
    def kind(self) -> Kind:
        return _KNOWN.get(self.name, Kind.TEXT)


def check(chosen: Sequence[Chosen]) -> None:
    """InvalidInput where they cannot be the columns of one file."""
    if len(chosen) > MAX_COLUMNS:
        raise InvalidInput(f"A file has at most {MAX_COLUMNS} columns.", field=_FIELD)
    names = [one.alias for one in chosen]
    for name in names:
        if names.count(name) > 1:
            told = f"Two columns would be called '{name}' in the file: give one of them another name with `as`."
            raise InvalidInput(told, field=_FIELD)


def stored(chosen: Sequence[Chosen], *, in_full: bool = False) -> list[Stored]:
    """As the row keeps them. A process of a version that knows no other names cannot write what is kept in full."""
    return [
        one.name if one.name == one.alias and not in_full and one.path is None else {"name": one.name, "as": one.alias}
        for one in chosen
    ]


def read(kept: Sequence[Stored]) -> list[Chosen]:
    return [Chosen(one, one) if isinstance(one, str) else Chosen(one["name"], one["as"]) for one in kept]


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME:
        told = f"The name of a column has 1 to {MAX_NAME} characters: give it one with `as`."
        raise InvalidInput(told, field=_FIELD)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        told = "The name of a column holds no control characters, such as line ends: give it another with `as`."
        raise InvalidInput(told, field=_FIELD)
