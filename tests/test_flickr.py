"""The whole Flickr8k history: recorded, counted, paged through, exported, and the same once more."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.engine.db import Database
from app.history.columns import COLUMNS
from tests import model
from tests.commands import sightlog
from tests.conftest import Account, new_account
from tools.stack import Stack

Dict = dict[str, Any]

COUNT = 88_290
FORMATS = {"embedded": "csv", "servers": "json"}
PAGE = """query($after: String) { descriptions(first: 1000, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture(scope="module")
def results(flickr: Path) -> list[Dict]:
    with gzip.open(flickr) as file:
        return model.newest_first(json.loads(line) for line in file)


@pytest.fixture(scope="module")
def account(stack: Stack, database: Database, flickr: Path) -> Iterator[Account]:
    """An account into which the history was imported."""
    made = new_account(stack, database)
    told = stack.run("import", str(flickr), "--account", made.name)
    assert told.stdout.decode() == f"{COUNT} recorded, 0 already known, 0 rejected\n"
    steps = [f"{flickr}: {count} recorded, 0 already known" for count in range(20_000, COUNT, 20_000)]
    assert told.stderr.decode().splitlines()[1:] == steps
    yield made
    made.close()


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"start_date": "2024-05-05", "end_date": "2024-11-20T11:30:00Z"},
        {"min_confidence": 0.3, "max_confidence": 0.7},
        {"search": ["dog", "Bicycle"], "source_types": ["batch"]},
    ],
)
def test_the_numbers_are_those_of_the_file(account: Account, results: list[Dict], wanted: Dict) -> None:
    matching = model.matches(results, wanted)
    assert 0 < len(matching) <= COUNT
    query = {name: ",".join(value) if isinstance(value, list) else value for name, value in wanted.items()}
    last = {"limit": 3, "offset": len(matching) - 3}
    answer = account.client.get("/api/v2/data/descriptions", params=query | last).json()
    assert (answer["total_count"], answer["statistics"]) == (len(matching), model.statistics(matching))
    assert [item["id"] for item in answer["items"]] == [result["id"] for result in matching[-3:]]


def test_pages_go_through_all_of_it(account: Account, results: list[Dict]) -> None:
    after, ids = None, []
    for _ in range(COUNT // 1000 + 1):
        page = account.graphql(PAGE, after=after)["descriptions"]
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] == (len(ids) < COUNT)
    assert ids == [result["id"] for result in results]


def test_an_export_holds_all_of_it_and_comes_back_the_same(
    account: Account, results: list[Dict], stack: Stack, database: Database
) -> None:
    format = FORMATS["embedded" if database.is_sqlite else "servers"]
    everything = {"format": format, "fields": list(COLUMNS)}
    state = account.export(**everything)
    assert (state["status"], state["record_count"]) == ("completed", COUNT)
    content = httpx.get(state["download_url"]).content
    assert list(rows_of(content, format)) == [as_row(result) for result in results]
    other = new_account(stack, database)
    told = sightlog(stack, "import", "-", "--account", other.name, input=content)
    assert told.stdout == f"{COUNT} recorded, 0 already known, 0 rejected\n"
    assert other.download(**everything) == content
    other.close()


def as_row(result: Dict) -> Dict:
    row = {name: result.get(name) for name in COLUMNS}
    # The file has one precision, that of the results which are not of a whole second.
    moment = model.moment(result["created_at"]).replace(tzinfo=None)
    return row | {"created_at": moment.isoformat(timespec="microseconds") + "Z"}


def rows_of(content: bytes, format: str) -> Iterator[Dict]:
    if format == "json":
        yield from json.loads(content)
        return
    for row in csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True):
        values = {name: value or None for name, value in row.items()}
        parsed = {name: json.loads(values[name] or "null") for name in ("confidence_score", "verification", "metadata")}
        yield values | parsed
