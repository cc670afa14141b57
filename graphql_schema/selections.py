"""What a query selects: the database, or we, write just that."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

import orjson
from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_enum_type,
    is_object_type,
)
from pydantic.alias_generators import to_camel, to_snake
from strawberry.types import Info

from app.errors import InvalidInput, TooLarge
from app.history import columns
from app.history.projection import MAX_KEYS, Constant, Made, Object, OfReview, Projection, Reviews, Value
from graphql_schema.nodes import Node

Selected = Mapping[str, list[FieldNode]]
"""The nodes of each field, by its key in the answer and in its order."""

_VALUES: Mapping[str, Value] = {to_camel(column.name): column for column in columns.TABLE} | {
    "status": Made.STATUS_NAME,
    "nodeId": Made.NODE_ID,
    "reviewState": Made.REVIEW_STATE,
}
_OF_REVIEW: Mapping[str, Value] = {to_camel(value.name.lower()): value for value in OfReview}
_VALUE_SIZE = 30
"""Bytes that a number or a short name takes with its punctuation."""


def names(info: Info, typename: str | None = None) -> set[str]:
    """Of the fields that are selected right below this one, where it turns out to be of that type."""
    return set(map(_name, _selected(info, info._raw_info.field_nodes, typename).values()))


def has(info: Info, *path: str) -> bool:
    """Whether such a field is selected below this one: the last of the path, in one of the others."""
    found = [info._raw_info.field_nodes]
    for name in path:
        found = [nodes for below in found for nodes in _selected(info, below).values() if _name(nodes) == name]
    return bool(found)


def page(info: Info) -> Projection | None:
    """What the lists of a connection of descriptions show; None where it needs no result at all."""
    lists: dict[str, Object] = {}
    has_page_info = with_cursors = False
    for key, nodes in _selected(info, info._raw_info.field_nodes).items():
        match _name(nodes):
            case "nodes":
                lists[key] = _description(info, nodes)
            case "edges":
                lists[key] = _object(info, nodes, "DescriptionEdge", lambda found: _edge_value(info, found))
            case "pageInfo":
                has_page_info = True
                below = set(map(_name, _selected(info, nodes).values()))
                with_cursors = with_cursors or bool(below & {"startCursor", "endCursor"})
    return Projection(tuple(lists.items()), with_cursors) if lists or has_page_info else None


def description(info: Info) -> Object:
    return _description(info, info._raw_info.field_nodes)


@dataclass(frozen=True)
class Shape:
    """What is selected of objects whose fields are plain attributes, or again such objects: how to read it, how many
    values it has, and the bytes that it takes without long texts.
    """

    read: Callable[[Any], Any]
    values: int
    size: int

    def written(self, items: Iterable[Any]) -> orjson.Fragment:
        """A list of them, as JSON."""
        return orjson.Fragment(orjson.dumps(list(map(self.read, items))))


def written(info: Info, items: Sequence[Any]) -> orjson.Fragment:
    """A list of objects of a `Shape`, as JSON."""
    shape = _shape(info, info._raw_info.field_nodes, info._raw_info.return_type)
    _spend(info, len(items) * shape.size)
    return shape.written(items)


def shapes(info: Info, name: str) -> dict[str, Shape]:
    """Of the lists in fields of that name right below this one, by their keys in the answer."""
    type_ = _object_type(info._raw_info.return_type).fields[name].type
    below = _selected(info, info._raw_info.field_nodes)
    return {key: _shape(info, nodes, type_) for key, nodes in below.items() if _name(nodes) == name}


def _shape(info: Info, nodes: Iterable[FieldNode], type_: GraphQLOutputType) -> Shape:
    found = _object_type(type_)
    members = {key: _member(info, below, found) for key, below in _selected(info, nodes).items()}
    reads = {key: member.read for key, member in members.items()}
    return Shape(
        lambda item: {key: read(item) for key, read in reads.items()},
        sum(member.values for member in members.values()),
        sum(len(key) + member.size for key, member in members.items()),
    )


def _member(info: Info, nodes: list[FieldNode], parent: GraphQLObjectType) -> Shape:
    name = _name(nodes)
    if name == "__typename":
        return Shape(lambda _: parent.name, 1, _VALUE_SIZE)
    attribute, type_ = attrgetter(to_snake(name)), parent.fields[name].type
    if is_object_type(get_named_type(type_)):
        below = _shape(info, nodes, type_)
        return Shape(lambda item: None if (of := attribute(item)) is None else below.read(of), below.values, below.size)
    if is_enum_type(get_named_type(type_)):
        return Shape(lambda item: attribute(item).name, 1, _VALUE_SIZE)
    return Shape(attribute, 1, _VALUE_SIZE)


def _object_type(type_: GraphQLOutputType) -> GraphQLObjectType:
    return cast(GraphQLObjectType, get_named_type(type_))


def _spend(info: Info, size: int) -> None:
    try:
        info.context.core.budget.spend(size)
    except TooLarge as error:
        raise GraphQLError(error.message, extensions={"code": error.code}) from error


def _description(info: Info, nodes: Iterable[FieldNode]) -> Object:
    return _object(info, nodes, "Description", lambda found: _description_value(info, found))


def _description_value(info: Info, nodes: list[FieldNode]) -> Value:
    if _name(nodes) == "reviews":
        return Reviews(_object(info, nodes, "Review", lambda found: _OF_REVIEW[_name(found)]))
    return _VALUES[_name(nodes)]


def _edge_value(info: Info, nodes: list[FieldNode]) -> Value:
    return Made.CURSOR if _name(nodes) == "cursor" else _description(info, nodes)


def _object(info: Info, nodes: Iterable[FieldNode], typename: str, value: Callable[[list[FieldNode]], Value]) -> Object:
    selected = _selected(info, nodes, typename)
    if len(selected) > MAX_KEYS:
        raise InvalidInput(f"An object has at most {MAX_KEYS} fields, those under another alias included.")
    members = {
        key: Constant(typename) if _name(found) == "__typename" else value(found) for key, found in selected.items()
    }
    return Object(tuple(members.items()))


def _name(nodes: list[FieldNode]) -> str:
    return nodes[0].name.value


def _selected(info: Info, nodes: Iterable[FieldNode], typename: str | None = None) -> Selected:
    """What is right below these nodes, without what a directive leaves out, or is of another type than that."""
    found: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    for node in nodes:
        _collect(info, node.selection_set, typename, found, spread)
    return found


def _collect(
    info: Info,
    selection_set: SelectionSetNode | None,
    typename: str | None,
    found: dict[str, list[FieldNode]],
    spread: set[str],
) -> None:
    """In the order of the answer, each fragment once."""
    for selection in selection_set.selections if selection_set else ():
        if (given := selection.directives) and not all(_includes(one, info.variable_values) for one in given):
            continue
        if isinstance(selection, FieldNode):
            found.setdefault((selection.alias or selection.name).value, []).append(selection)
            continue
        fragment: InlineFragmentNode | FragmentDefinitionNode
        if isinstance(selection, InlineFragmentNode):
            fragment = selection
        else:
            assert isinstance(selection, FragmentSpreadNode)
            if selection.name.value in spread:
                continue
            spread.add(selection.name.value)
            fragment = info._raw_info.fragments[selection.name.value]
        condition = fragment.type_condition and fragment.type_condition.name.value
        if condition in (None, typename, Node.__name__) or typename is None:
            _collect(info, fragment.selection_set, typename, found, spread)


def _includes(directive: DirectiveNode, variables: Mapping[str, Any]) -> bool:
    """What `@include` or `@skip` says; there are no others."""
    [argument] = directive.arguments or ()
    given = argument.value
    value = variables[given.name.value] if isinstance(given, VariableNode) else cast(BooleanValueNode, given).value
    return bool(value) is (directive.name.value == "include")
