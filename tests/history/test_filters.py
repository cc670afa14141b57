"""Every declared field of a filter narrows pages, totals, plans, views and their exports, and becomes just this SQL."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Dialect, Select, create_engine, literal_column, select

from app.engine.db import Database
from app.history import filters
from app.history.fields import SearchMode
from app.history.filters import DescriptionFilter
from tests import model
from tests.conftest import Account, new_account
from tools.stack import Stack

Dict = dict[str, Any]

COLUMNS = """id type status source_type source_id created_at image_url image_id description confidence_score
    verification metadata error_message""".split()  # noqa: SIM905

RESULTS: list[Dict] = [
    {"id": "a", "description": "A red dog", "confidence_score": 0.25, "image_id": "i1", "source_id": "s1"}
    | {"metadata": {"model": "m1", "a": {"b": 1.0}}},
    {"id": "b", "description": "A red cat", "confidence_score": 0.8, "type": "rule", "source_id": "s1"},
    {"id": "c", "description": "A blue dog", "source_type": "batch", "image_id": "i2", "source_id": "s2"},
    {"id": "d", "source_type": "api", "image_id": "i1", "metadata": {"model": "m1"}},
    {"id": "e", "description": "A blue bird", "confidence_score": 0.5, "created_at": "2025-01-16T12:00:00Z"},
    {"id": "f", "confidence_score": 1.0, "type": "rule", "created_at": "2025-01-17T00:00:00Z"},
    {"id": "g", "description": "Nothing red", "status": "failed", "created_at": "2025-01-17T12:00:00Z"},
]
REVIEWS = {"b": "ACCEPTED", "c": "REJECTED", "e": "REJECTED", "g": "ACCEPTED"}

EXAMPLES: dict[str, tuple[Dict, Any, Any]] = {
    "start_date": ({}, "2025-01-16T12:00:00Z", "2025-01-16"),
    "end_date": ({}, "2025-01-16T11:00:00Z", "2025-01-16T23:59:59.999999Z"),
    "min_confidence": ({}, 0.5, 0.55),
    "max_confidence": ({}, 0.8, 0.75),
    "include_unscored": ({"min_confidence": 0.5}, True, False),
    "search": ({}, ["dog", "CAT"], ["dog"]),
    "search_mode": ({"search": ["red", "dog"]}, "ALL", "ANY"),
    "exclude_search": ({}, ["DOG"], ["dog", "cat"]),
    "source_types": ({}, ["api", "batch"], ["batch"]),
    "types": ({}, ["rule"], ["description", "rule"]),
    "image_ids": ({}, ["i1"], ["i2"]),
    "source_ids": ({}, ["s1"], ["s1", "s2"]),
    "metadata": (
        {},
        [{"path": "model", "equals": "m1"}],
        [{"path": "model", "equals": "m1"}, {"path": "a.b", "equals": 1}],
    ),
    "review_states": ({}, ["REJECTED", "UNREVIEWED"], ["REJECTED"]),
    "include_failed": ({}, True, False),
}
"""For each field what else a filter must have, a value that changes what matches, and another value."""

STATISTICS = """totalCount dailyCounts { date count } confidenceDistribution { range count }
    sourceDistribution { sourceType count } typeDistribution { type count }"""
QUERY = f"""query($filter: DescriptionFilter) {{
    descriptions(filter: $filter) {{ nodes {{ id }} totalCount view statistics {{ {STATISTICS} }} }}
    statistics(filter: $filter) {{ {STATISTICS} }}
    newest: descriptions(filter: $filter, first: 1) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
    planExport(input: {{format: JSONL, filter: $filter, fields: ["id"]}}) {{ rows bytes {{ value }} }}
}}"""
EXPORT = """mutation($view: String!) { createExport(input: {format: JSONL, view: $view, fields: ["id"]}) { id } }"""


REVIEW = "mutation($input: [ReviewInput!]!) { reviewDescriptions(input: $input) { reviews { id } } }"


def whole(given: Dict) -> Dict:
    usual = {"type": "description", "status": "completed", "source_type": "single", "metadata": {}}
    return dict.fromkeys(COLUMNS) | usual | {"created_at": "2025-01-15T10:30:00Z"} | given


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


@pytest.fixture(scope="module")
def history(stack: Stack, database: Database) -> Iterator[Account]:
    account = new_account(stack, database)
    account.record(
        *(
            {camel(name): value.upper() if name == "status" else value for name, value in whole(result).items()}
            for result in RESULTS
        )
    )
    account.graphql(REVIEW, input=[{"descriptionId": id, "verdict": verdict} for id, verdict in REVIEWS.items()])
    yield account
    account.close()


def test_every_declared_field_has_an_example() -> None:
    assert list(EXAMPLES) == list(filters.FIELDS)


@pytest.mark.parametrize("name", filters.FIELDS)
def test_a_field_changes_pages_totals_and_exports(history: Account, name: str) -> None:
    beside, *values = EXAMPLES[name]
    found = [check(history, beside)]
    found += [check(history, beside | {name: value}) for value in values]
    assert found[0] != found[1]


def check(history: Account, wanted: Dict) -> list[str]:
    """The ids that match, which are those of the model wherever one asks."""
    reviewed = [whole(result) | {"review_state": REVIEWS.get(result["id"], "UNREVIEWED")} for result in RESULTS]
    matching = model.matches(reviewed, wanted)
    counted = model.statistics(matching)
    given = {camel(name): value for name, value in wanted.items()}
    answer = history.graphql(QUERY, filter=given)
    ids = [result["id"] for result in matching]
    assert [node["id"] for node in answer["descriptions"]["nodes"]] == ids
    assert answer["descriptions"]["totalCount"] == len(ids)
    assert answer["newest"] == {"nodes": [{"id": id} for id in ids[:1]], "pageInfo": {"hasNextPage": len(ids) > 1}}
    assert (
        answer["descriptions"]["statistics"]
        == answer["statistics"]
        == {
            "totalCount": len(ids),
            "dailyCounts": counted["daily_counts"],
            "confidenceDistribution": [
                {"range": name, "count": count} for name, count in counted["confidence_distribution"].items()
            ],
            "sourceDistribution": [
                {"sourceType": name, "count": count} for name, count in counted["source_distribution"].items()
            ],
            "typeDistribution": [{"type": name, "count": count} for name, count in model.types(matching).items()],
        }
    )
    state = history.wait(history.graphql(EXPORT, view=answer["descriptions"]["view"])["createExport"]["id"])
    assert (state["status"], state["record_count"]) == ("completed", len(ids))
    file = httpx.get(state["download_url"], verify=False).text
    assert [json.loads(line)["id"] for line in file.splitlines()] == ids
    assert answer["planExport"] == {"rows": len(ids), "bytes": {"value": len(file)}}
    return ids


# The statement

DIALECTS = {
    "sqlite": create_engine("sqlite://").dialect,
    "postgresql": create_engine("postgresql+psycopg://").dialect,
}


def wanted_of(given: Dict) -> DescriptionFilter:
    spelled: Dict = {
        "search_mode": lambda name: SearchMode[name],
        "review_states": lambda names: [*map(str.lower, names)],
    }
    return filters.from_json(
        {name: spelled[name](value) if name in spelled else value for name, value in given.items()}
    )


def sql(wanted: DescriptionFilter, dialect: Dialect) -> str:
    """What it asks of a row, whatever its account."""
    statement: Select[Any] = select(literal_column("1")).where(*filters.conditions(7, wanted)[1:])
    return str(statement.compile(dialect=dialect)).partition("WHERE ")[2].replace("descriptions.", "")


STATEMENTS: list[tuple[Dict, str, str]] = [
    (
        {"start_date": "2025-01-16T12:00:00Z"},
        "created_at >= ?",
        "created_at >= %(start_date)s::TIMESTAMP WITH TIME ZONE",
    ),
    ({"end_date": "2025-01-16T11:00:00Z"}, "created_at <= ?", "created_at <= %(end_date)s::TIMESTAMP WITH TIME ZONE"),
    ({"min_confidence": 0.5}, "confidence_score >= ?", "confidence_score >= %(min_confidence)s"),
    ({"max_confidence": 0.8}, "confidence_score <= ?", "confidence_score <= %(max_confidence)s"),
    (
        {"min_confidence": 0.5, "include_unscored": True},
        "confidence_score >= ? OR confidence_score IS NULL",
        "confidence_score >= %(min_confidence)s OR confidence_score IS NULL",
    ),
    (
        {"search": ["dog", "CAT"]},
        "search_text LIKE ? ESCAPE '/' OR search_text LIKE ? ESCAPE '/'",
        ("search_text LIKE %(search_0)s::VARCHAR ESCAPE '/' OR search_text LIKE %(search_1)s::VARCHAR ESCAPE '/'"),
    ),
    (
        {"search": ["red", "dog"], "search_mode": "ALL"},
        "search_text LIKE ? ESCAPE '/' AND search_text LIKE ? ESCAPE '/'",
        ("search_text LIKE %(search_0)s::VARCHAR ESCAPE '/' AND search_text LIKE %(search_1)s::VARCHAR ESCAPE '/'"),
    ),
    (
        {"exclude_search": ["DOG"]},
        "search_text IS NULL OR search_text NOT LIKE ? ESCAPE '/'",
        "search_text IS NULL OR search_text NOT LIKE %(exclude_search_0)s::VARCHAR ESCAPE '/'",
    ),
    (
        {"source_types": ["api", "batch"]},
        "source_type IN (SELECT value FROM json_each(?))",
        "source_type = ANY (%(source_types)s::TEXT[])",
    ),
    ({"types": ["rule"]}, "type IN (SELECT value FROM json_each(?))", "type = ANY (%(types)s::TEXT[])"),
    ({"image_ids": ["i1"]}, "image_id IN (SELECT value FROM json_each(?))", "image_id = ANY (%(image_ids)s::TEXT[])"),
    (
        {"source_ids": ["s1"]},
        "source_id IN (SELECT value FROM json_each(?))",
        "source_id = ANY (%(source_ids)s::TEXT[])",
    ),
    ({"review_states": ["UNREVIEWED"]}, "review_state IS NULL", "review_state IS NULL"),
    ({"review_states": ["REJECTED"]}, "review_state = 'rejected'", "review_state = 'rejected'"),
    (
        {"review_states": ["REJECTED", "UNREVIEWED", "ACCEPTED"]},
        "review_state IS NULL OR review_state IN ('accepted', 'rejected')",
        "review_state IS NULL OR review_state IN ('accepted', 'rejected')",
    ),
    ({"review_states": ["CORRECTED", "REJECTED", "UNREVIEWED", "ACCEPTED"]}, "", ""),
    (
        {"metadata": [{"path": "a.b", "equals": 1}, {"path": "a", "equals": True}]},
        (
            "CASE WHEN instr(metadata, ?) > 0 THEN metadata -> ? IN (SELECT value FROM json_each(?)) ELSE 0 END"
            " AND CASE WHEN instr(metadata, ?) > 0 THEN metadata -> ? IN (SELECT value FROM json_each(?)) ELSE 0 END"
        ),
        "metadata @> %(metadata_0_holder)s::VARCHAR::jsonb AND metadata @> %(metadata_1_holder)s::VARCHAR::jsonb",
    ),
    (
        {"metadata": [{"path": 'a "key"', "equals": "x"}], "search": ["x"]},
        (
            "search_text LIKE ? ESCAPE '/' AND CASE WHEN instr(metadata, ?) > 0"
            " THEN sightlog_json_at(metadata, ?) IN (SELECT value FROM json_each(?)) ELSE 0 END"
        ),
        "search_text LIKE %(search_0)s::VARCHAR ESCAPE '/' AND metadata @> %(metadata_0_holder)s::VARCHAR::jsonb",
    ),
    (
        {"search": ["a term of a caption", "y"]},
        ("search_text LIKE ? ESCAPE '/' AND instr(search_text, ?) > 0 OR search_text LIKE ? ESCAPE '/'"),
        (
            "search_text LIKE %(search_0)s::VARCHAR ESCAPE '/'"
            " AND position(convert_to(%(search_0_whole)s::VARCHAR, 'UTF8') in convert_to(search_text, 'UTF8')) > 0"
            " OR search_text LIKE %(search_1)s::VARCHAR ESCAPE '/'"
        ),
    ),
    (
        {"exclude_search": ["x", "a term of a caption"]},
        (
            "search_text IS NULL OR NOT (search_text LIKE ? ESCAPE '/' OR search_text LIKE ? ESCAPE '/'"
            " AND instr(search_text, ?) > 0)"
        ),
        (
            "search_text IS NULL OR NOT (search_text LIKE %(exclude_search_0)s::VARCHAR ESCAPE '/'"
            " OR search_text LIKE %(exclude_search_1)s::VARCHAR ESCAPE '/'"
            " AND position(convert_to(%(exclude_search_1_whole)s::VARCHAR, 'UTF8') in"
            " convert_to(search_text, 'UTF8')) > 0)"
        ),
    ),
    (
        {"search": ["a", "b", "c", "d", "e"], "search_mode": "ALL"},
        " AND ".join(["instr(search_text, ifnull(?, search_text)) > 0"] * 5),
        " AND ".join(
            f"(search_text LIKE %(search_{place})s::VARCHAR ESCAPE '/' AND"
            f" position(convert_to(%(search_{place}_whole)s::VARCHAR, 'UTF8') in convert_to(search_text, 'UTF8')) > 0)"
            for place in range(5)
        ),
    ),
    (
        {
            "start_date": "2025-01-15",
            "end_date": "2025-01-16",
            "min_confidence": 0.1,
            "max_confidence": 0.9,
            "include_unscored": True,
            "search": ["x"],
            "types": ["a"],
            "source_types": ["a"],
        },
        (
            "created_at >= ? AND created_at <= ? AND (confidence_score >= ? AND confidence_score <= ?"
            " OR confidence_score IS NULL) AND search_text LIKE ? ESCAPE '/'"
            " AND source_type IN (SELECT value FROM json_each(?)) AND type IN (SELECT value FROM json_each(?))"
        ),
        (
            "created_at >= %(start_date)s::TIMESTAMP WITH TIME ZONE"
            " AND created_at <= %(end_date)s::TIMESTAMP WITH TIME ZONE"
            " AND (confidence_score >= %(min_confidence)s AND confidence_score <= %(max_confidence)s"
            " OR confidence_score IS NULL) AND search_text LIKE %(search_0)s::VARCHAR ESCAPE '/'"
            " AND source_type = ANY (%(source_types)s::TEXT[]) AND type = ANY (%(types)s::TEXT[])"
        ),
    ),
]
"""Filters that include failed results, and what each asks of a row of SQLite and of PostgreSQL."""


@pytest.mark.parametrize(("given", "sqlite", "postgresql"), STATEMENTS, ids=lambda value: str(value)[:40])
def test_a_filter_is_this_sql(given: Dict, sqlite: str, postgresql: str) -> None:
    wanted = wanted_of(given | {"include_failed": True})
    assert (sql(wanted, DIALECTS["sqlite"]), sql(wanted, DIALECTS["postgresql"])) == (sqlite, postgresql)


def test_failed_results_are_left_out_and_the_account_is_asked_for_first() -> None:
    for dialect, account in ((DIALECTS["sqlite"], "?"), (DIALECTS["postgresql"], "%(account_id)s::BIGINT")):
        assert sql(wanted_of({}), dialect) == "status = 'completed'"
        assert sql(wanted_of({"include_failed": True}), dialect) == ""
        first = filters.conditions(7, wanted_of({}))[0].compile(dialect=dialect)
        assert (str(first), first.params) == (f"descriptions.account_id = {account}", {"account_id": 7})


@pytest.mark.parametrize(
    ("terms", "values"),
    [
        (["Dog"], {"search_0": "%dog%"}),
        (["50%", "a_b/c"], {"search_0": "%50/%%", "search_1": "%a/_b//c%"}),
        (["sixteen letters."], {"search_0": "%sixteen letters.%"}),
        (["_sixteen and more"], {"search_0": "%/_sixteen and mor%", "search_0_whole": "_sixteen and more"}),
    ],
)
def test_the_values_of_a_search(terms: list[str], values: Dict) -> None:
    assert filters.values(7, wanted_of({"search": terms})) == {"account_id": 7} | values


@pytest.mark.parametrize(
    ("texts", "term", "expected"),
    [
        (["x" * 40 + "y", "x" * 39 + "y", "x" * 41], "X" * 40 + "y", [0]),
        (["the whole of a long term", "the whole of a lung term"], "whole of a long", [0]),
        (["100% of these_and those/", "100 of these_and those/"], "100% of these_and those/", [0]),
        (
            ["drei große Straßen am Fluß", "drei grosse Strassen am Fluss", "drei Straßen"],
            "GROSSE STRASSEN AM FLUSS",
            [0, 1],
        ),
        (
            ["日本語のとても長い説明文です。本当に", "日本語のとても長い説明文です。嘘"],
            "語のとても長い説明文です。本当に",
            [0],
        ),
        (["a" * 100_000 + "b", "a" * 100_000], "a" * 999 + "b", [0]),
        (["b" + "a" * 100_000, "a" * 100_000], "b" + "a" * 999, [0]),
    ],
    ids=[
        "last letter",
        "behind the pattern",
        "wildcards",
        "folded",
        "letters of three bytes",
        "worst end",
        "worst start",
    ],
)
def test_a_long_term_is_found_as_a_short_one_is(
    account: Account, texts: list[str], term: str, expected: list[int]
) -> None:
    account.record(*({"id": str(place), "description": text} for place, text in enumerate(texts)), {"id": "none"})
    query = """query($term: [String!]) {
        found: descriptions(filter: {search: $term}) { nodes { id } }
        others: descriptions(filter: {excludeSearch: $term}) { nodes { id } }
    }"""
    answer = account.graphql(query, term=[term])
    found, others = ({node["id"] for node in answer[name]["nodes"]} for name in ("found", "others"))
    assert found == set(map(str, expected))
    assert others == {"none", *map(str, range(len(texts)))} - found


def test_filters_of_one_shape_have_one_statement() -> None:
    found: dict[Any, set[tuple[str, ...]]] = {}
    for name, (beside, *values) in EXAMPLES.items():
        for given in (beside, *(beside | {name: value} for value in values)):
            wanted = wanted_of(given)
            texts = tuple(sql(wanted, dialect) for dialect in DIALECTS.values())
            found.setdefault(filters.shape(wanted), set()).add(texts)
    assert [texts for texts in found.values() if len(texts) > 1] == []


@pytest.mark.parametrize("name", filters.FIELDS)
def test_a_field_has_a_shape_of_its_own(name: str) -> None:
    beside, value, _ = EXAMPLES[name]
    without, with_it = wanted_of(beside), wanted_of(beside | {name: value})
    assert filters.shape(without) != filters.shape(with_it)
    for dialect in DIALECTS.values():
        assert sql(without, dialect) != sql(with_it, dialect)
