"""Values that are given, coerced: to the objects of `inputs` at once, and long lists of them column by column.

Strawberry first has dictionaries coerced and then converts each, value by value, which takes ten times as long. What is
not as its type says goes the stock way, whole: so errors come out exactly as they always do.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING
from typing import Any, TypeAlias

import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition

MAX_ERRORS = 50
"""Of one set of variables; graphql-core's own default."""

LONG = 100
"""Entries of a list from which on columns are worth it."""

Coerced: TypeAlias = VariableValues | list[GraphQLError]

_PASSED_ON: dict[str, set[type]] = {GraphQLString.name: {str}, GraphQLID.name: {str}, GraphQLBoolean.name: {bool}}
_MISSING = object()
_NULL = type(None)
_NOTHING: set[type] = set()


class _NotPlain(Exception):
    pass


def build_at_once(schema: strawberry.Schema) -> None:
    """Lets the input types of a schema coerce to their objects, which Strawberry then passes on as it does scalars."""
    converter = schema.schema_converter
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = _definition(type_)
            type_.out_type = _builder(type_, definition)  # type: ignore[method-assign,assignment]
            converter.scalar_registry[definition.origin] = strawberry.scalar(name=type_.name)


def variable_values(schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Coerced:
    """What graphql-core makes of the variables of an operation."""
    definitions = operation.variable_definitions or ()
    columns: dict[str, list[Any]] = {}
    for definition in definitions:
        name = definition.variable.name.value
        values, item = given.get(name), _item_type(schema, definition)
        if item is not None and isinstance(values, list) and len(values) >= LONG:
            with suppress(Exception):  # the stock way finds the same trouble, and says where it is
                columns[name] = _by_column(item, values)
    rest = [definition for definition in definitions if definition.variable.name.value not in columns]
    coerced = get_variable_values(schema, rest, dict(given), max_errors=MAX_ERRORS)
    if isinstance(coerced, list):
        return coerced
    for definition in definitions:
        name = definition.variable.name.value
        if name in columns:
            signature = get_variable_signature(schema, definition)
            assert not isinstance(signature, GraphQLError)
            coerced.sources[name] = VariableValueSource(signature, given[name])
            coerced.coerced[name] = columns[name]
    return coerced


def too_long(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any], most: int
) -> tuple[str, str] | None:
    """Where among the variables a list has more entries than that, as `filter.search`, and the name of their type."""
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in given and (found := _too_long(_type(schema, definition), given[name], name, most)):
            return found
    return None


def _too_long(type_: Any, value: Any, place: str, most: int) -> tuple[str, str] | None:
    type_ = get_nullable_type(type_)
    if isinstance(type_, GraphQLList) and isinstance(value, list):
        return (place, get_named_type(type_).name) if len(value) > most else None
    if isinstance(type_, GraphQLInputObjectType) and isinstance(value, dict):
        below = ((name, field) for name, field in type_.fields.items() if name in value)
        found = (_too_long(field.type, value[name], f"{place}.{name}", most) for name, field in below)
        return next(filter(None, found), None)
    return None


def _builder(type_: GraphQLInputObjectType, definition: StrawberryObjectDefinition) -> Callable[[Any], Any]:
    build = definition.origin
    names = {name: _definition(field).python_name for name, field in type_.fields.items()}
    defaults = {_definition(field).python_name: _default(field) for field in type_.fields.values()}

    def built(values: dict[str, Any]) -> Any:
        return build(**{**defaults, **{names[name]: value for name, value in values.items()}})

    return built


def _definition(of: GraphQLInputObjectType | GraphQLInputField) -> Any:
    """Strawberry's definition of it."""
    return of.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]


def _default(field: GraphQLInputField) -> Any:
    default = _definition(field).default
    return None if default is MISSING else default


def _type(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Any:
    return type_from_ast(schema, definition.type)


def _item_type(schema: GraphQLSchema, definition: VariableDefinitionNode) -> GraphQLInputObjectType | None:
    """Of a list of input objects with leaf fields alone; None for anything else."""
    list_: Any = get_nullable_type(_type(schema, definition))
    item = list_.of_type if isinstance(list_, GraphQLList) else None
    if not isinstance(item, GraphQLNonNull) or not isinstance(item.of_type, GraphQLInputObjectType):
        return None
    found = item.of_type
    is_plain = all(is_leaf_type(get_nullable_type(field.type)) for field in found.fields.values())
    return found if is_plain and not found.is_one_of else None


def _by_column(type_: GraphQLInputObjectType, values: Sequence[dict[str, Any]]) -> list[Any]:
    if set(map(type, values)) != {dict} or not type_.fields.keys() >= set().union(*values):
        raise _NotPlain
    columns = [_column(field, [value.get(name, _MISSING) for value in values]) for name, field in type_.fields.items()]
    names = [_definition(field).python_name for field in type_.fields.values()]
    build = _definition(type_).origin
    return [build(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def _column(field: GraphQLInputField, values: list[Any]) -> Sequence[Any]:
    """The values of one field, of all objects; an exception where one is not as its type says."""
    type_: Any = get_nullable_type(field.type)
    found = set(map(type, values))
    if found <= _PASSED_ON.get(type_.name, _NOTHING):
        return values
    if is_required_input_field(field) and (object in found or _NULL in found):
        raise _NotPlain
    default, coerce = _default(field), type_.coerce_input_value
    return [default if value is _MISSING else None if value is None else _defined(coerce(value)) for value in values]


def _defined(value: Any) -> Any:
    if value is Undefined:
        raise _NotPlain
    return value
