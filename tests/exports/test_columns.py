"""Columns of a file under other names, and keys of the metadata as columns: the same from either engine."""

import csv
import io
import json
import random
from typing import Any

import httpx
import pytest

from app import jsontext
from app.exports import lifecycle
from app.exports.chosen import Chosen
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history.columns import COLUMNS
from app.history.filters import DescriptionFilter
from app.runtime import Runtime
from app.spreadsheets import CsvDialect
from tests.conftest import Account
from tests.history.test_metadata import leaves, path, some

Dict = dict[str, Any]

CREATE = (
    "mutation($input: CreateExportInput!) { createExport(input: $input) { id fields columns { name as } dialect } }"
)
URL = "query($id: ID!) { export(id: $id) { downloadUrl } }"

NAMES = ["text", "x" * 255, "é" * 63, 'say "hi", 100% :a %(b)s', "'; DROP TABLE", "\\.", " ", "{}", "Text", "😀" * 20]
"""What a file may call its columns; some are longer than PostgreSQL's own names may be."""


def exported(account: Account, **given: Any) -> tuple[Dict, bytes]:
    """What is told of an export, and its file."""
    state: Dict = account.graphql(CREATE, input={"format": "JSONL"} | given)["createExport"]
    assert account.wait(state["id"])["status"] == "completed"
    url = account.graphql(URL, id=state["id"])["export"]["downloadUrl"]
    return state, httpx.get(url).content


def test_columns_have_the_names_that_they_are_given(account: Account) -> None:
    metadata = {"model": "m-1", "n": -1.50, "is": True, "o": {"bb": [1, "a: b"], "a": None}, "none": None, "a.b": ""}
    account.record({"id": "a", "description": "one, two", "confidenceScore": 0.25, "metadata": metadata}, {"id": "b"})
    asked = [
        ("description", "text"), ("metadata.model", "model"), ("metadata.n", None), ("metadata.is", "is, it"),
        ("metadata.o", "o"), ("metadata.o.bb", "bb"), ("metadata.none", "none"), ("metadata.a\\.b", "empty"),
        ("metadata.o.bb.0", "no place"), ("metadata.model.x", "no object"), ("confidence_score", "score"),
        ("created_at", "at"), ("metadata", "all"), ("id", "id"),
    ]  # fmt: skip
    columns = [{"name": name} | ({} if alias is None else {"as": alias}) for name, alias in asked]
    texts = ["one, two", "m-1", "-1.5", "true", '{"a":null,"bb":[1,"a: b"]}', '[1,"a: b"]', None, "", None, None]
    row = [*texts, 0.25, "2025-01-15T10:30:00Z", {"n": -1.5, "o": {"a": None, "bb": [1, "a: b"]}} | metadata, "a"]
    other: list[Any] = [*[None] * 11, "2025-01-15T10:30:01Z", {}, "b"]
    names = [alias or name for name, alias in asked]
    state, content = exported(account, columns=columns)
    assert (state["fields"], state["dialect"]) == (names, None)
    assert state["columns"] == [{"name": name, "as": alias or name} for name, alias in asked]
    expected = [dict(zip(names, values, strict=True)) for values in (other, row)]
    assert [json.loads(line) for line in content.splitlines()] == expected
    assert [list(json.loads(line)) for line in content.splitlines()] == [names, names]
    assert json.loads(exported(account, format="JSON", columns=columns)[1]) == expected

    state, content = exported(account, format="CSV", columns=columns[:4] + columns[-4:-2])
    assert state["dialect"] == "RFC4180"
    assert content.decode() == (
        'text,model,metadata.n,"is, it",score,at\r\n,,,,,2025-01-15T10:30:01Z\r\n'
        '"one, two",m-1,-1.5,true,0.25,2025-01-15T10:30:00Z\r\n'
    )


def test_names_of_any_kind(account: Account) -> None:
    account.record({"id": "a", "description": "é", "verification": [1, {"b": None}]})
    columns = [
        {"name": ("description", "verification", "id")[place % 3], "as": name} for place, name in enumerate(NAMES)
    ]
    values = [("é", [1, {"b": None}], "a")[place % 3] for place in range(len(NAMES))]
    for chosen in (columns, columns[3:6]):  # with names that PostgreSQL takes for its own, and without
        names = [one["as"] for one in chosen]
        place = columns.index(chosen[0])
        content = exported(account, columns=chosen)[1]
        assert json.loads(content) == dict(zip(names, values[place:], strict=False))
        pairs = zip(names, values[place:], strict=False)
        assert (
            content.decode()
            == "{" + ",".join(f"{jsontext.string(n)}:{jsontext.canonical(v)}" for n, v in pairs) + "}\n"
        )
    [header, row] = csv.reader(io.StringIO(exported(account, format="CSV", columns=columns)[1].decode(), newline=""))
    assert (header, row) == (NAMES, [v if isinstance(v, str) else jsontext.canonical(v) for v in values])
    assert exported(account, format="CSV", columns=[{"name": "id", "as": "\\."}])[1] == b'"\\."\r\na\r\n'


