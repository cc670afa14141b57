"""XLSX: typed cells that a spreadsheet shows and never runs, in constant memory, within the bounds of a sheet."""

import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pandas
import pytest
from openpyxl import load_workbook

from app.errors import InvalidInput
from app.exports import formats, lifecycle, runs, sheets, writers
from app.exports.formats import FORMATS, ExportFormat
from app.exports.requests import ExportRequest
from app.exports.rows import Rows, TooLarge
from app.exports.statement import Selection
from app.history import recording
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.runtime import Runtime
from tests.conftest import Account
from tests.exports.test_columns import exported

RECEIPT = "query($id: ID!) { export(id: $id) { receipt { rows bytes notes { name count } } } }"

TEXTS: list[tuple[str | None, str | None]] = [
    # what was recorded, what the cell holds: where XML has no word for a character, the escape that spreadsheets read
    (None, None),
    ("", ""),
    ("=1+1", "=1+1"),
    ('=HYPERLINK("http://example.com")', '=HYPERLINK("http://example.com")'),
    ("http://example.com", "http://example.com"),
    ("-5", "-5"),
    ("007", "007"),
    ("TRUE", "TRUE"),
    ("<r><t>a</t></r>", "<r><t>a</t></r>"),
    ("a & b < c > d \" '", "a & b < c > d \" '"),
    (" spaces ", " spaces "),
    ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ("\x01\x1f\x0b", "_x0001__x001F__x000B_"),
    ("a\rb", "a_x000D_b"),
    ("\uffff\ufffe", "_xFFFF__xFFFE_"),
    ("_x0041_ _xZZ_", "_x005F_x0041_ _xZZ_"),
    ("\x7f\x85\u2028\ufeff😀", "\x7f\x85\u2028\ufeff😀"),
    ("x" * 32_767, "x" * 32_767),
    ("x" * 32_768, "x" * 32_767),
    ("a" + "😀" * 16_384, "a" + "😀" * 16_383),
    ("_x0041_" * 5_000, "_x005F_x0041_" * (32_767 // 7)),
]


def test_cells_are_of_types_and_text_is_text(account: Account) -> None:
    account.record(
        *(
            {"id": f"{place:02}", "description": text, "metadata": {"t": text}, "confidenceScore": place / 32}
            for place, (text, _) in enumerate(TEXTS)
        ),
        {"id": "early", "createdAt": "1899-12-31T00:00:00.5Z", "verification": [-1]},
    )
    columns = [{"name": name, "as": alias} for name, alias in (
        ("id", "=id"), ("created_at", "at"), ("confidence_score", "<r>score</r>"), ("description", "text"),
        ("metadata.t", "t"), ("verification", "v"),
    )]  # fmt: skip
    state, content = exported(account, format="XLSX", columns=columns)
    assert account.graphql(RECEIPT, id=state["id"])["export"]["receipt"] == {
        "rows": len(TEXTS) + 1, "bytes": len(content), "notes": [{"name": "texts_cut", "count": 6}]
    }  # fmt: skip
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    header, *rows = sheet.iter_rows()
    assert [cell.value for cell in header] == ["=id", "at", "<r>score</r>", "text", "t", "v"]
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("Results", "A2", f"A1:F{len(TEXTS) + 2}")
    for place, row in enumerate(reversed(rows[:-1])):
        id, at, score, text, key, verification = row
        expected = TEXTS[place][1]
        assert (id.data_type, id.value) == ("s", f"{place:02}")
        assert (at.data_type, at.value) == ("d", datetime(2025, 1, 15, 10, 30, place))  # noqa: DTZ001
        assert at.number_format == 'yyyy\\-mm\\-dd\\ hh:mm:ss.000\\ "UTC"'
        assert (score.data_type, score.value) == ("n", place / 32)
        for cell in (text, key):
            assert (cell.data_type, cell.value) == (("n", None) if expected is None else ("s", expected))
            assert cell.hyperlink is None
        assert verification.value is None
    assert [cell.value for cell in rows[-1]] == ["early", "1899-12-31T00:00:00.500Z", None, None, None, "[-1]"]
    assert len(pandas.read_excel(io.BytesIO(content))) == len(rows)


def test_a_sheet_without_rows_and_one_of_whole_seconds(account: Account) -> None:
    sheet = load_workbook(io.BytesIO(exported(account, format="XLSX", fields=["id", "created_at"])[1])).active
    assert sheet is not None
    assert ([[cell.value for cell in row] for row in sheet.iter_rows()], sheet.auto_filter.ref) == (
        [["id", "created_at"]], "A1:B1"
    )  # fmt: skip
    account.record({"id": "a"})
    first, second = (exported(account, format="XLSX")[1] for _ in range(2))
    assert first == second
    sheet = load_workbook(io.BytesIO(first)).active
    assert sheet is not None
    assert sheet["E2"].number_format == 'yyyy\\-mm\\-dd\\ hh:mm:ss\\ "UTC"'


def test_more_rows_than_a_sheet_has_are_refused(
    core: Runtime, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput, match="A file of xlsx holds 1048575 rows at most") as refused:
        ExportRequest(format=ExportFormat.XLSX, filter=DescriptionFilter(), limit=1_048_576, max_rows=None)
    assert refused.value.field == "limit"
    ExportRequest(format=ExportFormat.XLSX, filter=DescriptionFilter(), limit=1_048_575, max_rows=None)
    formats.check(ExportFormat.XLSX, 1_048_575)
    with pytest.raises(TooLarge, match="1,048,576 results match, and a file of xlsx holds 1,048,575 rows at most"):
        formats.check(ExportFormat.XLSX, 1_048_576)

    monkeypatch.setitem(FORMATS, ExportFormat.XLSX, replace(FORMATS[ExportFormat.XLSX], max_rows=2))
    results = [Result(id=str(place), source_type="s", created_at=datetime.now(UTC)) for place in range(3)]
    with core.database.write() as session:
        recording.record(session, account_id, results)
        wanted = ExportRequest(format=ExportFormat.XLSX, filter=DescriptionFilter(), max_rows=None)
        id = lifecycle.create(session, account_id, wanted).id
    runs.run(core, account_id, id, Event())
    with core.database.read() as session:
        failed = lifecycle.get(session, account_id, id)
    assert failed.error_message == (
        "3 results match, and a file of xlsx holds 2 rows at most: narrow the filter, give a limit, or choose another "
        "format."
    )
    assert (failed.status, failed.attempt, failed.rows_written) == ("failed", 1, 0)


@dataclass(frozen=True)
class Long(Rows):
    """More rows than a test records."""

    count: int = 0

    def values(self) -> Iterator[list[Any]]:
        moment = datetime(2025, 1, 1, tzinfo=UTC)
        for place in range(self.count):
            yield [f"r{place}", moment + timedelta(seconds=place), "A dog in the grass \x01" * 10, 0.5]


def long(count: int) -> Long:
    selection = Selection(0, DescriptionFilter(), ["id", "created_at", "description", "confidence_score"])
    return Long(None, selection, count=count)  # type: ignore[arg-type]


def test_memory_is_a_small_part_of_the_sheet() -> None:
    """Which has some 15 MB of XML here, and hardly gets smaller when it is packed."""
    tracemalloc.start()
    ended = sum(rows for _, rows in writers.write(long(20_000), ExportFormat.XLSX))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ended == 20_000
    assert peak < 4_000_000


def test_a_sheet_that_gets_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_BYTES", 500_000)
    with pytest.raises(TooLarge, match="The sheet would have over 2 GiB"):
        list(writers.write(long(5_000), ExportFormat.XLSX))


def test_rest_does_not_know_of_it(account: Account) -> None:
    body = {"data_type": "descriptions", "format": "xlsx"}
    assert account.client.post("/api/v2/data/export", json=body).status_code == 422
