"""What a query selects, so that nothing else is read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from pydantic.alias_generators import to_camel
from strawberry.types import Info

from app.history.columns import COLUMNS
from app.history.projection import MAX_KEYS, STATUS_NAME, Objects

Selected = Mapping[str, list[FieldNode]]
"""The nodes of each field, by its name in the schema, whatever it is called in the answer."""

_COLUMN_OF = {to_camel(name): name for name in COLUMNS}
_WRITTEN_AS = {name: name for name in COLUMNS} | {"status": STATUS_NAME}


def below(info: Info, nodes: Iterable[FieldNode]) -> Selected:
    """The fields that are selected right below these, those of fragments and skipped ones included."""
    found: dict[str, list[FieldNode]] = defaultdict(list)
    spread: set[str] = set()
    for node in nodes:
        for field, _ in _fields(info._raw_info.fragments, node.selection_set, spread):
            found[field.name.value].append(field)
    return found


def columns(info: Info, connection: Selected, *, with_nodes: bool) -> list[str] | None:
    """Those that the fields of a connection of descriptions are made of; None where no result is needed at all."""
    if not connection.keys() & {"nodes", "edges", "pageInfo"}:
        return None
    edges = below(info, connection.get("edges", ()))
    nodes = [*(connection.get("nodes", ()) if with_nodes else ()), *edges.get("node", ())]
    names = {_COLUMN_OF[name] for name in below(info, nodes) if name in _COLUMN_OF}
    if connection.keys() & {"edges", "pageInfo"}:  # for their cursors
        names |= {"created_at", "id"}
    return [name for name in COLUMNS if name in names]


def written(info: Info, connection: Selected) -> Objects | None:
    """The nodes of a connection as the database may write them; None where it takes an executor."""
    nodes = connection.get("nodes", [])
    if len(nodes) != 1 or "edges" in connection:
        return None
    found: dict[str, str] = {}
    for field, is_conditional in _fields(info._raw_info.fragments, nodes[0].selection_set, set()):
        if is_conditional:
            return None
        name = field.name.value
        key = field.alias.value if field.alias else name
        found.setdefault(key, "=Description" if name == "__typename" else _WRITTEN_AS[_COLUMN_OF[name]])
    return tuple(found.items()) if len(found) <= MAX_KEYS else None


def _fields(
    fragments: Mapping[str, FragmentDefinitionNode],
    selection_set: SelectionSetNode | None,
    spread: set[str],
    is_conditional: bool = False,
) -> Iterator[tuple[FieldNode, bool]]:
    """In the order of the answer, each fragment once; and whether a directive decides about the field."""
    for selection in selection_set.selections if selection_set else ():
        conditional = is_conditional or bool(selection.directives)
        if isinstance(selection, FieldNode):
            yield selection, conditional
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(fragments, selection.selection_set, spread, conditional)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            yield from _fields(fragments, fragments[selection.name.value].selection_set, spread, conditional)
