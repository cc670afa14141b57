"""What lies at a path in the metadata of a result: conditions on it, and its text.

A path holds keys between dots; in a key, a backslash stands before a dot or a backslash.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from sqlalchemy import ColumnElement, Text, and_, literal
from sqlalchemy.types import TypeEngine

from app import jsontext
from app.engine import dialects
from app.engine.dialects import Several
from app.errors import InvalidInput
from app.history.fields import Bind, Kind

MAX_CONDITIONS = 10
MAX_PATH = 500
MAX_KEYS = 20
MAX_VALUE = 1000
"""Conditions of a filter, characters of a path, its keys, and characters of a value as JSON."""

_KEY = re.compile(r"(?:[^.\\]|\\[.\\])+")
_PATH = re.compile(rf"{_KEY.pattern}(?:\.{_KEY.pattern})*")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class MetadataCondition:
    """`json` is the canonical text of the value: the number 1, the text `1` and true are three, 1.0 is the number 1."""

    path: str
    json: str

    @classmethod
    def of(cls, path: str, equals: Any) -> Self:
        """InvalidInput where they cannot be meant."""
        if not isinstance(equals, str | bool | int | float):
            raise InvalidInput("Metadata is compared with a text, a number or a boolean.", field="metadata")
        check_path(path, "metadata")
        try:
            text = jsontext.canonical(equals)
        except ValueError as error:
            raise InvalidInput(f"A value of metadata {error}.", field="metadata") from None
        found = cls(path, text.removesuffix(".0") if isinstance(equals, float) else text)
        if len(text) > MAX_VALUE:
            raise InvalidInput(f"A value of metadata has at most {MAX_VALUE} characters as JSON.", field="metadata")
        return found

    @property
    def equals(self) -> Any:
        return json.loads(self.json)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return keys_of(self.path)

    @property
    def is_plain(self) -> bool:
        return _are_plain(self.keys)

    @property
    def holder(self) -> str:
        """The JSON object that has the value at the path, and nothing else."""
        text = self.json
        for key in reversed(self.keys):
            text = f"{{{jsontext.string(key)}:{text}}}"
        return text

    @property
    def place(self) -> str:
        return _place(self.keys)

    @property
    def beginning(self) -> str:
        """What a canonical text that has the value somewhere under the last key must hold."""
        return f"{jsontext.string(self.keys[-1])}:{self.json}"

    @property
    def texts(self) -> list[str]:
        """All canonical texts that the value has."""
        is_whole = self.json[-1].isdigit() and "." not in self.json
        return [self.json, f"{self.json}.0"] if is_whole else [self.json]


_PARTS: dict[str, TypeEngine[Any]] = {"holder": Text(), "place": Text(), "texts": Several(Text()), "beginning": Text()}
"""The attributes of a condition that its SQL binds."""


@dataclass(frozen=True)
class HasValues(Kind):
    """All of these conditions hold for the column, which is JSON."""

    narrows = True
    is_costly = True

    def cleaned(self, name: str, value: Collection[MetadataCondition]) -> tuple[MetadataCondition, ...]:
        if len(value) > MAX_CONDITIONS:
            raise InvalidInput(f"At most {MAX_CONDITIONS} conditions on metadata may be given.", field=name)
        return tuple(dict.fromkeys(value))

    def shape(self, value: Any) -> tuple[bool, ...]:
        return tuple(one.is_plain for one in value)

    def values(self, name: str, value: Any) -> dict[str, Any]:
        return {f"{name}_{place}_{part}": getattr(one, part) for place, one in enumerate(value) for part in _PARTS}

    def condition(self, column: ColumnElement[Any], name: str, wanted: Any, bind: Bind) -> ColumnElement[bool] | None:
        found = []
        for place, one in enumerate(getattr(wanted, name)):
            has = dialects.json_has if one.is_plain else dialects.json_has_at_keys
            found.append(has(column, *[bind(f"{name}_{place}_{part}", type_) for part, type_ in _PARTS.items()]))
        return and_(*found) if found else None


def check_path(path: str, field: str) -> None:
    """InvalidInput where it is no path."""
    if len(path) > MAX_PATH:
        raise InvalidInput(f"A path of metadata has at most {MAX_PATH} characters.", field=field)
    if not _PATH.fullmatch(path):
        raise InvalidInput(
            "A path of metadata holds keys between dots, none of them empty, such as a.b; a dot or a backslash "
            "of a key has a backslash before it.",
            field=field,
        )
    try:
        jsontext.canonical(path)
    except ValueError as error:
        raise InvalidInput(f"A path of metadata {error}.", field=field) from None
    if len(keys_of(path)) > MAX_KEYS:
        raise InvalidInput(f"A path of metadata has at most {MAX_KEYS} keys.", field=field)


def keys_of(path: str) -> tuple[str, ...]:
    return tuple(_ESCAPED.sub(r"\1", key) for key in _KEY.findall(path))


def text_at(column: ColumnElement[Any], path: str) -> ColumnElement[str]:
    """What lies there: a text as it is, anything else as its canonical text; NULL for null, and where nothing lies."""
    keys = keys_of(path)
    function = dialects.json_text if _are_plain(keys) else dialects.json_text_at_keys
    jsonpath = "strict $" + "".join("." + jsontext.string(key) for key in keys)
    return function(column, literal(_place(keys), Text()), literal(jsonpath, Text()))


def _are_plain(keys: tuple[str, ...]) -> bool:
    """Whether the keys are written in JSON as they are, which all versions of SQLite find by a path."""
    return all(jsontext.string(key) == f'"{key}"' for key in keys)


def _place(keys: tuple[str, ...]) -> str:
    """The path as SQLite has it, or a JSON array of the keys where they are not plain."""
    return "$" + "".join(f'."{key}"' for key in keys) if _are_plain(keys) else json.dumps(keys)
