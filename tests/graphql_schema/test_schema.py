"""The schema: what was fixed holds, what is committed is served, and every part says what it is."""

from pathlib import Path
from typing import Any

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

from graphql_schema.schema import schema
from tests.conftest import Account

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
  id: ID  type: String = "description"  status: DescriptionStatus = COMPLETED  sourceType: String!  sourceId: String  createdAt: DateTime  imageUrl: String  imageId: String
  description: String  confidenceScore: Float  verification: JSON  metadata: JSON  errorMessage: String
}
type RecordDescriptionsResult { recorded: Int!  alreadyKnown: Int! }
"""  # noqa: E501 - as it was fixed


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


@pytest.mark.parametrize("name", ["ExportStatus", "SearchMode", "DescriptionStatus"])
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
    assert len(fields) >= 15
    assert all(field.description for field in fields)
