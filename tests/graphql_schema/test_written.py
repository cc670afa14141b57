"""What is written for a selection is what the stock executor makes of the rows and of plain objects, key for key."""

import asyncio
import base64
import json
import random
from typing import Any

import strawberry
from sqlalchemy import select
from strawberry.schema.config import StrawberryConfig

from app import cursors
from app.engine.db import Database
from app.history import recording
from app.history.columns import COLUMNS
from app.history.recording import Result
from app.history.verdicts import ReviewState
from app.models import Description as Row
from app.models import DescriptionStatus
from graphql_schema import types
from graphql_schema.export_types import Export
from graphql_schema.scalars import SCALARS
from tests.conftest import Account
from tests.history.test_parity import generate

FIELDS = """id type status sourceType sourceId createdAt imageUrl imageId description confidenceScore verification
    metadata errorMessage reviewState nodeId __typename""".split()  # noqa: SIM905
CONDITIONS = ("", "", "", "@skip(if: $yes)", "@skip(if: $no)", "@include(if: $yes)", "@include(if: $no)")
SPREADS: tuple[str, ...] = (
    "...Both",
    "...More",
    "... on Description { type id }",
    "... @include(if: $yes) { description }",
)
SPREADS += ("... on Node { a: nodeId ... on Export { b: nodeId } }", "...Any")
FRAGMENTS = {
    "Any": "fragment Any on Node { c: nodeId ... on Description { type } }",
    "Both": "fragment Both on Description { id metadata @skip(if: $no) }",
    "More": "fragment More on Description { ...Both score: confidenceScore }",
}
VARIABLES = {"$yes": "$yes: Boolean!", "$no": "$no: Boolean = false"}


@strawberry.type
class DescriptionConnection:
    nodes: list[types.Description]
    edges: list[types.DescriptionEdge]
    page_info: types.PageInfo


@strawberry.type
class Query:
    @strawberry.field
    def descriptions(self, info: strawberry.Info, first: int) -> DescriptionConnection:
        return info.context["connection"]  # type: ignore[no-any-return]


STOCK = strawberry.Schema(query=Query, types=[Export], config=StrawberryConfig(scalar_map=SCALARS))


def object_of(dice: random.Random) -> str:
    parts = [f"{name} {dice.choice(CONDITIONS)}" for name in dice.sample(FIELDS, dice.randint(1, len(FIELDS)))]
    parts += [f"{dice.choice('abc')}{place}: {name}" for place, name in enumerate(dice.choices(FIELDS, k=2))]
    parts += dice.choices(SPREADS, k=1)
    dice.shuffle(parts)
    return f"{{ {' '.join(parts)} }}"


def document(dice: random.Random) -> str:
    lists = [
        f"nodes {object_of(dice)}",
        f"nodes {dice.choice(CONDITIONS)} {{ id }}",
        f"again: nodes {object_of(dice)}",
        f"edges {{ cursor node {object_of(dice)} }}",
        f"edges {{ place: cursor __typename one: node {object_of(dice)} node {{ id }} }}",
        f"edges {{ node {{ source: sourceId }} cursor {dice.choice(CONDITIONS)} }}",
        "pageInfo { startCursor endCursor }",
        "info: pageInfo { hasNextPage hasPreviousPage __typename }",
        "__typename",
    ]
    chosen = " ".join(dice.sample(lists, dice.randint(1, 5)))
    body = f"{{ descriptions(first: 40) {{ {chosen} }} }}"
    names = [name for name in FRAGMENTS if f"...{name}" in body or (name == "Both" and "...More" in body)]
    body = " ".join([body, *(FRAGMENTS[name] for name in names)])
    used = [declared for name, declared in VARIABLES.items() if name in body]
    return f"query({', '.join(used)}) {body}" if used else body


def newest(database: Database, account_id: int, most: int) -> list[types.Description]:
    columns = Row.__table__.c  # type: ignore[attr-defined]
    statement = select(*[columns[name] for name in COLUMNS])
    statement = statement.where(columns.account_id == account_id, columns.status == "completed")
    statement = statement.order_by(columns.created_at.desc(), columns.id.desc()).limit(most)
    with database.read() as session:
        rows = session.connection().execute(statement).mappings()
        made: dict[str, Any] = {"review_state": ReviewState.UNREVIEWED, "reviews": []}
        return [
            types.Description(**{**row, **made, "status": DescriptionStatus(row["status"])}, node_id=node_id(row["id"]))
            for row in rows
        ]


def node_id(id: str) -> strawberry.ID:
    return strawberry.ID(base64.b64encode(f"Description:{id}".encode()).decode())


def connection_of(rows: list[Any]) -> DescriptionConnection:
    places = [cursors.make(row.created_at, row.id) for row in rows]
    edges = [types.DescriptionEdge(cursor=place, node=row) for place, row in zip(places, rows, strict=True)]
    info = types.PageInfo(has_next_page=True, has_previous_page=False, start_cursor=places[0], end_cursor=places[-1])
    return DescriptionConnection(nodes=rows, edges=edges, page_info=info)


def in_order(text: str) -> Any:
    """The objects as pairs; 0 and 0.0 are the same number."""
    return json.loads(text, object_pairs_hook=list)


def test_pages_are_written_as_the_stock_executor_writes_rows(account: Account, database: Database) -> None:
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(value) for value in generate(7, 150)])
    connection, dice = connection_of(newest(database, account.id, 40)), random.Random(1)
    for _ in range(60):
        query = document(dice)
        variables = {"yes": True} if "$yes:" in query else {}
        answer = account.client.post("/graphql", json={"query": query, "variables": variables}).text
        stock = asyncio.run(STOCK.execute(query, variables, context_value={"connection": connection}))
        assert stock.errors is None, query
        assert in_order(answer) == in_order(json.dumps({"data": stock.data})), query


def test_one_result_is_written_as_in_a_page(account: Account) -> None:
    account.record({"id": "a", "metadata": {"b": [1.50, None]}, "confidenceScore": 0.1})
    for selected in ("{ id s: status metadata __typename x: __typename }", "{ id @skip(if: true) }", "{ ... { id } }"):
        query = f'{{ description(id: "a") {selected} descriptions {{ nodes {selected} }} }}'
        found = account.graphql(query)
        assert [found["description"]] == found["descriptions"]["nodes"]
    assert account.graphql('{ description(id: "b") { id } }') == {"description": None}


def test_statistics_are_written_with_the_keys_that_are_selected(account: Account) -> None:
    account.record({"id": "a", "confidenceScore": 0.1}, {"id": "b", "createdAt": "2025-01-16T00:00:00Z"})
    query = """query($no: Boolean = false) { statistics {
        dailyCounts { count day: date count @skip(if: true) } one: dailyCounts { __typename ...Day }
        confidenceDistribution { range of: count } none: sourceDistribution { count @include(if: $no) }
        sourceDistribution { sourceType count } truncated
    } } fragment Day on DailyCount { date count @include(if: $no) }"""
    found = account.graphql(query)["statistics"]
    assert json.dumps(found) == json.dumps(
        {
            "dailyCounts": [{"count": 1, "day": "2025-01-15"}, {"count": 1, "day": "2025-01-16"}],
            "one": [
                {"__typename": "DailyCount", "date": "2025-01-15"},
                {"__typename": "DailyCount", "date": "2025-01-16"},
            ],
            "confidenceDistribution": [{"range": "0.1-0.2", "of": 1}],
            "none": [{}],
            "sourceDistribution": [{"sourceType": "single", "count": 2}],
            "truncated": False,
        }
    )
