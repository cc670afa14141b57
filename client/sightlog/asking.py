"""What an export is asked to be, as keyword arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sightlog.api.enums import Compression, CsvDialect, ExportFormat
from sightlog.api.input_types import CreateExportInput, ExportColumnInput
from sightlog.filters import Filter, filter_of, one_of

Columns = Mapping[str, str] | Iterable[tuple[str, str]]
"""The columns of a file, each with the name that it has there: as `dict` takes them."""


class Asked(Filter, total=False):
    """Which results, and what is made of them. What is left out is plain: all columns and rows, nothing packed."""

    compression: str
    """`none`, `gzip` or `zstd`; of what is packed as it is (`parquet`, `xlsx`, `imagefolder`) `none`."""
    fields: Iterable[str] | None
    """Columns in this order, by their names in files."""
    columns: Columns | None
    """Instead of fields: `{"description": "text", "metadata.model": "model"}`."""
    dialect: str
    """Of CSV: `rfc4180`, or `excel` for spreadsheets."""
    include_metadata: bool
    limit: int | None
    images: bool
    """Of a training set: they are fetched into it."""
    texts: bool
    """And a `.txt` beside each."""
    view: str | None
    """Instead of a filter: what `DescriptionConnection.view` told."""


def export_input(format: str, asked: Asked, *, allow_drift: bool = False) -> CreateExportInput:
    """What `createExport` takes; InvalidInput for what cannot be meant. What an older server does not know is sent only
    where it says something.
    """
    given: dict[str, Any] = {**asked}
    dialect = one_of(CsvDialect, "dialect", given.pop("dialect", CsvDialect.RFC4180))
    newer = {
        "columns": _columns(given.pop("columns", None)),
        "dialect": None if dialect is CsvDialect.RFC4180 else dialect,
        "images": given.pop("images", False),
        "texts": given.pop("texts", False),
        "view": given.pop("view", None),
        "allow_drift": allow_drift,
    }
    compression = given.pop("compression", Compression.NONE)
    fields, limit = given.pop("fields", None), given.pop("limit", None)
    include_metadata = given.pop("include_metadata", True)
    return CreateExportInput(
        format=one_of(ExportFormat, "format", format),
        compression=one_of(Compression, "compression", compression),
        filter=filter_of(**given) if given or not newer["view"] else None,
        fields=None if fields is None else list(fields),
        include_metadata=include_metadata,
        limit=limit,
        **{name: value for name, value in newer.items() if value},
    )


def _columns(columns: Columns | None) -> list[ExportColumnInput]:
    pairs = columns.items() if isinstance(columns, Mapping) else columns or ()
    return [ExportColumnInput(name=name, as_=as_) for name, as_ in pairs]
