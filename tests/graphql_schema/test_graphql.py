"""The schema and every query and mutation in it, over HTTP."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, product
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    is_required_argument,
    is_required_input_field,
    lexicographic_sort_schema,
    print_schema,
)

from app.engine.db import Database
from app.exports import lifecycle
from app.exports.lifecycle import Request
from app.history.filters import DescriptionFilter
from app.models import ExportFormat, ExportStatus, Scope
from graphql_schema.schema import schema
from tests.conftest import Account, new_account
from tools.stack import Stack

SDL = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"

FIXED = """
scalar DateTime
scalar Date
scalar JSON
scalar BigInt

type Query {
  descriptions(filter: DescriptionFilter, first: Int, after: String, last: Int, before: String, offset: Int): DescriptionConnection!
  description(id: ID!): Description
  statistics(filter: DescriptionFilter): Statistics!
  export(id: ID!): Export
  exports(status: ExportStatus, first: Int, after: String): ExportConnection!
}
type Mutation {
  createExport(input: CreateExportInput!): Export!
  cancelExport(id: ID!): Export!
  retryExport(id: ID!): Export!
  deleteExport(id: ID!): ID!
  recordDescriptions(input: [DescriptionInput!]!): RecordDescriptionsResult!
}
type Subscription { exportProgress(id: ID!): Export! }
input DescriptionFilter {
  startDate: DateTime  endDate: DateTime  minConfidence: Float  maxConfidence: Float  includeUnscored: Boolean = false
  search: [String!]  searchMode: SearchMode = ANY  sourceTypes: [String!]  types: [String!]  imageIds: [String!]  includeFailed: Boolean = false
}
enum SearchMode { ANY ALL }
type DescriptionConnection { nodes: [Description!]!  edges: [DescriptionEdge!]!  pageInfo: PageInfo!  totalCount: Int!  statistics: Statistics!  filtersApplied: FiltersApplied! }
type DescriptionEdge { cursor: String!  node: Description! }
type PageInfo { hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String  endCursor: String }
enum DescriptionStatus { COMPLETED FAILED }
type Description {
  id: ID!  type: String!  status: DescriptionStatus!  sourceType: String!  sourceId: String  createdAt: DateTime!  imageUrl: String  imageId: String
  description: String  confidenceScore: Float  verification: JSON  metadata: JSON!  errorMessage: String
}
type Statistics { totalCount: Int!  scoredCount: Int!  averageConfidence: Float  confidenceDistribution: [ConfidenceBin!]!  dailyCounts: [DailyCount!]!  sourceDistribution: [SourceCount!]! }
type ConfidenceBin { range: String!  count: Int! }
type DailyCount { date: Date!  count: Int! }
type SourceCount { sourceType: String!  count: Int! }
type FiltersApplied { dateRangeApplied: Boolean!  confidenceRangeApplied: Boolean!  searchApplied: Boolean!  sourceTypesFiltered: Boolean!  filterSummary: String }
input CreateExportInput { format: ExportFormat!  filter: DescriptionFilter  fields: [String!]  includeMetadata: Boolean = true  limit: Int }
enum ExportFormat { CSV JSON JSONL }
enum ExportStatus { PENDING PROCESSING COMPLETED FAILED CANCELLED }
type Export {
  id: ID!  status: ExportStatus!  format: ExportFormat!  progress: ExportProgress!  recordCount: Int  downloadUrl: String  createdAt: DateTime!  completedAt: DateTime
  estimatedCompletionTime: DateTime  errorMessage: String  receipt: ExportReceipt
}
type ExportProgress { rowsWritten: Int!  rowsTotal: Int }
type ExportReceipt { rows: Int!  bytes: BigInt!  sha256: String!  snapshotAt: DateTime! }
type ExportConnection { nodes: [Export!]!  edges: [ExportEdge!]!  pageInfo: PageInfo!  totalCount: Int! }
type ExportEdge { cursor: String!  node: Export! }
input DescriptionInput {
  id: ID!  type: String = "description"  status: DescriptionStatus = COMPLETED  sourceType: String!  sourceId: String  createdAt: DateTime!  imageUrl: String  imageId: String
  description: String  confidenceScore: Float  verification: JSON  metadata: JSON  errorMessage: String
}
type RecordDescriptionsResult { recorded: Int!  alreadyKnown: Int! }
"""  # noqa: E501 - as it was fixed

PAGE = "nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
COUNT = "{ descriptions(filter: {includeFailed: true}) { totalCount } }"
RECORD = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"
CREATE = "mutation($input: CreateExportInput!, $key: String) { createExport(input: $input, idempotencyKey: $key) %s }"
EXPORT = """{ id status format fields progress { rowsWritten rowsTotal } recordCount downloadUrl createdAt completedAt
  expiredAt estimatedCompletionTime errorMessage receipt { rows bytes sha256 snapshotAt } }"""
MINIMAL = {"sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}


FILTERED: list[dict[str, Any]] = [
    {"id": "a", "description": "A red Dog", "confidenceScore": 0.3, "imageId": "i1", "type": "rule"},
    {"id": "b", "description": "100% cat_like", "imageId": "i1", "sourceType": "batch"},
    {"id": "c", "description": "straße", "confidenceScore": 1.0, "imageId": "i2", "type": "rule", "sourceType": "api"},
    {"id": "d", "confidenceScore": 0.0, "createdAt": "2025-01-16T00:00:00Z"},
    {"id": "f", "status": "FAILED", "errorMessage": "timeout", "createdAt": "2025-01-16T00:00:00.000001Z"},
]


@pytest.fixture(scope="module")
def filtered(stack: Stack, database: Database) -> Iterator[Account]:
    """An account that tests only read."""
    account = new_account(stack, database)
    account.record(*FILTERED)
    yield account
    account.close()


# The schema


def members(found: Any) -> dict[str, str]:
    """What a client is written against: the members of a type as text, defaults and nullability included."""

    def text(member: GraphQLArgument | GraphQLInputField) -> str:
        return f"{member.type} = {member.default_value!r}"

    if isinstance(found, GraphQLEnumType):
        return dict.fromkeys(found.values, "value")
    if isinstance(found, GraphQLInputObjectType):
        return {name: text(field) for name, field in found.fields.items()}
    if isinstance(found, GraphQLObjectType):
        fields = {name: str(field.type) for name, field in found.fields.items()}
        arguments = {
            f"{name}({argument}:)": text(value)
            for name, field in found.fields.items()
            for argument, value in field.args.items()
        }
        return fields | arguments
    return {}


def required_additions(found: GraphQLSchema, fixed: GraphQLSchema) -> list[str]:
    """Arguments and input fields beyond the fixed ones that a client must give."""
    needed = []
    for name, type_ in fixed.type_map.items():
        ours = found.type_map[name]
        if isinstance(type_, GraphQLInputObjectType):
            fields = ours.fields.items()  # type: ignore[attr-defined]
            needed += [f"{name}.{n}" for n, field in fields if n not in type_.fields and is_required_input_field(field)]
        elif isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for n, field in type_.fields.items():
                arguments = ours.fields[n].args.items()  # type: ignore[attr-defined]
                needed += [
                    f"{name}.{n}({a}:)" for a, arg in arguments if a not in field.args and is_required_argument(arg)
                ]
    return needed


@pytest.fixture(scope="module")
def served(filtered: Account) -> GraphQLSchema:
    return build_client_schema(
        filtered.graphql(get_introspection_query(specified_by_url=True, input_value_deprecation=True))
    )


def test_the_fixed_schema_holds_and_additions_demand_nothing(served: GraphQLSchema) -> None:
    fixed = build_schema(FIXED)
    kinds = {name: type(found) for name, found in fixed.type_map.items()}
    assert {name: type(served.type_map.get(name)) for name in kinds} == kinds
    for name, found in fixed.type_map.items():
        ours = members(served.type_map[name])
        assert {member: ours.get(member) for member in members(found)} == members(found), name
    assert required_additions(served, fixed) == []


@pytest.mark.parametrize("name", ["ExportStatus", "ExportFormat", "SearchMode", "DescriptionStatus"])
def test_the_fixed_enumerations_have_no_further_values(served: GraphQLSchema, name: str) -> None:
    assert members(served.type_map[name]) == members(build_schema(FIXED).type_map[name])


def test_the_committed_schema_is_what_the_code_prints() -> None:
    assert SDL.read_text() == schema.as_str() + "\n"


def test_the_committed_schema_is_what_is_served(served: GraphQLSchema) -> None:
    committed = build_schema(SDL.read_text())
    assert print_schema(lexicographic_sort_schema(served)) == print_schema(lexicographic_sort_schema(committed))


def test_every_type_and_root_field_says_what_it_is(served: GraphQLSchema) -> None:
    roots = {"Query", "Mutation", "Subscription"}
    plain = {"String", "Int", "Float", "Boolean", "ID", "DescriptionEdge", "ExportEdge"}
    types = {name: found for name, found in served.type_map.items() if not name.startswith("__") and name not in plain}
    assert {name for name, found in types.items() if not found.description} == roots
    fields = [field for name in roots for field in types[name].fields.values()]  # type: ignore[attr-defined]
    assert len(fields) == 11
    assert all(field.description for field in fields)


# Pages


START = datetime.fromisoformat("2025-01-15T10:30:00Z")


def tied(count: int) -> list[dict[str, Any]]:
    """Results in their order, oldest first; every three have the same time."""
    return [{"id": f"r{n}", "createdAt": (START + timedelta(seconds=n // 3)).isoformat()} for n in range(count)]


def newest_first(results: Sequence[dict[str, Any]]) -> list[str]:
    return [result["id"] for result in sorted(results, key=lambda r: (r["createdAt"], r["id"]), reverse=True)]


def page(account: Account, arguments: str) -> Any:
    return account.graphql(f"{{ descriptions({arguments}) {{ {PAGE} }} }}")["descriptions"]


def ids(connection: Any) -> list[str]:
    return [node["id"] for node in connection["nodes"]]


def walk(
    account: Account, size: str, place: str, cursor: str, more: str, between: Callable[[], None]
) -> list[list[str]]:
    """The ids of each page, from one end to the other; `between` runs after the first one."""
    pages, arguments = [], f"{size}: 2"
    while True:
        found = page(account, arguments)
        pages.append(ids(found))
        if not found["pageInfo"][more]:
            return pages
        arguments = f'{size}: 2, {place}: "{found["pageInfo"][cursor]}"'
        if len(pages) == 1:
            between()


def test_forward_to_the_end(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "first", "after", "endCursor", "hasNextPage", lambda: None)
    assert pages == [["r6", "r5"], ["r4", "r3"], ["r2", "r1"], ["r0"]]


def test_backward_to_the_start(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "last", "before", "startCursor", "hasPreviousPage", lambda: None)
    assert pages == [["r1", "r0"], ["r3", "r2"], ["r5", "r4"], ["r6"]]


MEANWHILE = [
    {"id": "newest", "createdAt": (START + timedelta(days=1)).isoformat()},
    {"id": "oldest", "createdAt": (START - timedelta(days=1)).isoformat()},
    *({"id": f"{result['id']}{end}", "createdAt": result["createdAt"]} for result in tied(7) for end in ".z"),
]


def test_forward_while_results_are_recorded(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "first", "after", "endCursor", "hasNextPage", lambda: account.record(*MEANWHILE))
    behind = newest_first(tied(7) + MEANWHILE)
    assert pages[0] == ["r6", "r5"]
    assert [*chain(*pages[1:])] == behind[behind.index("r5") + 1 :]


def test_backward_while_results_are_recorded(account: Account) -> None:
    account.record(*tied(7))
    pages = walk(account, "last", "before", "startCursor", "hasPreviousPage", lambda: account.record(*MEANWHILE))
    ahead = newest_first(tied(7) + MEANWHILE)
    assert pages[0] == ["r1", "r0"]
    assert [*chain(*reversed(pages[1:]))] == ahead[: ahead.index("r1")]


def window(
    rows: list[str], first: int | None, last: int | None, after: str | None, before: str | None, offset: int
) -> Any:
    """What a page must hold, as plain Python has it."""
    start = rows.index(after) + 1 if after else 0
    end = rows.index(before) if before else len(rows)
    if last is None:
        begin = min(start + offset, max(start, end))
        found = rows[begin : min(begin + (100 if first is None else first), end)]
        previous, following = begin > 0, begin + len(found) < end or end < len(rows)
    else:
        found = rows[max(start, end - last) : end]
        previous, following = end - len(found) > start or start > 0, end < len(rows)
    return found, previous, following


def windows(rows: list[str]) -> list[tuple[int | None, int | None, str | None, str | None, int]]:
    places = [None, *rows[::2]]
    forward = product([None, 0, 1, 3, 9], [None], places, places, [0])
    skipping = product([None, 0, 1, 3, 9], [None], [None], [None], [1, 4, 5, 9, 2**31 - 1])
    backward = product([None], [0, 1, 3, 9], places, places, [0])
    return [*forward, *skipping, *backward]


def given(
    cursors: dict[str, str], first: int | None, last: int | None, after: str | None, before: str | None, offset: int
) -> str:
    """The arguments of a window, as a client writes them."""
    places = {"after": after and cursors[after], "before": before and cursors[before]}
    values = {"first": first, "last": last, **places, "offset": offset or None}
    written = ", ".join(f"{name}: {json.dumps(value)}" for name, value in values.items() if value is not None)
    return f"({written})" if written else ""


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_window_and_its_page_info(account: Account, count: int) -> None:
    if count:
        account.record(*tied(count))
    edges = account.graphql("{ descriptions { edges { cursor node { id } } } }")["descriptions"]["edges"]
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in edges}
    rows = list(cursors)
    assert rows == newest_first(tied(count))
    wanted = windows(rows)
    for start in range(0, len(wanted), 30):
        asked = wanted[start : start + 30]
        fields = [f"w{n}: descriptions{given(cursors, *values)} {{ {PAGE} }}" for n, values in enumerate(asked)]
        answer = account.graphql("{" + " ".join(fields) + "}")
        for n, values in enumerate(asked):
            found, previous, following = window(rows, *values)
            ends = (cursors[found[0]], cursors[found[-1]]) if found else (None, None)
            info = dict(zip(("startCursor", "endCursor"), ends, strict=True))
            info |= {"hasPreviousPage": previous, "hasNextPage": following}
            nodes = [{"id": id} for id in found]
            assert answer[f"w{n}"] == {"nodes": nodes, "pageInfo": info, "totalCount": count}, values


def test_a_page_has_at_most_a_thousand_and_a_hundred_unasked(account: Account) -> None:
    account.record(*tied(1001))
    order = newest_first(tied(1001))
    assert ids(page(account, "offset: 0")) == order[:100]
    assert ids(page(account, "first: 1000")) == order[:1000]
    assert ids(page(account, "last: 1000")) == order[1:]
    assert ids(page(account, "offset: 990")) == order[990:]
    assert ids(page(account, "offset: 2147483647")) == []


def test_edges_and_nodes_are_the_same_results(account: Account) -> None:
    account.record(*tied(3))
    found = account.graphql("{ descriptions { edges { node { id createdAt } } nodes { id createdAt } } }")[
        "descriptions"
    ]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    assert ids(found) == ["r2", "r1", "r0"]


def test_a_cursor_leads_through_any_filter(account: Account) -> None:
    account.record(*({"type": "rule" if n % 2 else "description", **result} for n, result in enumerate(tied(7))))
    cursor = page(account, "first: 3")["pageInfo"]["endCursor"]
    found = page(account, f'first: 2, after: "{cursor}", filter: {{types: ["rule"]}}')
    assert (ids(found), found["totalCount"]) == (["r3", "r1"], 3)
    assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (True, False)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


GENUINE = encoded("1736937000000000:r1")


@pytest.mark.parametrize("selected", [PAGE, "totalCount"])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: 1, last: 1", "last"),
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ("last: -1", "last"),
        ("last: 1001", "last"),
        ("offset: -1", "offset"),
        ("last: 2, offset: 1", "offset"),
        (f'offset: 1, after: "{GENUINE}"', "offset"),
        (f'offset: 1, before: "{GENUINE}"', "offset"),
    ],
)
def test_a_window_that_cannot_be_meant(filtered: Account, arguments: str, field: str, selected: str) -> None:
    error = filtered.refused(f"{{ descriptions({arguments}) {{ {selected} }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}


NONSENSE = [
    "",
    "x",
    "r1",
    "!!!!",
    "é",
    "\U0001f600",
    "a" * 10_000,
    GENUINE + "A",
    GENUINE + "=",
    GENUINE[:-1],
    GENUINE.swapcase(),
    encoded(""),
    encoded(":r1"),
    encoded("r1"),
    encoded("1.5:r1"),
    encoded(" 1:r1"),
    encoded("1_0:r1"),
    encoded("+1:r1"),
    encoded("1:\0"),
    encoded("9" * 30 + ":r1"),
    encoded("-" + "9" * 17 + ":r1"),
    encoded("9" * 5000 + ":r1"),
    base64.urlsafe_b64encode(b"1:\xff").decode(),
]


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("cursor", NONSENSE, ids=range(len(NONSENSE)))
def test_a_cursor_that_is_not_ours(filtered: Account, cursor: str, name: str) -> None:
    for selected in ("nodes { id }", "totalCount"):
        query = f"query($place: String) {{ descriptions({name}: $place) {{ {selected} }} }}"
        error = filtered.refused(query, place=cursor)
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": name}
        assert error["message"] == "This is no cursor of ours: use one that an earlier page returned."


# Filters, statistics, filtersApplied


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, "dcba"),
        ({"includeFailed": True}, "fdcba"),
        ({"startDate": "2025-01-16"}, "d"),
        ({"startDate": "2025-01-16", "includeFailed": True}, "fd"),
        ({"endDate": "2025-01-16", "includeFailed": True}, "dcba"),
        ({"endDate": "2025-01-15T10:30:01Z"}, "ba"),
        ({"endDate": "2025-01-15T12:30:01+02:00"}, "ba"),
        ({"endDate": "2025-01-15T12:30:01 02:00"}, "ba"),
        ({"startDate": "2025-01-15T10:30:01", "endDate": "2025-01-15T10:30:01"}, "b"),
        ({"minConfidence": 0.3}, "ca"),
        ({"minConfidence": 0}, "dca"),
        ({"maxConfidence": 0.3}, "da"),
        ({"maxConfidence": 1, "includeUnscored": True}, "dcba"),
        ({"minConfidence": 0.9, "includeUnscored": True}, "cb"),
        ({"includeUnscored": True}, "dcba"),
        ({"search": ["dog"]}, "a"),
        ({"search": ["DOG", "cat"]}, "ba"),
        ({"search": ["DOG", "cat"], "searchMode": "ALL"}, ""),
        ({"search": ["DOG", "red"], "searchMode": "ALL"}, "a"),
        ({"search": ["STRASSE"]}, "c"),
        ({"search": ["%"]}, "b"),
        ({"search": ["t_l"]}, "b"),
        ({"search": ["_"]}, "b"),
        ({"search": ["\\"]}, ""),
        ({"search": ["", "  "]}, "dcba"),
        ({"search": [" dog "]}, "a"),
        ({"search": ["dog,cat"]}, ""),
        ({"sourceTypes": ["batch", "api"]}, "cb"),
        ({"sourceTypes": ["Batch"]}, ""),
        ({"sourceTypes": []}, "dcba"),
        ({"types": ["rule"]}, "ca"),
        ({"types": ["rule"], "imageIds": ["i1"]}, "a"),
        ({"imageIds": ["i1", "i1"]}, "ba"),
        ({"imageIds": ["unknown"]}, ""),
        (dict.fromkeys(["startDate", "minConfidence", "search", "sourceTypes", "includeFailed", "searchMode"]), "dcba"),
        (None, "dcba"),
    ],
)
def test_filters(filtered: Account, filter: dict[str, Any] | None, expected: str) -> None:
    query = """query($filter: DescriptionFilter) { statistics(filter: $filter) { totalCount }
        descriptions(filter: $filter) { nodes { id } totalCount statistics { totalCount } } }"""
    answer = filtered.graphql(query, filter=filter)
    assert "".join(ids(answer["descriptions"])) == expected
    assert answer["descriptions"]["totalCount"] == len(expected)
    assert answer["descriptions"]["statistics"] == answer["statistics"] == {"totalCount": len(expected)}


@pytest.mark.parametrize(
    ("filter", "field"),
    [
        ({"startDate": "2025-02-01", "endDate": "2025-01-01"}, "startDate"),
        ({"minConfidence": 0.9, "maxConfidence": 0.1}, "minConfidence"),
        ({"minConfidence": -0.1}, "minConfidence"),
        ({"maxConfidence": 1.1}, "maxConfidence"),
        ({"search": ["a\0"]}, "search"),
        ({"search": ["x" * 1001]}, "search"),
        ({"search": [str(n) for n in range(51)]}, "search"),
        ({"sourceTypes": ["\0"]}, "sourceTypes"),
        ({"imageIds": [str(n) for n in range(1001)]}, "imageIds"),
    ],
)
def test_a_filter_that_cannot_be_meant(filtered: Account, filter: dict[str, Any], field: str) -> None:
    for query in (
        "statistics(filter: $filter) { totalCount }",
        "descriptions(filter: $filter) { filtersApplied { searchApplied } }",
    ):
        error = filtered.refused(f"query($filter: DescriptionFilter) {{ {query} }}", filter=filter)
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2025-13-01", "2025-01-15T25:00:00Z", "9999-12-31T23:00:00-05:00", 5, True]
)
def test_a_time_that_is_none(filtered: Account, text: Any) -> None:
    error = filtered.refused("query($at: DateTime) { statistics(filter: {startDate: $at}) { totalCount } }", at=text)
    assert "must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z" in error["message"]


STATISTICS = """{ totalCount scoredCount averageConfidence confidenceDistribution { range count }
    dailyCounts { date count } sourceDistribution { sourceType count } }"""


def test_statistics(filtered: Account) -> None:
    query = f"{{ statistics {STATISTICS} descriptions(first: 1) {{ statistics {STATISTICS} }} }}"
    answer = filtered.graphql(query)
    assert answer["descriptions"]["statistics"] == answer["statistics"]
    assert answer["statistics"] == {
        "totalCount": 4,
        "scoredCount": 3,
        "averageConfidence": 0.4333,
        "confidenceDistribution": [
            {"range": "0.0-0.1", "count": 1},
            {"range": "0.3-0.4", "count": 1},
            {"range": "0.9-1.0", "count": 1},
        ],
        "dailyCounts": [{"date": "2025-01-15", "count": 3}, {"date": "2025-01-16", "count": 1}],
        "sourceDistribution": [
            {"sourceType": "api", "count": 1},
            {"sourceType": "batch", "count": 1},
            {"sourceType": "single", "count": 2},
        ],
    }


def test_statistics_of_nothing(account: Account) -> None:
    assert account.graphql(f"{{ statistics {STATISTICS} }}")["statistics"] == {
        "totalCount": 0,
        "scoredCount": 0,
        "averageConfidence": None,
        "confidenceDistribution": [],
        "dailyCounts": [],
        "sourceDistribution": [],
    }


def test_the_average_of_unscored_results_is_null(account: Account) -> None:
    account.record({}, {})
    assert account.graphql("{ statistics { totalCount scoredCount averageConfidence } }")["statistics"] == {
        "totalCount": 2,
        "scoredCount": 0,
        "averageConfidence": None,
    }


APPLIED = ("dateRangeApplied", "confidenceRangeApplied", "searchApplied", "sourceTypesFiltered")


@pytest.mark.parametrize(
    ("filter", "true", "summary"),
    [
        (None, [], None),
        ({"search": [" "], "includeFailed": True, "types": ["x"]}, [], None),
        ({"startDate": "2025-01-01", "endDate": "2025-01-31T23:59:59Z"}, [0], "Date: 2025-01-01 to 2025-01-31"),
        ({"startDate": "2025-01-01T01:00:00+02:00"}, [0], "Date: from 2024-12-31"),
        ({"endDate": "2025-01-31"}, [0], "Date: until 2025-01-31"),
        ({"minConfidence": 0.8, "maxConfidence": 1}, [1], "Min confidence: 0.8"),
        ({"maxConfidence": 0.5}, [1], "Max confidence: 0.5"),
        ({"maxConfidence": 1}, [1], None),
        ({"search": ["a"], "sourceTypes": ["single", "batch"]}, [2], None),
        ({"sourceTypes": ["single"]}, [3], None),
        ({"startDate": "2025-01-01", "minConfidence": 0}, [0, 1], "Date: from 2025-01-01, Min confidence: 0.0"),
    ],
)
def test_filters_applied(account: Account, filter: Any, true: list[int], summary: str | None) -> None:
    query = (
        "query($filter: DescriptionFilter) { descriptions(filter: $filter) { filtersApplied { %s filterSummary } } }"
    )
    found = account.graphql(query % " ".join(APPLIED), filter=filter)["descriptions"]["filtersApplied"]
    assert found == {name: place in true for place, name in enumerate(APPLIED)} | {"filterSummary": summary}


# Documents


def test_fragments_aliases_and_directives(filtered: Account) -> None:
    query = """
    query Everything($yes: Boolean!, $no: Boolean!) {
      scored: descriptions(filter: {minConfidence: 0.5}) {
        ...Counted
        ... on DescriptionConnection { nodes { ...Named } }
      }
      all: descriptions(first: 1) {
        total: totalCount @include(if: $yes)
        statistics @skip(if: $yes) { totalCount }
        ... @include(if: $no) { pageInfo { hasNextPage } }
        ...Counted @skip(if: $yes)
        edges { node { ...Named kind: __typename } }
      }
    }
    fragment Counted on DescriptionConnection { totalCount statistics { ...Scored } }
    fragment Scored on Statistics { scoredCount }
    fragment Named on Description { id name: description }
    """
    assert filtered.graphql(query, yes=True, no=False) == {
        "scored": {"totalCount": 1, "statistics": {"scoredCount": 1}, "nodes": [{"id": "c", "name": "straße"}]},
        "all": {"total": 4, "edges": [{"node": {"id": "d", "name": None, "kind": "Description"}}]},
    }


@pytest.mark.parametrize(
    "selected",
    [
        "totalCount",
        "statistics { totalCount }",
        "nodes { id }",
        "edges { cursor }",
        "pageInfo { endCursor }",
        "filtersApplied { filterSummary }",
    ],
)
def test_each_part_of_a_connection_stands_alone(filtered: Account, selected: str) -> None:
    whole = filtered.graphql(
        "{ descriptions { totalCount statistics { totalCount } nodes { id } edges { cursor }"
        " pageInfo { endCursor } filtersApplied { filterSummary } } }"
    )["descriptions"]
    name = selected.split(" ")[0]
    for written in (
        f"{{ descriptions {{ {selected} }} }}",
        f"{{ descriptions {{ ...A }} }} fragment A on DescriptionConnection {{ ... {{ {selected} }} }}",
    ):
        assert filtered.graphql(written) == {"descriptions": {name: whole[name]}}


def test_one_result(account: Account) -> None:
    given = {
        "id": "a b/ü",
        "type": "rule",
        "status": "COMPLETED",
        "sourceType": "batch",
        "sourceId": "s",
        "createdAt": "2025-01-15T10:30:00.500Z",
        "imageUrl": "https://example.com/1.jpg",
        "imageId": "i",
        "description": "text",
        "confidenceScore": 0.25,
        "verification": {"by": ["someone", 1, None, True]},
        "metadata": {"n": {"m": 0.1}},
        "errorMessage": "e",
    }
    account.record(given)
    query = f"query($id: ID!) {{ description(id: $id) {{ {' '.join(given)} }} }}"
    assert account.graphql(query, id="a b/ü") == {"description": given}


@pytest.mark.parametrize("id", ["unknown", "", "A", "\0", "%", "x" * 10_000, 5])
def test_a_result_that_is_not_there(filtered: Account, id: Any) -> None:
    assert filtered.graphql("query($id: ID!) { description(id: $id) { id } }", id=id) == {"description": None}


def test_a_result_of_another_account_is_not_there(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    account.record({"id": "a", "description": "mine"})
    query = '{ description(id: "a") { description } }'
    assert other.graphql(query) == {"description": None}
    other.record({"id": "a", "description": "theirs"})
    assert other.graphql(query) == {"description": {"description": "theirs"}}
    assert account.graphql(query) == {"description": {"description": "mine"}}


# Recording


def test_recording_fills_in_what_is_not_given(account: Account) -> None:
    plain = {"id": "plain", **MINIMAL}
    nulls = {"id": "nulls", **MINIMAL, "type": None, "status": None, "metadata": None, "verification": None}
    assert account.graphql(RECORD, input=[plain, nulls]) == {"recordDescriptions": {"recorded": 2, "alreadyKnown": 0}}
    fields = "type status sourceId imageUrl imageId description confidenceScore verification metadata errorMessage"
    nodes = account.graphql(f"{{ descriptions {{ nodes {{ {fields} }} }} }}")["descriptions"]["nodes"]
    empty = dict.fromkeys(fields.split()) | {"type": "description", "status": "COMPLETED", "metadata": {}}
    assert nodes == [empty, empty]


@pytest.mark.parametrize("value", [False, 0, "", [], {}, 1.5, -0.001, 2**70, "é\U0001f600\u2028\n", [[{"a": [None]}]]])
def test_any_json_comes_back(account: Account, value: Any) -> None:
    account.record({"id": "a", "verification": value, "metadata": {'k"é': value}})
    found = account.graphql('{ description(id: "a") { verification metadata } }')["description"]
    assert found == {"verification": value, "metadata": {'k"é': value}}
    assert type(found["verification"]) is type(value)


def test_a_large_number_is_told_without_exponent(account: Account) -> None:
    account.record({"id": "a", "verification": 1e300})
    assert account.graphql('{ description(id: "a") { verification } }') == {"description": {"verification": 10**300}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2025-01-15", "2025-01-15T00:00:00Z"),
        ("2025-01-15T10:30:00", "2025-01-15T10:30:00Z"),
        ("2025-01-15T10:30:00-05:30", "2025-01-15T16:00:00Z"),
        ("2025-01-15T10:30:00.120Z", "2025-01-15T10:30:00.120Z"),
        ("2025-01-15T10:30:00.000001Z", "2025-01-15T10:30:00.000001Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_told_in_utc(account: Account, given: str, told: str) -> None:
    account.record({"id": "a", "createdAt": given})
    assert account.graphql('{ description(id: "a") { createdAt } }') == {"description": {"createdAt": told}}


def test_what_is_known_stays_as_it_was(account: Account) -> None:
    account.record({"id": "a", "description": "first", "confidenceScore": 0.5})
    again = [{"id": "a", **MINIMAL, "description": "second", "confidenceScore": 0.9}, {"id": "b", **MINIMAL}]
    assert account.graphql(RECORD, input=again) == {"recordDescriptions": {"recorded": 1, "alreadyKnown": 1}}
    assert account.graphql(RECORD, input=again) == {"recordDescriptions": {"recorded": 0, "alreadyKnown": 2}}
    query = '{ description(id: "a") { description confidenceScore } statistics { totalCount averageConfidence } }'
    assert account.graphql(query) == {
        "description": {"description": "first", "confidenceScore": 0.5},
        "statistics": {"totalCount": 2, "averageConfidence": 0.5},
    }


def test_an_empty_batch_records_nothing(account: Account) -> None:
    assert account.graphql(RECORD, input=[]) == {"recordDescriptions": {"recorded": 0, "alreadyKnown": 0}}


def test_a_batch_is_at_most_ten_thousand(account: Account) -> None:
    batch = [{"id": str(n), **MINIMAL} for n in range(10_001)]
    error = account.refused(RECORD, input=batch)
    assert error["message"] == "At most 10000 results may be recorded at once."
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": "good"}, "comes twice"),
        ({"id": ""}, "at least 1 character"),
        ({"id": "x" * 256}, "at most 255 characters"),
        ({"id": "a\0b"}, "NUL"),
        ({"type": ""}, "type"),
        ({"sourceType": ""}, "source_type"),
        ({"sourceId": "x" * 256}, "source_id"),
        ({"imageId": "\0"}, "image_id"),
        ({"imageUrl": "x" * 8193}, "image_url"),
        ({"description": "a\0"}, "description"),
        ({"errorMessage": "x" * 10_001}, "error_message"),
        ({"confidenceScore": 1.0001}, "less than or equal to 1"),
        ({"confidenceScore": -0.5}, "greater than or equal to 0"),
        ({"metadata": []}, "metadata"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a\0": 1}}, "metadata"),
        ({"verification": ["\0"]}, "verification"),
    ],
)
def test_one_bad_result_keeps_the_whole_batch_out(account: Account, wrong: dict[str, Any], reason: str) -> None:
    error = account.refused(RECORD, input=[{"id": "good", **MINIMAL}, {"id": "bad", **MINIMAL, **wrong}])
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert reason in error["message"]
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"createdAt": "yesterday"},
        {"createdAt": None},
        {"sourceType": None},
        {"sourceType": 5},
        {"confidenceScore": "0.5"},
        {"confidenceScore": True},
        {"status": "UNKNOWN"},
        {"status": "completed"},
        {"unknown": 1},
    ],
)
def test_a_result_of_a_wrong_type_keeps_the_whole_batch_out(account: Account, wrong: dict[str, Any]) -> None:
    error = account.refused(RECORD, input=[{"id": "good", **MINIMAL}, {"id": "bad", **MINIMAL, **wrong}])
    assert error["message"].startswith("Variable '$input' has invalid value")
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_infinity_is_no_score(account: Account) -> None:
    literal = '{id: "a", sourceType: "single", createdAt: "2025-01-15", confidenceScore: 1e999}'
    error = account.refused(f"mutation {{ recordDescriptions(input: [{literal}]) {{ recorded }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_read_key_records_nothing(account: Account) -> None:
    with account.connect(Scope.READ) as reader:
        answer = reader.post(
            "/graphql", json={"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL}]}}
        ).json()
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "AUTHZ_ERROR"}]
    assert answer["errors"][0]["message"] == "This needs an API key with the scope 'write'; this one has 'read'."
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_an_admin_key_records(account: Account) -> None:
    with account.connect(Scope.ADMIN) as admin:
        answer = admin.post("/graphql", json={"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL}]}}).json()
    assert answer == {"data": {"recordDescriptions": {"recorded": 1, "alreadyKnown": 0}}}


# Exports


def create(account: Account, key: str | None = None, **input: Any) -> Any:
    return account.graphql(CREATE % EXPORT, input=input, key=key)["createExport"]


def export(account: Account, id: str) -> Any:
    return account.graphql(f"query($id: ID!) {{ export(id: $id) {EXPORT} }}", id=id)["export"]


def put_export(account: Account, status: ExportStatus) -> str:
    """An export in that state, which no worker touches: what runs, runs elsewhere, and what waits, waits for long."""
    with account.database.write() as session:
        row = lifecycle.create(session, account.id, Request(format=ExportFormat.CSV, filter=DescriptionFilter()))
        later = row.created_at + timedelta(hours=1)
        row.status, row.attempt, row.not_before, row.lease_until = status, 1, later, later
        if status not in (ExportStatus.PENDING, ExportStatus.PROCESSING):
            row.completed_at = row.created_at
        if status is ExportStatus.FAILED:
            row.error_message = lifecycle.TOO_LARGE
        return str(row.id)


ITEM_COLUMNS = (
    "id", "type", "source_type", "source_id", "created_at", "image_url", "description", "confidence_score",
    "verification", "image_id", "metadata",
)  # fmt: skip
ALL_COLUMNS = (*ITEM_COLUMNS, "status", "error_message")


def test_a_new_export(account: Account) -> None:
    state = create(account, format="JSONL", filter={"search": ["dog"]})
    created = datetime.fromisoformat(state.pop("createdAt"))
    estimated = datetime.fromisoformat(state.pop("estimatedCompletionTime"))
    assert timedelta(0) < estimated - created < timedelta(minutes=5)
    assert state == {
        "id": state["id"],
        "status": "PENDING",
        "format": "JSONL",
        "fields": [*ITEM_COLUMNS],
        "progress": {"rowsWritten": 0, "rowsTotal": None},
        "recordCount": None,
        "downloadUrl": None,
        "completedAt": None,
        "expiredAt": None,
        "errorMessage": None,
        "receipt": None,
    }


NOTHING = {"types": ["none"]}
JSON_OF_BOTH = '[{"id":"b","confidence_score":null},\n{"id":"a","confidence_score":0.5}]'
METADATA_OF_BOTH = '{"metadata":{}}\n{"metadata":{"k":1}}\n'
EXPORTED: list[dict[str, Any]] = [
    {"id": "a", "description": "Dog", "confidenceScore": 0.5, "metadata": {"k": 1}},
    {"id": "b", "description": "Cat, sat"},
    {"id": "f", "status": "FAILED", "errorMessage": "timeout"},
]


@pytest.mark.parametrize(
    ("format", "input", "expected"),
    [
        ("CSV", {"fields": ["description", "id", "id"]}, 'description,id\r\n"Cat, sat",b\r\nDog,a\r\n'),
        ("JSON", {"fields": ["id", "confidence_score"]}, JSON_OF_BOTH),
        ("JSON", {"filter": NOTHING}, "[]"),
        ("JSONL", {"fields": ["id"], "filter": {"search": ["dog"]}}, '{"id":"a"}\n'),
        ("JSONL", {"filter": NOTHING}, ""),
        ("JSONL", {"fields": ["id"], "limit": 1}, '{"id":"b"}\n'),
        ("JSONL", {"fields": ["status"], "filter": {"includeFailed": True}, "limit": 1}, '{"status":"failed"}\n'),
        ("CSV", {"fields": ["metadata", "id"], "includeMetadata": False, "limit": 100000}, "id\r\nb\r\na\r\n"),
        ("JSONL", {"fields": ["metadata"], "includeMetadata": None, "limit": None}, METADATA_OF_BOTH),
        ("CSV", {"fields": [], "filter": NOTHING, "includeMetadata": False}, ",".join(ITEM_COLUMNS[:-1]) + "\r\n"),
        ("CSV", {"fields": None, "filter": NOTHING | {"includeFailed": True}}, ",".join(ALL_COLUMNS) + "\r\n"),
    ],
)
def test_what_an_export_holds_and_its_receipt(
    account: Account, format: str, input: dict[str, Any], expected: str
) -> None:
    account.record(*EXPORTED)
    started = create(account, format=format, **input)
    account.wait(started["id"])
    ended = export(account, started["id"])
    file = httpx.get(ended["downloadUrl"], verify=False).content
    assert file == expected.encode()
    rows = len(json.loads(expected)) if format == "JSON" else expected.count("\n") - (format == "CSV")
    receipt = ended["receipt"]
    assert receipt == {
        "rows": rows,
        "bytes": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
        "snapshotAt": receipt["snapshotAt"],
    }
    times = [started["createdAt"], receipt["snapshotAt"], ended["completedAt"]]
    assert sorted(times, key=datetime.fromisoformat) == times
    changed = {
        "status": "COMPLETED",
        "progress": {"rowsWritten": rows, "rowsTotal": rows},
        "recordCount": rows,
        "downloadUrl": ended["downloadUrl"],
        "completedAt": ended["completedAt"],
        "estimatedCompletionTime": None,
        "receipt": receipt,
    }
    assert ended == started | changed


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 100_001}, "limit"),
        ({"fields": ["id", "createdAt"]}, "fields"),
        ({"fields": [""]}, "fields"),
        ({"fields": ["metadata"], "includeMetadata": False}, "fields"),
        ({"filter": {"minConfidence": 2}}, "minConfidence"),
        ({"filter": {"startDate": "2025-02-01", "endDate": "2025-01-01"}}, "startDate"),
        ({"key": "x" * 256}, "idempotencyKey"),
        ({"key": "a\0b"}, "idempotencyKey"),
    ],
)
def test_an_export_that_cannot_be_meant(filtered: Account, input: dict[str, Any], field: str) -> None:
    key = input.pop("key", None)
    error = filtered.refused(CREATE % "{ id }", input={"format": "CSV"} | input, key=key)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
    assert filtered.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}


@pytest.mark.parametrize(
    "input",
    [
        {},
        {"format": "XML"},
        {"format": "csv"},
        {"format": None},
        {"limit": "1e2"},
        {"limit": 1.5},
        {"limit": 10**18},
        {"fields": [1]},
        {"other": 1},
    ],
)
def test_an_export_of_a_wrong_type(filtered: Account, input: dict[str, Any]) -> None:
    error = filtered.refused(CREATE % "{ id }", input=({"format": "CSV"} | input) if input else {})
    assert error["message"].startswith("Variable '$input' has invalid value")
    assert filtered.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}


def test_the_same_idempotency_key_and_input_give_the_same_export(account: Account) -> None:
    input: dict[str, Any] = {"format": "CSV", "filter": {"search": ["a"], "types": None}}
    first = create(account, "key", **input)
    assert create(account, "key", **input)["id"] == first["id"]
    assert create(account, "key", format="CSV", filter={"search": [" a "]}, fields=[])["id"] == first["id"]
    for other in ({"format": "JSON"}, {"limit": 1}, {"fields": ["id"]}, {"filter": {"search": ["b"]}}):
        error = account.refused(CREATE % "{ id }", input=input | other, key="key")
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "idempotencyKey"}
    assert account.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 1}}
    assert create(account, "another", **input)["id"] != first["id"]
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=first["id"])
    assert create(account, "key", **input)["id"] != first["id"]


@pytest.mark.parametrize("key", [None, ""])
def test_no_idempotency_key_is_a_new_export_each_time(account: Account, key: str | None) -> None:
    assert create(account, key, format="CSV")["id"] != create(account, key, format="CSV")["id"]


ENDED = {ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED}


@pytest.mark.parametrize("status", ExportStatus)
def test_cancelling(account: Account, status: ExportStatus) -> None:
    id = put_export(account, status)
    before = export(account, id)
    cancel = f"mutation($id: ID!) {{ cancelExport(id: $id) {EXPORT} }}"
    if status in (ExportStatus.COMPLETED, ExportStatus.FAILED):
        error = account.refused(cancel, id=id)
        assert error["extensions"] == {"code": "CONFLICT"}
        assert f"The export is {status} already" in error["message"]
        assert export(account, id) == before
        return
    told = account.graphql(cancel, id=id)["cancelExport"]
    assert (told["status"], told["estimatedCompletionTime"]) == ("CANCELLED", None)
    assert export(account, id) == told
    if status is ExportStatus.CANCELLED:
        assert told == before
    else:
        assert (before["completedAt"], before["errorMessage"]) == (None, None)
        assert (told["completedAt"] is None, told["errorMessage"]) == (False, "The export was cancelled")
    assert account.graphql(cancel, id=id)["cancelExport"] == told


@pytest.mark.parametrize("status", ExportStatus)
def test_retrying(account: Account, status: ExportStatus) -> None:
    account.record({"id": "a"})
    id = put_export(account, status)
    before = export(account, id)
    selected = "id status completedAt errorMessage progress { rowsWritten rowsTotal }"
    retry = f"mutation($id: ID!) {{ retryExport(id: $id) {{ {selected} }} }}"
    if status not in (ExportStatus.FAILED, ExportStatus.CANCELLED):
        error = account.refused(retry, id=id)
        assert error["extensions"] == {"code": "CONFLICT"}
        assert f"The export is {status}; only one that has failed or was cancelled" in error["message"]
        unchanged = export(account, id)
        assert unchanged | {"estimatedCompletionTime": None} == before | {"estimatedCompletionTime": None}
        return
    assert account.graphql(retry, id=id)["retryExport"] == {
        "id": id,
        "status": "PENDING",
        "completedAt": None,
        "errorMessage": None,
        "progress": {"rowsWritten": 0, "rowsTotal": None},
    }
    account.wait(id)
    ended = export(account, id)
    assert (ended["status"], ended["recordCount"], ended["errorMessage"]) == ("COMPLETED", 1, None)
    assert httpx.get(ended["downloadUrl"], verify=False).text.splitlines()[1].startswith("a,")


@pytest.mark.parametrize("status", ExportStatus)
def test_deleting(account: Account, status: ExportStatus) -> None:
    id, kept = put_export(account, status), put_export(account, ExportStatus.COMPLETED)
    delete = "mutation($id: ID!) { deleteExport(id: $id) }"
    assert account.graphql(delete, id=id) == {"deleteExport": id}
    assert export(account, id) is None
    assert account.graphql("{ exports { nodes { id } totalCount } }")["exports"] == {
        "nodes": [{"id": kept}],
        "totalCount": 1,
    }
    for operation in ("deleteExport(id: $id)", "cancelExport(id: $id) { id }", "retryExport(id: $id) { id }"):
        error = account.refused(f"mutation($id: ID!) {{ {operation} }}", id=id)
        assert (error["message"], error["extensions"]) == ("Export not found", {"code": "NOT_FOUND"})
    assert account.client.get(f"/api/v2/data/export/{id}").status_code == 404


@pytest.mark.parametrize(
    "operation", ["export(id: $id)", "cancelExport(id: $id)", "retryExport(id: $id)", "deleteExport(id: $id)"]
)
@pytest.mark.parametrize("id", ["nope", "", "\0", "00000000-0000-0000-0000-00000000000"])
def test_an_id_that_no_export_can_have(filtered: Account, operation: str, id: str) -> None:
    kind = "query" if operation.startswith("export") else "mutation"
    selected = "" if operation.startswith("delete") else "{ id }"
    error = filtered.refused(f"{kind}($id: ID!) {{ {operation} {selected} }}", id=id)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "id"}


def test_an_export_that_is_not_there(filtered: Account) -> None:
    assert export(filtered, "00000000-0000-0000-0000-000000000000") is None


# The list of exports


def put_tied_exports(account: Account, count: int) -> list[str]:
    """Completed exports, every two of one time; their ids in the order of the list."""
    with account.database.write() as session:
        rows = []
        for number in range(count):
            row = lifecycle.create(session, account.id, Request(format=ExportFormat.CSV, filter=DescriptionFilter()))
            row.status = ExportStatus.COMPLETED
            row.created_at = row.completed_at = datetime.fromisoformat(f"2025-01-15T10:30:{number // 2:02}+00:00")
            rows.append((row.created_at, row.id))
    return [str(id) for _, id in sorted(rows, reverse=True)]


def list_exports(account: Account, arguments: str = "") -> Any:
    return account.graphql(f"{{ exports{arguments} {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}")["exports"]


def test_every_window_of_exports_and_its_page_info(account: Account) -> None:
    assert list_exports(account) == {
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        "totalCount": 0,
    }
    rows = put_tied_exports(account, 5)
    whole = list_exports(account)
    assert ids(whole) == rows
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in whole["edges"]}
    for first, after in product([None, 0, 1, 2, 5], [None, *rows]):
        found = list_exports(account, given(cursors, first, None, after, None, 0))
        expected, previous, following = window(rows, first, None, after, None, 0)
        assert ids(found) == expected
        assert [edge["node"]["id"] for edge in found["edges"]] == expected
        assert found["totalCount"] == 5
        assert found["pageInfo"] == {
            "hasPreviousPage": previous,
            "hasNextPage": following,
            "startCursor": cursors[expected[0]] if expected else None,
            "endCursor": cursors[expected[-1]] if expected else None,
        }


def test_exports_by_status(account: Account) -> None:
    made = {status: put_export(account, status) for status in ExportStatus}
    assert ids(list_exports(account)) == list(reversed(made.values()))
    for status, id in made.items():
        found = list_exports(account, f"(status: {status.name})")
        assert (ids(found), found["totalCount"]) == ([id], 1)
    cursor = list_exports(account, "(status: FAILED)")["pageInfo"]["endCursor"]
    found = list_exports(account, f'(status: PENDING, after: "{cursor}")')
    assert ids(found) == [made[ExportStatus.PENDING]]
    assert not found["pageInfo"]["hasPreviousPage"]


def test_a_cursor_outlives_its_export_and_new_ones(account: Account) -> None:
    rows = put_tied_exports(account, 5)
    cursor = list_exports(account, "(first: 2)")["pageInfo"]["endCursor"]
    account.graphql("mutation($id: ID!) { deleteExport(id: $id) }", id=rows[1])
    with account.database.write() as session:
        for row in lifecycle.newest(session, account.id)[0]:
            if str(row.id) == rows[0]:
                session.delete(row)
    put_export(account, ExportStatus.FAILED)
    found = list_exports(account, f'(after: "{cursor}")')
    assert ids(found) == rows[2:]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ('after: ""', "after"),
        ('after: "nope"', "after"),
        ('after: "00000000-0000-0000-0000-000000000000"', "after"),
        (f'after: "{GENUINE}"', "after"),
    ],
)
def test_a_window_of_exports_that_cannot_be_meant(filtered: Account, arguments: str, field: str) -> None:
    error = filtered.refused(f"{{ exports({arguments}) {{ totalCount }} }}")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}


# Errors


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("{ descriptions(filter: {minConfidence: 2}) { totalCount } }", "VALIDATION_ERROR", "minConfidence"),
        ("mutation { createExport(input: {format: CSV, limit: 0}) { id } }", "VALIDATION_ERROR", "limit"),
        ('mutation { deleteExport(id: "00000000-0000-4000-8000-000000000000") }', "NOT_FOUND", None),
        ("{ export(id: 1) { id } }", "VALIDATION_ERROR", "id"),
        ("{", None, None),
        ("{ nope }", None, None),
        ("query($a: Int!) { descriptions(first: $a) { totalCount } }", None, None),
        ('{ statistics(filter: {startDate: "yesterday"}) { totalCount } }', None, None),
    ],
)
def test_what_a_client_did_wrong_is_told_to_the_client_alone(
    filtered: Account, query: str, code: str | None, field: str | None
) -> None:
    log = filtered.stack.api_processes[0].log
    start = log.stat().st_size
    error = filtered.refused(query)
    extensions = {name: value for name, value in (("code", code), ("field", field)) if value is not None}
    assert error.get("extensions", {}) == extensions
    told = log.read_bytes()[start:]
    assert b"ERROR" not in told
    assert b"Traceback" not in told


# Limits


def test_thirty_aliases(filtered: Account) -> None:
    def aliased(count: int) -> str:
        return "{" + " ".join(f"a{n}: __typename" for n in range(count)) + "}"

    assert len(filtered.graphql(aliased(30))) == 30
    assert filtered.refused(aliased(31))["message"] == "A document may have 30 aliases; this one has 31."


def test_the_aliases_of_a_fragment_count_wherever_it_is_spread(filtered: Account) -> None:
    def spread(times: int) -> str:
        fields = " ".join(f"s{n}: statistics {{ ...Ten }}" for n in range(times))
        aliases = " ".join(f"a{n}: totalCount" for n in range(10))
        return f"{{ {fields} }} fragment Ten on Statistics {{ {aliases} }}"

    assert len(filtered.graphql(spread(2))["s1"]) == 10
    assert filtered.refused(spread(3))["message"] == "A document may have 30 aliases; this one has 33."


def test_ten_thousand_tokens(filtered: Account) -> None:
    """Such a document without its end is refused for that, and one token more for the limit."""
    assert filtered.refused("{ a" + " a" * 9_998)["message"] == "Syntax Error: Expected Name, found <EOF>."
    limited = "Syntax Error: Document contains more than 10000 tokens. Parsing aborted."
    assert filtered.refused("{ a" + " a" * 9_999)["message"] == limited


@pytest.mark.parametrize("alias", ["", "a: "])
def test_fragments_that_double_each_other_cost_nothing(account: Account, alias: str) -> None:
    fragments = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(40))
    query = f"{{ ...F0 }} {fragments} fragment F40 on Query {{ {alias}statistics {{ totalCount }} }}"
    if alias:
        assert account.refused(query)["message"] == f"A document may have 30 aliases; this one has {2**40}."
    else:
        assert account.graphql(query) == {"statistics": {"totalCount": 0}}
    below = fragments.replace("on Query", "on DescriptionConnection")
    query = f"{{ descriptions {{ ...F0 }} }} {below} fragment F40 on DescriptionConnection {{ totalCount }}"
    assert account.graphql(query) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    "query",
    ["{ a " * 2000 + "}" * 2000, "{ ... " * 2000 + "}" * 2000, "{ a(b: " + "[" * 2000 + "]" * 2000 + ") }"],
    ids=["fields", "fragments", "values"],
)
def test_a_document_that_is_nested_deeply_is_refused(filtered: Account, query: str) -> None:
    assert filtered.refused(query)["message"] == "Syntax Error: Document is nested too deeply. Parsing aborted."


def test_a_long_chain_of_fragments_is_refused(filtered: Account) -> None:
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(300))
    query = f"{{ ...F0 }} {chain} fragment F300 on Query {{ __typename }}"
    told = "A document may repeat fields and spread fragments 100 times, not 301."
    assert filtered.refused(query)["message"] == told


@pytest.mark.parametrize("repeated", ["descriptions { totalCount } ", "... { __typename } "])
def test_a_document_may_not_repeat_itself_without_end(filtered: Account, repeated: str) -> None:
    told = "A document may repeat fields and spread fragments 100 times, not "
    assert filtered.refused("{" + repeated * 300 + "}")["message"].startswith(told)
    assert "data" in filtered.client.post("/graphql", json={"query": "{" + repeated * 90 + "}"}).json()


def test_fragments_in_a_circle_are_refused(filtered: Account) -> None:
    query = "{ ...A } fragment A on Query { x: __typename ...B } fragment B on Query { ...A }"
    assert filtered.refused(query)["message"].startswith("Cannot spread fragment 'A' within itself")
