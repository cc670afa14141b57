"""Which scope a field needs: declared on the field, and looked at before anything of an operation is done."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext

from app.errors import Forbidden
from app.models import Scope

_NAME = "scope"


def needs(scope: Scope) -> dict[str, Any]:
    """Metadata of a root field that only keys with this scope may select."""
    return {_NAME: scope}


def of(metadata: Mapping[Any, Any]) -> Scope | None:
    found: Scope | None = metadata.get(_NAME)
    return found


def errors(given: ExecutionContext, operation: OperationDefinitionNode) -> list[GraphQLError]:
    """As the first of the fields would fail that the caller may not select."""
    root = given.schema._schema.get_root_type(operation.operation)
    document = given.graphql_document
    assert root is not None
    assert document is not None
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for node in _fields(operation.selection_set, fragments, set()):
        field = root.fields.get(node.name.value)
        scope = of(field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata) if field else None
        if scope is not None:
            try:
                given.context.core.principal.require(scope)
            except Forbidden as error:
                path = [(node.alias or node.name).value]
                return [GraphQLError(error.message, node, path=path, extensions={"code": error.code})]
    return []


def _fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], spread: set[str]
) -> Iterator[FieldNode]:
    """Those of fragments as well, each fragment once."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set, fragments, spread)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            yield from _fields(fragments[selection.name.value].selection_set, fragments, spread)