@pytest.mark.parametrize("seed", range(2))
def test_keys_of_the_metadata_are_found_as_filters_find_them(account: Account, seed: int) -> None:
    dice = random.Random(seed)
    kept = {f"r{place:03}": some(dice) for place in range(100)}
    account.record(*({"id": id, "metadata": metadata} for id, metadata in kept.items()))
    keys = dice.sample([leaf[0] for metadata in kept.values() for leaf in leaves(metadata)], 90)
    keys += [one[:-1] for one in keys if len(one) > 1]  # where objects lie
    asked = list(dict.fromkeys(map(tuple, keys)))[:99]
    columns = [{"name": f"metadata.{path([*one])}", "as": f"c{place}"} for place, one in enumerate(asked)]
    content = exported(account, columns=[{"name": "id"}, *columns])[1]
    rows = [json.loads(line) for line in content.splitlines()]
    assert len(rows) == len(kept)
    for row in rows:
        for column, one in zip(columns, asked, strict=True):
            assert row[column["as"]] == text_at(kept[row["id"]], one), one


def text_at(value: Any, keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if value is None or isinstance(value, str) else jsontext.canonical(value)


FIELDS = (
    "id, type, source_type, source_id, created_at, image_url, description, confidence_score, verification, image_id, "
)
FIELDS += "metadata, status, error_message"
REFUSED: list[tuple[list[Dict], str]] = [
    ([{"name": "model"}], f"There is no column 'model'; the columns are {', '.join(COLUMNS)}, and metadata.KEY for a "
     "key of the metadata."),
    ([{"name": "metadata."}], "A path of metadata holds keys between dots, none of them empty, such as a.b; a dot or a "
     "backslash of a key has a backslash before it."),
    ([{"name": "metadata.a\0"}], "A path of metadata holds a NUL character."),
    ([{"name": "id", "as": ""}], "The name of a column has 1 to 255 characters: give it one with `as`."),
    ([{"name": "id", "as": "x" * 256}], "The name of a column has 1 to 255 characters: give it one with `as`."),
    ([{"name": f"metadata.{'x' * 300}"}], "The name of a column has 1 to 255 characters: give it one with `as`."),
    *(
        ([{"name": "id", "as": f"a{sign}b"}],
         "The name of a column holds no control characters, such as line ends: give it another with `as`.")
        for sign in "\0\n\x7f\x85"
    ),
    ([{"name": "id"}, {"name": "metadata.a", "as": "id"}],
     "Two columns would be called 'id' in the file: give one of them another name with `as`."),
    ([{"name": f"metadata.k{place}"} for place in range(101)], "A file has at most 100 columns."),
]  # fmt: skip


def test_what_are_no_columns(account: Account) -> None:
    for columns, message in REFUSED:
        error = account.refused(CREATE, input={"format": "CSV", "columns": columns})
        assert (error["message"], error["extensions"]["field"]) == (message, "columns")
    assert account.graphql("{ exports { totalCount } }")["exports"]["totalCount"] == 0


def test_columns_and_fields_are_not_given_together(account: Account) -> None:
    error = account.refused(CREATE, input={"format": "CSV", "columns": [{"name": "id"}], "fields": ["id"]})
    assert error["message"] == "Give fields or columns, not both."
    body = {"data_type": "descriptions", "format": "csv", "fields": ["metadata.model"]}
    assert account.client.post("/api/v2/data/export", json=body).status_code == 422


def test_other_names_are_another_export(account: Account) -> None:
    create = 'mutation($input: CreateExportInput!) { createExport(input: $input, idempotencyKey: "k") { id } }'
    same = {"format": "CSV", "columns": [{"name": "id"}, {"name": "type"}]}
    first = account.graphql(create, input=same)
    assert account.graphql(create, input={"format": "CSV", "fields": ["id", "type"]}) == first
    error = account.refused(create, input={"format": "CSV", "columns": [{"name": "id", "as": "a"}, {"name": "type"}]})
    assert error["extensions"]["field"] == "idempotencyKey"


def request(*names: tuple[str, str], **more: Any) -> ExportRequest:
    chosen = [Chosen.of(*one) for one in names]
    return ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter(), columns=chosen, **more)


def test_an_older_process_reads_what_it_can_write_and_nothing_else(core: Runtime, account_id: int) -> None:
    """One of the version before takes each of the columns for the name of a table's, and fails at any other."""
    excel = {"dialect": CsvDialect.EXCEL}
    with core.database.write() as session:
        exports = [
            lifecycle.create(session, account_id, wanted)
            for wanted in (
                request(("id", "id"), ("type", "type")),
                request(("id", "id"), ("type", "id of type")),
                request(("metadata.a", "metadata.a")),
                request(("id", "id"), options=excel),
            )
        ]
        kept = [export.columns for export in exports]
    assert kept == [
        ["id", "type"],
        ["id", {"name": "type", "as": "id of type"}],
        [{"name": "metadata.a", "as": "metadata.a"}],
        [{"name": "id", "as": "id"}],
    ]
