"""Lists of plain objects, completed column by column instead of value by value.

A result list of GraphQL is mostly rows with leaf fields that are read from attributes. Here each field is read and
completed for all rows at once, most of it in C, and the rows are put together at the end. (Results of the history come
by column already, or written by the database, see `selections`.) Whatever is not that plain
(arguments, resolvers, middleware, abstract types, `@defer`, `@stream`), and every list in which anything is not as its
type says, goes the stock way, whole: so nulls, errors and paths come out exactly as they always do.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import isfinite
from operator import attrgetter
from types import GeneratorType
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    Undefined,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.history.projection import Results

Values = Sequence[Any]
Complete = Callable[[Values], Values]
"""Values as resolvers gave them to values as the response has them; _NotPlain where it takes the stock way."""

_NULL = type(None)
_NOTHING = {_NULL, type(Undefined)}
_INT32 = 2**31
_SPECIAL = (Exception, Awaitable, GeneratorType)
_PASSED_ON: dict[str, frozenset[type]] = {
    GraphQLString.name: frozenset({str}),
    GraphQLID.name: frozenset({str}),
    GraphQLBoolean.name: frozenset({bool}),
    GraphQLInt.name: frozenset({int}),
    GraphQLFloat.name: frozenset({float}),
}


class _NotPlain(Exception):
    pass


class Executor(StrawberryGraphQLCoreExecutionContext):
    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Any,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        if isinstance(items, Results) and (written := items.written) is not None:
            return written
        if isinstance(items, Sequence) and position_context is None and not _has_middleware(self):
            try:
                if self.get_stream_usage(field_details_list, path) is None:
                    return list(self._compile(item_type, field_details_list)(items))
            except Exception:  # noqa: S110 - the stock way finds the same trouble, and says where it is
                pass
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def _compile(self, type_: GraphQLOutputType, field_details_list: list[FieldDetails]) -> Complete:
        if isinstance(type_, GraphQLNonNull):
            return _not_null(self._compile(type_.of_type, field_details_list))
        if is_leaf_type(type_):
            return _leaf(type_)
        if isinstance(type_, GraphQLObjectType):
            return _with_nulls(self._compile_object(type_, field_details_list))
        if isinstance(type_, GraphQLList):
            return _lists(self._compile(type_.of_type, field_details_list))
        raise _NotPlain

    def _compile_object(self, type_: GraphQLObjectType, field_details_list: list[FieldDetails]) -> Complete:
        fields, new_defer_usages, _ = self.collect_subfields(type_, field_details_list)
        if new_defer_usages or type_.is_type_of is not None:
            raise _NotPlain
        columns = {key: self._compile_field(type_, details) for key, details in fields.items()}

        def complete(objects: Values) -> Values:
            if not isinstance(objects, Results):
                _refuse_special(set(map(type, objects)))
            completed = [column(objects) for column in columns.values()]
            if not completed:
                return [{} for _ in objects]
            return [dict(zip(columns, row, strict=True)) for row in zip(*completed, strict=True)]

        return complete

    def _compile_field(self, parent: GraphQLObjectType, details: list[FieldDetails]) -> Complete:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda objects: [parent.name] * len(objects)
        field = parent.fields[name]
        if field.args or not getattr(field.resolve, "_is_default", False):
            raise _NotPlain
        attribute = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
        read = attrgetter(attribute)
        complete = self._compile(field.type, details)

        def completed(objects: Values) -> Values:
            values = objects.columns[attribute] if isinstance(objects, Results) else list(map(read, objects))
            return complete(values)

        return completed


def _has_middleware(executor: Executor) -> bool:
    return bool(executor.middleware_manager and executor.middleware_manager.middlewares)


def _leaf(type_: GraphQLLeafType) -> Complete:
    passed_on = _PASSED_ON.get(type_.name, frozenset())
    coerce = type_.coerce_output_value

    def complete(values: Values) -> Values:
        found = set(map(type, values))
        if found - {_NULL} <= passed_on and _in_range(type_, values, found):
            return values
        _refuse_special(found)
        if isinstance(type_, GraphQLEnumType):
            known = {value: _coerced(coerce, value) for value in set(values)}
            return [known[value] for value in values]
        if found & _NOTHING:
            return [_coerced(coerce, value) for value in values]
        completed = list(map(coerce, values))
        if _NOTHING & set(map(type, completed)):
            raise _NotPlain
        return completed

    return complete


def _refuse_special(kinds: set[type]) -> None:
    if any(issubclass(kind, _SPECIAL) for kind in kinds):
        raise _NotPlain


def _in_range(type_: GraphQLLeafType, values: Values, found: set[type]) -> bool:
    if float in found:
        return all(map(isfinite, (value for value in values if value is not None)))
    if type_.name == GraphQLInt.name:
        return all(-_INT32 <= value < _INT32 for value in values if value is not None)
    return True


def _coerced(coerce: Callable[[Any], Any], value: Any) -> Any:
    if value is None or value is Undefined:
        return None
    coerced = coerce(value)
    if coerced is None or coerced is Undefined:
        raise _NotPlain
    return coerced


def _not_null(complete: Complete) -> Complete:
    def checked(values: Values) -> Values:
        completed = complete(values)
        if _NULL in set(map(type, completed)):
            raise _NotPlain
        return completed

    return checked


def _with_nulls(complete: Complete) -> Complete:
    def completed(objects: Values) -> Values:
        if isinstance(objects, Results):
            return complete(objects)
        there = [thing for thing in objects if thing is not None]
        if len(there) == len(objects):
            return complete(objects)
        results = iter(complete(there))
        return [None if thing is None else next(results) for thing in objects]

    return completed


def _lists(complete: Complete) -> Complete:
    def completed(values: Values) -> Values:
        if not all(value is None or isinstance(value, list | tuple) for value in values):
            raise _NotPlain
        return [None if value is None else list(complete(value)) for value in values]

    return completed
