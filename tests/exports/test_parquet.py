"""Parquet files, as those read them who will."""

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pytest
from pyarrow import parquet as arrow

from app.exports import parquet
from app.exports.rows import Rows
from app.exports.statement import Selection
from app.history import recording
from app.history.columns import COLUMNS, ITEM_COLUMNS, TABLE
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.runtime import Runtime
from tests.conftest import Account
from tests.exports.test_every_format import exported
from tests.exports.test_files import SCORES, TEXTS, TIMES, import_lines

FIRST = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
VALUES = ["id", "created_at", "confidence_score", "description", "verification", "metadata"]


def hostile() -> Iterator[dict[str, Any]]:
    """One result for each text, with the times and scores in turn."""
    for place, (text, _, _) in enumerate(TEXTS):
        value = None if place % 3 else {"text": text, "n": [1, 0.5, None]}
        yield {
            "id": f"{place:02}", "source_type": "single", "created_at": TIMES[place % len(TIMES)][0],
            "description": text, "confidence_score": float(SCORES[place % len(SCORES)][0]) if place % 2 else None,
            "verification": value, "metadata": {"of": value},
        }  # fmt: skip


def with_pyarrow(path: Path) -> list[tuple[Any, ...]]:
    table = arrow.read_table(path)
    assert table.schema.field("created_at").type == pyarrow.timestamp("us", tz="UTC")
    assert table.schema.field("confidence_score").type == pyarrow.float64()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def with_duckdb(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        types = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        assert [type for _, type, *_ in types] == [
            "VARCHAR", "TIMESTAMP WITH TIME ZONE", "DOUBLE", "VARCHAR", "JSON", "JSON"
        ]  # fmt: skip
        count = f"SELECT count(*) FROM '{path}' WHERE (metadata->>'$.of.n[1]') = '0.5'"
        assert connection.execute(count).fetchall() == [(sum(one["verification"] is not None for one in hostile()),)]
        rows = connection.execute(f"SELECT * REPLACE (epoch_us(created_at) AS created_at) FROM '{path}'").fetchall()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)  # DuckDB itself makes datetimes only where pytz is installed
    return [(id, epoch + timedelta(microseconds=at), *rest) for id, at, *rest in rows]


def with_polars(path: Path) -> list[tuple[Any, ...]]:
    table = polars.read_parquet(path)
    assert table.dtypes == [polars.String, polars.Datetime("us", "UTC"), polars.Float64, *[polars.String] * 3]
    return table.rows()


def with_pandas(path: Path) -> list[tuple[Any, ...]]:
    table = pandas.read_parquet(path)
    assert str(table.dtypes["created_at"]) == "datetime64[us, UTC]"
    assert str(table.dtypes["confidence_score"]) == "float64"
    table["created_at"] = [at.to_pydatetime() for at in table["created_at"]]
    cells = table.astype(object).where(table.notna(), None)
    return list(cells.itertuples(index=False, name=None))


READERS: list[Callable[[Path], list[tuple[Any, ...]]]] = [with_pyarrow, with_duckdb, with_polars, with_pandas]


def test_four_readers_find_the_same_values(account: Account, tmp_path: Path) -> None:
    import_lines(account, "".join(json.dumps(one) + "\n" for one in hostile()).encode(), len(TEXTS))
    path = tmp_path / "results.parquet"
    path.write_bytes(exported(account, "parquet", fields=VALUES))
    objects = [json.loads(line) for line in exported(account, "jsonl", fields=VALUES).split(b"\n")[:-1]]
    expected = [
        (one["id"], datetime.fromisoformat(one["created_at"]), *(one[name] for name in VALUES[2:])) for one in objects
    ]
    assert {one[3] for one in expected} == {text for text, _, _ in TEXTS}
    for reader in READERS:
        found = [(*row[:4], *(text and json.loads(text) for text in row[4:])) for row in reader(path)]
        assert found == expected, reader.__name__


def record(core: Runtime, account_id: int, results: list[Result]) -> None:
    with core.database.write() as session:
        recording.record(session, account_id, results)


def written(core: Runtime, account_id: int, columns: tuple[str, ...] = ITEM_COLUMNS, **bounds: int) -> bytes:
    """The file, whose pieces must tell how many rows it has."""
    with core.database.read() as session:
        rows = Rows(session.connection(), Selection(account_id, DescriptionFilter(), columns))
        pieces = list(parquet.write(rows, **bounds))
    content = b"".join(piece for piece, _ in pieces)
    assert sum(rows for _, rows in pieces) == opened(content).metadata.num_rows
    return content


