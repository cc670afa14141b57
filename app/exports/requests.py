"""What is asked for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import jsontext
from app.compression import Compression
from app.errors import InvalidInput
from app.exports import training
from app.exports.formats import FORMATS, ExportFormat
from app.history import filters
from app.history.columns import COLUMNS, ITEM_COLUMNS
from app.history.filters import DescriptionFilter
from app.history.views import View

MAX_ROWS = 100_000
"""Rows of one export; with no limit given, more matches than this fail. Who may ask for more says so."""


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What a customer asks for. InvalidInput where it cannot be meant. `options`: of the format alone, as JSON."""

    format: ExportFormat
    compression: Compression = Compression.NONE
    filter: DescriptionFilter
    fields: Sequence[str] = ()
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
        if not self.columns:
            raise InvalidInput("No field is left: metadata was named and left out at once.", field="fields")
        for name in training.OPTIONS:
            if self.options.get(name) and self.format is not ExportFormat.IMAGEFOLDER:
                raise InvalidInput(f"Only a training set has {name}: ask for IMAGEFOLDER, or leave it out.", field=name)
        if self.options.get("texts") and not self.options.get("images"):
            raise InvalidInput("A text is written for each image: ask for images too, or leave it out.", field="texts")
        if self.compression != Compression.NONE and FORMATS[self.format].is_packed:
            raise InvalidInput(f"A file of {self.format} is compressed as it is: leave it out.", field="compression")
        key = self.idempotency_key
        if key is not None and (not 1 <= len(key) <= 255 or "\0" in key):
            raise InvalidInput("An idempotency key has 1 to 255 characters, none of them NUL.", field="idempotency_key")

    @property
    def columns(self) -> list[str]:
        """The columns of the file, in their order."""
        default = COLUMNS if self.filter.include_failed else ITEM_COLUMNS
        names = dict.fromkeys(self.fields or default)
        return [name for name in names if self.include_metadata or name != "metadata"]

    @property
    def hash(self) -> str:
        meant: list[Any] = [self.format, filters.to_json(self.filter), self.columns, self.limit]
        meant += [self.max_rows] if self.max_rows != MAX_ROWS else []
        meant += [self.compression] if self.compression != Compression.NONE else []
        meant += [dict(self.options)] if self.options else []
        meant += [[self.view.total, self.view.revision]] if self.view else []
        return hashlib.sha256(jsontext.canonical(meant).encode()).hexdigest()
