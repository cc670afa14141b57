"""The variables of operations: within bounds, and those of a large request coerced in a thread."""

from dataclasses import replace
from typing import Any, Self, cast

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, get_operation_ast
from strawberry.types import ExecutionContext

from app.history import recording
from graphql_schema import bodies, coercion, refusals
from graphql_schema.coercion import Coerced
from graphql_schema.executor import Executor

MAX_ENTRIES = recording.MAX_BATCH
"""Of any one list. What it is for may bound it further, once it is coerced."""


class Large(dict[str, Any]):
    """Variables out of a request so large that their coercion would hold up others."""


class Ready(dict[str, Any]):
    """Variables that have been coerced, or refused."""

    def __init__(self, operation: OperationDefinitionNode, coerced: Coerced) -> None:
        super().__init__()
        self.operation = operation
        self.coerced = coerced


class ReadyExecutor(Executor):
    """Takes variables that are ready as they are."""

    @classmethod
    def build(  # type: ignore[override]
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any,
        context_value: Any,
        variables: dict[str, Any] | None,
        *arguments: Any,
        **more: Any,
    ) -> list[GraphQLError] | Self:
        if not isinstance(variables, Ready):
            built = super().build(schema, document, root_value, context_value, variables, *arguments, **more)
        elif isinstance(variables.coerced, list):
            built = variables.coerced
        else:
            bare = _without_variables(document, variables.operation)
            built = super().build(schema, bare, root_value, context_value, {}, *arguments, **more)
            if isinstance(built, cls):
                built.operation, built.variable_values = variables.operation, variables.coerced
        return [refusals.of_variable(error) for error in built] if isinstance(built, list) else cast(Self, built)


def errors(given: ExecutionContext, operation: OperationDefinitionNode) -> list[GraphQLError]:
    """For a list with too many entries, before any is looked at."""
    found = coercion.too_long(given.schema._schema, operation, given.variables or {}, MAX_ENTRIES)
    if found is None:
        return []
    place, type_name = found
    message, field = f"At most {MAX_ENTRIES} values may be given in one list.", place.rpartition(".")[2]
    if type_name == "DescriptionInput":
        message, field = recording.TOO_MANY, "input"
    nodes = [
        node for node in operation.variable_definitions or () if node.variable.name.value == place.partition(".")[0]
    ]
    return [GraphQLError(message, nodes, extensions={"code": "VALIDATION_ERROR", "field": field})]


async def coerce(given: ExecutionContext) -> None:
    """Makes the variables ready, if the request was large."""
    if not isinstance(given.variables, Large):
        return
    assert given.graphql_document is not None
    operation = get_operation_ast(given.graphql_document, given._provided_operation_name)
    assert operation is not None
    values = await bodies.pool.run(coercion.variable_values, given.schema._schema, operation, given.variables)
    given.variables = Ready(operation, values)


def _without_variables(document: DocumentNode, operation: OperationDefinitionNode) -> DocumentNode:
    bare = replace(operation, variable_definitions=())
    return replace(document, definitions=tuple(bare if found is operation else found for found in document.definitions))
