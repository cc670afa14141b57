"""Documents on their way to execution: parsed, validated and kept within limits, and remembered for the next time."""

from contextlib import suppress
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    get_operation_ast,
    parse,
    specified_rules,
)
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext

MAX_LENGTH = 200_000
"""Characters of a document: one long text is a single token, yet the server stands still while it is parsed."""
MAX_TOKENS = 10_000
MAX_ALIASES = 30
MAX_REPEATS = 100
REMEMBERED = 512
REMEMBERED_LENGTH = 20_000
"""Characters of the longest document that is remembered, which bounds what all of them take."""
AMBIGUOUS = "There are several operations: say which one by its operationName."


def parse_given(given: ExecutionContext) -> None:
    """Hands its document over parsed."""
    given.parse_options["max_tokens"] = MAX_TOKENS
    if given.query:
        with suppress(GraphQLError):  # Strawberry meets it again
            given.graphql_document = _parse(given.query)


def validate_given(given: ExecutionContext) -> None:
    """Hands its document over validated. It raises nothing: what it raised would break a stream."""
    assert given.query is not None
    assert given.graphql_document is not None
    if given._provided_operation_name is None and len(_operations(given.graphql_document)) > 1:
        errors = [GraphQLError(AMBIGUOUS)]
    else:
        errors = _errors(given.schema._schema, given.query, given.graphql_document)
    given.pre_execution_errors = errors


def operation_type(query: str, name: str | None) -> OperationType | None:
    """Of the operation that is meant; None where that cannot be told."""
    try:
        operation = get_operation_ast(_parse(query), name)
    except GraphQLError:
        return None
    return operation.operation if operation else None


class AliasLimit(ValidationRule):
    """Each alias is one more time that a field is resolved; those of a fragment count wherever it is spread."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        fragments = {
            definition.name.value: definition.selection_set
            for definition in context.document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        known: dict[str, int] = {}
        total = sum(_aliases(found.selection_set, fragments, known) for found in _operations(context.document))
        if total > MAX_ALIASES:
            context.report_error(GraphQLError(f"A document may have {MAX_ALIASES} aliases; this one has {total}."))


def _aliases(
    selection_set: SelectionSetNode | None, fragments: dict[str, SelectionSetNode], known: dict[str, int]
) -> int:
    total = 0
    for selection in selection_set.selections if selection_set else ():
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in known:
                known[name] = 0  # of a fragment within itself, which is refused elsewhere
                known[name] = _aliases(fragments.get(name), fragments, known)
            total += known[name]
        elif isinstance(selection, FieldNode | InlineFragmentNode):
            total += isinstance(selection, FieldNode) and selection.alias is not None
            total += _aliases(selection.selection_set, fragments, known)
    return total


def _repeats(document: DocumentNode) -> int:
    """Fields that stand in their selection set once more, and fragments, named and inline."""
    total, left = 0, [getattr(definition, "selection_set", None) for definition in document.definitions]
    while left:
        names: set[str] = set()
        for selection in found.selections if (found := left.pop()) else ():
            left.append(getattr(selection, "selection_set", None))
            name = (selection.alias or selection.name).value if isinstance(selection, FieldNode) else None
            total += name is None or name in names
            names.add(name or "")
    return total


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)]


def _parse(query: str) -> DocumentNode:
    return _remembered_parse(query) if len(query) <= REMEMBERED_LENGTH else parse(query, max_tokens=MAX_TOKENS)


def _errors(schema: GraphQLSchema, query: str, document: DocumentNode) -> list[GraphQLError]:
    return _remembered_errors(schema, query) if len(query) <= REMEMBERED_LENGTH else _validate(schema, document)


@lru_cache(REMEMBERED)
def _remembered_parse(query: str) -> DocumentNode:
    return parse(query, max_tokens=MAX_TOKENS)


@lru_cache(REMEMBERED)
def _remembered_errors(schema: GraphQLSchema, query: str) -> list[GraphQLError]:
    return _validate(schema, _parse(query))


def _validate(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    # First, since comparing what may be merged takes time with the square of its number.
    if (repeats := _repeats(document)) > MAX_REPEATS:
        return [GraphQLError(f"A document may repeat fields and spread fragments {MAX_REPEATS} times, not {repeats}.")]
    try:
        return validate_document(schema, document, (*specified_rules, AliasLimit))
    except RecursionError:
        return [GraphQLError("The document is nested too deeply.")]
