"""CSV for spreadsheets: no text is run, and what is written is read back as it was recorded, from either engine."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import spreadsheets
from app.exports import writers
from app.exports.formats import ExportFormat
from app.exports.rows import Rows
from app.exports.statement import Selection
from app.history import recording
from app.history.columns import COLUMNS
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.imports import readers
from app.runtime import Runtime
from app.spreadsheets import CsvDialect
from tests.commands import sightlog
from tests.conftest import Account
from tests.exports.test_columns import exported
from tests.history.test_parity import dumped

RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
TEXTS = ["=1+1", "+1", "-1", "-1.5", "-", "@SUM(A1)", "\t=1", "\r\n=1", "'", "''", "'=1", "'a'", "\uff1d1", "", " =1"]
TEXTS += ["a=1", '"=1"', "\ufeff=1", "-2+3", '="a,b"', "1e5", "\u2018=1"]

any_texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
texts = st.one_of(
    st.none(),
    st.sampled_from(TEXTS),
    st.builds(str.__add__, st.sampled_from([*RUN, "'", "''"]), any_texts),
)
jsons = st.recursive(
    st.one_of(st.none(), st.integers(), texts, st.floats(-2, 2)), lambda inner: st.lists(inner, max_size=2)
)


@st.composite
def results(draw: st.DrawFn) -> Result:
    values: dict[str, Any] = {name: draw(texts) for name in ("image_url", "description", "error_message")}
    values |= {name: draw(texts.filter(bool)) for name in ("id", "type", "source_type")}
    values |= {name: draw(texts.filter(lambda text: text != "")) for name in ("source_id", "image_id")}
    values |= {"confidence_score": draw(st.one_of(st.none(), st.floats(0, 1).map(abs)))}
    values |= {"verification": draw(jsons), "metadata": {"a": draw(jsons)}}
    return Result.model_validate(values | {"created_at": datetime(2025, 1, 1, tzinfo=UTC)})


@given(found=st.lists(results(), max_size=5, unique_by=lambda result: result.id))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_for_spreadsheets_reads_back(core: Runtime, found: list[Result]) -> None:
    selection = Selection(0, DescriptionFilter(include_failed=True), [*COLUMNS])
    with core.database.write() as session:
        recording.record(session, 0, found)
        rows = Rows(session.connection(), selection, options={"dialect": CsvDialect.EXCEL})
        written = b"".join(chunk for chunk, _ in writers.write(rows, ExportFormat.CSV))
        session.rollback()
    cells = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))[1:]
    assert not [cell for row in cells for cell in row if cell.startswith(RUN)]
    back = [record.values for record in readers.read("a.csv", io.BytesIO(written), CsvDialect.EXCEL)]
    expected = sorted(found, key=lambda result: result.id.encode(), reverse=True)
    assert [dumped(Result.model_validate(values)) for values in back] == [dumped(result) for result in expected]


@given(text=texts.filter(lambda text: text is not None))
def test_taking_an_apostrophe_off_gives_the_text_back(text: str) -> None:
    guarded = spreadsheets.guarded(text)
    assert spreadsheets.unguarded(guarded) == text
    assert not guarded.startswith(RUN)


def test_a_file_for_spreadsheets_is_exported_and_imported(account: Account, tmp_path: Path) -> None:
    account.record(
        *(
            {"id": f"{place:02}", "description": text, "metadata": {"n": -1.5, "t": text}}
            for place, text in enumerate(TEXTS)
        )
    )
    plain = account.download(format="csv")
    state, content = exported(account, format="CSV", dialect="EXCEL")
    assert state["dialect"] == "EXCEL"
    assert content.startswith(b"\xef\xbb\xbfid,type,")
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    for name, told in (
        (account.name, f"0 recorded, {len(TEXTS)} already known, 0 rejected\n"),
        (f"{account.name} again", f"{len(TEXTS)} recorded, 0 already known, 0 rejected\n"),
    ):
        done = sightlog(account.stack, "import", str(file), "--account", name, "--create", "--dialect", "excel")
        assert (done.stdout, done.stderr) == (told, "")
    assert account.download(format="csv") == plain

    columns = [{"name": "metadata.n", "as": "=n"}, {"name": "metadata.t", "as": "t"}, {"name": "confidence_score"}]
    content = exported(account, format="CSV", dialect="EXCEL", columns=columns)[1]
    header, first, *_ = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert (header, first) == (["'=n", "t", "confidence_score"], ["-1.5", TEXTS[-1], ""])


def test_a_dialect_is_of_csv_alone(account: Account) -> None:
    error = account.refused("mutation { createExport(input: {format: JSON, dialect: EXCEL}) { id } }")
    told = ("A dialect is of CSV alone: leave it out.", "dialect")
    assert (error["message"], error["extensions"]["field"]) == told
    options = ("--account", account.name, "--dialect", "excel")
    done = sightlog(account.stack, "import", "-", *options, input=b'{"id": "a"}\n')
    sentence = "standard input: is no CSV, so it has no dialect: import it without --dialect excel\n"
    assert (done.exit_code, done.stderr) == (1, sentence)
