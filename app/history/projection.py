"""What is read of a result: columns, or the JSON objects that the database writes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Text, cast, func, select

from app.engine import dialects
from app.history.columns import COLUMNS, JSON_COLUMNS
from app.models import Description

MAX_KEYS = 45
"""Of objects that the database writes: its functions have at most 100 arguments."""

Objects = tuple[tuple[str, str], ...]
"""JSON objects that the database is to write: each key with its column, with STATUS_NAME, or with `=` and a text."""

STATUS_NAME = "STATUS"
"""The status in capitals."""

_WRITTEN = "written"
BETWEEN = ",\n"
"""Between objects, in the text of which there is no end of a line."""
_TABLE = Description.__table__  # type: ignore[attr-defined]


class Results(Sequence[SimpleNamespace]):
    """Rows of results, held by column. As a sequence, each is an object with the columns as its attributes."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], length: int, written: str | None = None) -> None:
        self.columns = columns
        self._length = length
        self._written = written

    @property
    def written(self) -> orjson.Fragment | None:
        """All of them as one JSON array, if that was asked for."""
        return None if self._written is None else orjson.Fragment(f"[{self._written}]")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._length))]
        place = range(self._length)[place]
        return SimpleNamespace(**{name: values[place] for name, values in self.columns.items()})


@dataclass(frozen=True)
class Shown:
    """What of each result is read: columns, and the objects that the database is to write."""

    columns: tuple[str, ...]
    written: Objects | None = None

    def select(self) -> list[ColumnElement[Any]]:
        found = [cast(_TABLE.c[name], Text) if name in JSON_COLUMNS else _TABLE.c[name] for name in self.columns]
        if self.written is not None:
            parts = [part for key, column in self.written for part in (dialects.quoted(key), _as_json(column))]
            found.append(dialects.json_object(*parts).label(_WRITTEN))
        return found

    @property
    def is_joined(self) -> bool:
        """Whether the database may join what it writes: nothing else is read."""
        return self.written is not None and not self.columns

    def join(self, told: Sequence[ColumnElement[Any]], page: Select[Any]) -> Select[Any]:
        """One row for the whole page."""
        objects = page.subquery("page")
        return select(*told, func.count(), dialects.joined(objects.c[_WRITTEN], dialects.quoted(BETWEEN))).select_from(
            objects
        )

    def results(self, rows: Sequence[tuple[Any, ...]]) -> Results:
        by_column = list(zip(*rows, strict=True)) or [()] * (len(self.columns) + (self.written is not None))
        written = None if self.written is None else BETWEEN.join(by_column.pop())
        columns = {name: _read(name, values) for name, values in zip(self.columns, by_column, strict=True)}
        return Results(columns, len(rows), written)


EVERY_COLUMN = Shown(COLUMNS)


def _as_json(column: str) -> ColumnElement[Any]:
    """What a JSON object shows of a column: the texts of an export, except that JSON is JSON."""
    if column.startswith("="):
        return dialects.quoted(column[1:])
    if column == STATUS_NAME:
        return func.upper(_TABLE.c.status)
    value = _TABLE.c[column]
    if column in JSON_COLUMNS:
        return dialects.json_value(value)
    if column == "confidence_score":
        return dialects.json_number(value)
    return dialects.iso(value) if column == "created_at" else value


def _read(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as we know them: moments, and JSON that is written already."""
    if name == "created_at":
        return list(map(dialects.moment, values)) if values and isinstance(values[0], str) else values
    if name in JSON_COLUMNS:
        return [None if text is None else orjson.Fragment(text) for text in values]
    return values
