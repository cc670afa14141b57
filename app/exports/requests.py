"""What is asked for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import jsontext
from app.compression import Compression
from app.errors import InvalidInput
from app.exports import chosen, training
from app.exports.chosen import Chosen, Stored
from app.exports.formats import FORMATS, ExportFormat
from app.history import filters
from app.history.columns import COLUMNS, ITEM_COLUMNS
from app.history.filters import DescriptionFilter
from app.history.views import View

MAX_ROWS = 100_000
"""Rows of one export; with no limit given, more matches than this fail. Who may ask for more says so."""


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What a customer asks for. InvalidInput where it cannot be meant. `options`: of the format alone, as JSON.

    `fields` are columns by their own names, `columns` those with other names and keys of the metadata; not both.
    """

    format: ExportFormat
    compression: Compression = Compression.NONE
    filter: DescriptionFilter
    fields: Sequence[str] = ()
    columns: Sequence[Chosen] = ()
    include_metadata: bool = True
    limit: int | None = None
    max_rows: int | None = MAX_ROWS
    options: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    view: View | None = None
    """What was seen of the filter's matches; where that has changed since, it is refused unless `allow_drift`."""
    allow_drift: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and not 1 <= self.limit <= (self.max_rows or self.limit):
            most = "at least 1" if self.max_rows is None else f"1 to {self.max_rows}"
            raise InvalidInput(f"The limit of an export is {most}.", field="limit")
        for name in self.fields:
            if name not in COLUMNS:
                raise InvalidInput(f"There is no field '{name}'; the fields are {', '.join(COLUMNS)}.", field="fields")
        if self.fields and self.columns:
            raise InvalidInput("Give fields or columns, not both.", field="columns")
        chosen.check(self.columns)
        if not self.chosen:
            raise InvalidInput("No field is left: metadata was named and left out at once.", field="fields")
        for name in training.OPTIONS:
            if self.options.get(name) and self.format is not ExportFormat.IMAGEFOLDER:
                raise InvalidInput(f"Only a training set has {name}: ask for IMAGEFOLDER, or leave it out.", field=name)
        if self.options.get("texts") and not self.options.get("images"):
            raise InvalidInput("A text is written for each image: ask for images too, or leave it out.", field="texts")
        if self.columns and self.format is ExportFormat.IMAGEFOLDER:
            told = "The columns of a training set have their own names: give fields instead."
            raise InvalidInput(told, field="columns")
        in_a_file = FORMATS[self.format].max_rows
        if in_a_file is not None and self.limit is not None and self.limit > in_a_file:
            raise InvalidInput(f"A file of {self.format} holds {in_a_file} rows at most.", field="limit")
        if self.options.get("dialect") is not None and self.format != ExportFormat.CSV:
            raise InvalidInput("A dialect is of CSV alone: leave it out.", field="dialect")
        if self.compression != Compression.NONE and FORMATS[self.format].is_packed:
            raise InvalidInput(f"A file of {self.format} is compressed as it is: leave it out.", field="compression")
        key = self.idempotency_key
        if key is not None and (not 1 <= len(key) <= 255 or "\0" in key):
            raise InvalidInput("An idempotency key has 1 to 255 characters, none of them NUL.", field="idempotency_key")

    @property
    def chosen(self) -> list[Chosen]:
        """The columns of the file, in their order."""
        default = COLUMNS if self.filter.include_failed else ITEM_COLUMNS
        names = dict.fromkeys(self.fields or default)
        found = self.columns or [Chosen.of(name) for name in names]
        return [one for one in found if self.include_metadata or one.name != "metadata"]

    @property
    def stored_columns(self) -> list[Stored]:
        """As the row keeps them; in full where a process that knows no options could write another file."""
        return chosen.stored(self.chosen, in_full=bool(self.options))

    @property
    def hash(self) -> str:
        meant: list[Any] = [self.format, filters.to_json(self.filter), self.stored_columns, self.limit]
        meant += [self.max_rows] if self.max_rows != MAX_ROWS else []
        meant += [self.compression] if self.compression != Compression.NONE else []
        meant += [dict(self.options)] if self.options else []
        meant += [[self.view.total, self.view.revision]] if self.view else []
        return hashlib.sha256(jsontext.canonical(meant).encode()).hexdigest()
