"""What a query selects, so that nothing else is read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode
from pydantic.alias_generators import to_snake
from strawberry.types import Info

from app.descriptions import COLUMNS

Selected = Mapping[str, list[FieldNode]]
"""The nodes of each field, by its name in the schema, whatever it is called in the answer."""


def below(info: Info, nodes: Iterable[FieldNode]) -> Selected:
    """The fields that are selected right below these, those of fragments and skipped ones included."""
    fragments, spread = info._raw_info.fragments, set()
    found: dict[str, list[FieldNode]] = defaultdict(list)
    waiting = [node.selection_set for node in nodes]
    while waiting:
        selection_set = waiting.pop()
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                found[selection.name.value].append(selection)
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                spread.add(selection.name.value)
                waiting.append(fragments[selection.name.value].selection_set)
    return found


def columns(info: Info, connection: Selected) -> list[str] | None:
    """Those that the fields of a connection of descriptions are made of; None where no result is needed at all."""
    edges = below(info, connection.get("edges", ()))
    if not connection.keys() & {"nodes", "edges", "pageInfo"}:
        return None
    names = {to_snake(name) for name in below(info, [*connection.get("nodes", ()), *edges.get("node", ())])}
    if "pageInfo" in connection or "cursor" in edges:
        names |= {"created_at", "id"}
    return [name for name in COLUMNS if name in names]