def opened(content: bytes) -> Any:
    return arrow.ParquetFile(io.BytesIO(content), page_checksum_verification=True)


def test_what_a_file_tells_of_itself(core: Runtime, account_id: int) -> None:
    record(core, account_id, [Result(id=f"{n}", source_type="single", created_at=FIRST) for n in range(3)])
    file = opened(written(core, account_id, COLUMNS))
    assert {field.name: field.nullable for field in file.schema_arrow} == {one.name: one.nullable for one in TABLE}
    logical = {file.schema.column(place).name: str(file.schema.column(place).logical_type) for place in range(13)}
    assert {name for name, type in logical.items() if type == "JSON"} == {"metadata", "verification"}
    assert "isAdjustedToUTC=true, timeUnit=microseconds" in logical["created_at"]
    group = file.metadata.row_group(0)
    order = [(one.column_index, one.descending) for one in group.sorting_columns]
    assert order == [(COLUMNS.index("created_at"), True), (COLUMNS.index("id"), True)]
    for place in range(group.num_columns):
        column = group.column(place)
        assert (column.compression, column.is_stats_set, column.has_offset_index) == ("ZSTD", True, True), place
        assert column.has_column_index, place
    assert json.loads(file.metadata.metadata[b"sightlog"]) == {
        "contents": "results", "sorted_by": ["created_at DESC", "id DESC"], "json": ["verification", "metadata"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "sorted_by"),
    [(("id", "created_at"), [1, 0]), (("type", "created_at"), [1]), (("id", "type"), [])],
)
def test_a_file_says_how_it_is_sorted_as_far_as_its_columns_show(
    core: Runtime, account_id: int, columns: tuple[str, ...], sorted_by: list[int]
) -> None:
    record(core, account_id, [Result(id="a", source_type="single", created_at=FIRST)])
    group = opened(written(core, account_id, columns)).metadata.row_group(0)
    assert [one.column_index for one in group.sorting_columns] == sorted_by


def test_an_empty_history_has_its_columns(core: Runtime, account_id: int) -> None:
    table = opened(written(core, account_id)).read()
    assert (table.num_rows, table.column_names) == (0, list(ITEM_COLUMNS))


@pytest.mark.parametrize("rows", [9, 10, 11, 20])
def test_rows_around_the_end_of_a_group(core: Runtime, account_id: int, rows: int) -> None:
    results = [
        Result(id=f"{n:02}", source_type="single", created_at=FIRST - timedelta(seconds=n // 3)) for n in range(rows)
    ]
    record(core, account_id, results)
    file = opened(written(core, account_id, group_rows=10))
    sizes = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
    assert sizes == [10] * (rows // 10) + [rows % 10] * (rows % 10 > 0)
    newest_first = sorted(results, key=lambda one: (one.created_at, one.id), reverse=True)
    assert file.read()["id"].to_pylist() == [one.id for one in newest_first]
    assert written(core, account_id, group_rows=10) == written(core, account_id, group_rows=10)


def test_long_texts_end_a_group_early_and_take_no_memory(core: Runtime, account_id: int) -> None:
    """Each has three texts of a megabyte; 20 MB of Python's and Arrow's memory hold some of them, never all 60."""
    texts = [f"{n:02}" + chr(0x41 + n) * 999_980 for n in range(20)]
    for n, text in enumerate(texts):
        metadata, verification = {"of": text[:-10]}, text[:-10]
        record(core, account_id, [Result(id=f"{n:02}", source_type="single", created_at=FIRST - timedelta(seconds=n),
                                         description=text, metadata=metadata, verification=verification)])  # fmt: skip
    pool = pyarrow.default_memory_pool()
    most = 0
    with core.database.read() as session:
        rows = Rows(session.connection(), Selection(account_id, DescriptionFilter(), ITEM_COLUMNS))
        content = b""
        tracemalloc.start()
        before = pool.bytes_allocated()
        for piece, _ in parquet.write(rows, group_bytes=4 * 2**20):
            content += piece
            most = max(most, pool.bytes_allocated() - before)
        _, python = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    file = opened(content)
    assert file.num_row_groups == 10
    table = file.read()
    assert table["description"].to_pylist() == texts
    assert [json.loads(one)["of"] for one in table["metadata"].to_pylist()] == [text[:-10] for text in texts]
    assert python < 90 * 2**20, python
    assert most < 20 * 2**20, most
