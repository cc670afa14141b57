"""What a document may select, and what is told of one that is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Account


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


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("{ descriptions(filter: {minConfidence: 2}) { totalCount } }", "VALIDATION_ERROR", "minConfidence"),
        ("mutation { createExport(input: {format: CSV, limit: 0}) { id } }", "VALIDATION_ERROR", "limit"),
        ('mutation { deleteExport(id: "00000000-0000-4000-8000-000000000000") }', "NOT_FOUND", None),
        ("{ export(id: 1) { id } }", "VALIDATION_ERROR", "id"),
        ("{", None, None),
        ("{ nope }", None, None),
        ("query($a: Int!) { descriptions(first: $a) { totalCount } }", "VALIDATION_ERROR", "a"),
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
