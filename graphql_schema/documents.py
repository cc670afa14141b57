"""Documents on their way to execution: parsed, validated and kept within limits, and remembered for the next time."""

import sys
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

from cachetools import LRUCache
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
    TokenKind,
    ValidationContext,
    ValidationRule,
    get_operation_ast,
    parse,
    specified_rules,
)
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext

from app.errors import TooLarge
from graphql_schema import bodies, scopes, variables

MAX_LENGTH = 200_000
"""Characters of a document: one long text is a single token, yet the server stands still while it is parsed."""
LONG = 10_000
"""Characters from which on to parse and validate a document would hold up other requests."""
MAX_TOKENS = 10_000
MAX_ALIASES = 30
MAX_ALIAS_LENGTH = 255
"""Characters of an alias, since the statement that writes the answer holds it, and statements are remembered."""
MAX_REPEATS = 100
REMEMBERED = 32 * 2**20
"""Bytes that all remembered documents take; they are valid ones."""
REMEMBERED_ONE = REMEMBERED // 16
"""Bytes that one of them takes at most."""
BYTES_OF_TOKEN = 700
BYTES_OF_CHARACTER = 4
"""What a parsed document takes, as measured: 240 to 620 bytes for a token, besides its text."""
AMBIGUOUS = "There are several operations: say which one by its operationName."


def within_length(query: str) -> str:
    """The text of a document. TooLarge, before it is looked at."""
    if len(query) > MAX_LENGTH:
        raise TooLarge(f"A query has at most {MAX_LENGTH} characters: send what is large as variables.")
    return query or " "  # GraphQL refuses either, but Strawberry takes the first for none


@dataclass(frozen=True)
class _Looked:
    """What was found in a document beforehand: it is None where it cannot be parsed."""

    query: str
    document: DocumentNode | None
    errors: list[GraphQLError]


_looked: ContextVar[_Looked | None] = ContextVar("looked", default=None)
"""The long document of this request."""


async def look_ahead(schema: GraphQLSchema, query: str) -> GraphQLError | None:
    """Parses and validates a long document in a thread; what it finds is known to the rest of this task. Its error of
    syntax, if it has one.
    """
    if len(query) <= LONG or (schema, query) in remembered:
        return None
    looked = await bodies.pool.run(_look, schema, query)
    _looked.set(looked)
    return None if looked.document else looked.errors[0]


def parse_given(given: ExecutionContext) -> None:
    """Hands its document over parsed."""
    given.parse_options["max_tokens"] = MAX_TOKENS
    if given.query is not None:
        with suppress(GraphQLError):  # Strawberry meets it again
            given.graphql_document = _parsed(given.schema._schema, given.query)


def validate_given(given: ExecutionContext) -> None:
    """Hands its document over validated, and what the caller may not do, or gave too much of, refused: all before
    variables are coerced. It raises nothing: what it raised would break a stream.
    """
    assert given.query is not None
    assert given.graphql_document is not None
    operation = operation_of(given)
    if operation is None:
        given.pre_execution_errors = [GraphQLError(AMBIGUOUS)]
        return
    given.pre_execution_errors = (
        _errors(given.schema._schema, given.query, given.graphql_document)
        or scopes.errors(given, operation)
        or variables.errors(given, operation)
    )


def operation_of(given: ExecutionContext) -> OperationDefinitionNode | None:
    """The operation that is meant; None where that cannot be told."""
    assert given.graphql_document is not None
    return get_operation_ast(given.graphql_document, given._provided_operation_name)


def operation_type(schema: GraphQLSchema, query: str, name: str | None) -> OperationType | None:
    """Of the operation that is meant; None where that cannot be told."""
    try:
        operation = get_operation_ast(_parsed(schema, query), name)
    except GraphQLError:
        return None
    return operation.operation if operation else None


def validate(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    # First, since comparing what may be merged takes time with the square of its number.
    if (repeats := _repeats(document)) > MAX_REPEATS:
        return [GraphQLError(f"A document may repeat fields and spread fragments {MAX_REPEATS} times, not {repeats}.")]
    if _has_long_integer(document):
        return [GraphQLError(f"An integer has at most {sys.get_int_max_str_digits()} digits.")]
    try:
        return validate_document(schema, document, (*specified_rules, AliasLimit))
    except RecursionError:
        return [GraphQLError("The document is nested too deeply.")]


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

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.alias and len(node.alias.value) > MAX_ALIAS_LENGTH:
            self.report_error(GraphQLError(f"An alias has at most {MAX_ALIAS_LENGTH} characters.", node))


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


def _has_long_integer(document: DocumentNode) -> bool:
    """Whether one has more digits than Python converts, of which validation would tell in Python's words."""
    token, limit = document.loc and document.loc.start_token, sys.get_int_max_str_digits()
    while token:
        if token.kind is TokenKind.INT and 0 < limit < len((token.value or "").lstrip("-")):
            return True
        token = token.next
    return False


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)]


remembered: LRUCache[tuple[GraphQLSchema, str], DocumentNode] = LRUCache(
    REMEMBERED, getsizeof=lambda document: _size(document)
)


def _look(schema: GraphQLSchema, query: str) -> _Looked:
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        return _Looked(query, None, [error])
    return _Looked(query, document, validate(schema, document))


def _parsed(schema: GraphQLSchema, query: str) -> DocumentNode:
    looked = _looked.get()
    if looked and looked.document and looked.query == query:
        return looked.document
    return remembered.get((schema, query)) or parse(query, max_tokens=MAX_TOKENS)


def _errors(schema: GraphQLSchema, query: str, document: DocumentNode) -> list[GraphQLError]:
    if (schema, query) in remembered:
        return []
    looked = _looked.get()
    errors = looked.errors if looked and looked.document is document else validate(schema, document)
    if not errors and _size(document) <= REMEMBERED_ONE:
        remembered[schema, query] = document
    return errors


def _size(document: DocumentNode) -> int:
    """Bytes, about, of a parsed document and its text."""
    assert document.loc is not None
    tokens = document.token_count or MAX_TOKENS
    return BYTES_OF_TOKEN * tokens + BYTES_OF_CHARACTER * len(document.loc.source.body)
