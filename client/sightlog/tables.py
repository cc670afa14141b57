"""Results as tables of pandas, Polars or Arrow, where those are installed.

The columns have the names of files (`created_at`), or those that an export gave them. Times are in UTC to the
microsecond, scores are floats, `metadata` and `verification` are JSON as text, all else is text.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sightlog.api.fragments import Result
from sightlog.errors import InvalidInput

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

ROWS = 20_000
"""Rows that are Python objects at a time."""

COLUMNS = (
    "id",
    "type",
    "source_type",
    "source_id",
    "created_at",
    "image_url",
    "description",
    "confidence_score",
    "verification",
    "image_id",
    "metadata",
    "status",
    "error_message",
    "review_state",
)
TIMES, NUMBERS, JSON = {"created_at"}, {"confidence_score"}, {"metadata", "verification"}

Row = Mapping[str, Any]
Columns = Sequence[str] | Mapping[str, str]
"""Names of columns; where rows call them otherwise, by what rows call each."""


def row_of(result: Result) -> dict[str, Any]:
    """A result as a row of a file has it."""
    return {
        "id": result.id,
        "type": result.type_,
        "source_type": result.source_type,
        "source_id": result.source_id,
        "created_at": result.created_at,
        "image_url": result.image_url,
        "description": result.description,
        "confidence_score": result.confidence_score,
        "verification": result.verification,
        "image_id": result.image_id,
        "metadata": result.metadata,
        "status": result.status.value.lower(),
        "error_message": result.error_message,
        "review_state": result.review_state.value.lower(),
    }


def pandas_of(rows: Iterable[Row], columns: Columns = COLUMNS) -> pandas.DataFrame:
    library = _installed("pandas")
    types = _types(columns, {"created_at": "datetime64[us, UTC]", "confidence_score": "float64"})
    parts = [
        library.DataFrame(
            {name: library.Series(values, dtype=types.get(name, "string")) for name, values in part.items()}
        )
        for part in _parts(rows, columns)
    ]
    return library.concat(parts, ignore_index=True)


def polars_of(rows: Iterable[Row], columns: Columns = COLUMNS) -> polars.DataFrame:
    library = _installed("polars")
    types = _types(columns, {"created_at": library.Datetime("us", "UTC"), "confidence_score": library.Float64})
    schema = {name: types.get(name, library.String) for name in columns}
    parts = [library.DataFrame(part, schema=schema) for part in _parts(rows, columns)]
    table: polars.DataFrame = library.concat(parts, rechunk=True)
    return table


def arrow_of(rows: Iterable[Row], columns: Columns = COLUMNS) -> pyarrow.Table:
    library = _installed("pyarrow")
    types = _types(columns, {"created_at": library.timestamp("us", "UTC"), "confidence_score": library.float64()})
    schema = library.schema([(name, types.get(name, library.string())) for name in columns])
    return library.Table.from_batches(
        [library.RecordBatch.from_pydict(part, schema=schema) for part in _parts(rows, columns)], schema=schema
    )


def _sources(columns: Columns) -> Mapping[str, str]:
    return columns if isinstance(columns, Mapping) else {name: name for name in columns}


def _types(columns: Columns, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: known[source] for name, source in _sources(columns).items() if source in known}


def _parts(rows: Iterable[Row], columns: Columns) -> Iterator[dict[str, list[Any]]]:
    """At least one, which may be empty: it tells the columns."""
    sources = _sources(columns)
    left = iter(rows)
    part = list(islice(left, ROWS))
    while True:
        yield {name: [_value(source, row[name]) for row in part] for name, source in sources.items()}
        part = list(islice(left, ROWS))
        if not part:
            return


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if name in TIMES:
        return datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    if name in NUMBERS:
        return float(value)
    return value


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InvalidInput(f"{name} is not installed here: `pip install {name}` brings it.") from None
