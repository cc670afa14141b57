"""Ids that are of one thing in the whole schema, as Relay refetches things by them."""

import strawberry
from strawberry.relay.utils import from_base64, to_base64

from app.errors import InvalidInput

TYPES = ("Description", "Export", "Image")


@strawberry.interface
class Node:
    """Something that can be asked for again by its `nodeId` alone."""

    node_id: strawberry.ID = strawberry.field(description="Of this in the whole schema; `id` is that of its type.")


def make(type_: str, id: object) -> strawberry.ID:
    return strawberry.ID(to_base64(type_, id))


def read(text: str) -> tuple[str, str]:
    """The name of the type, and the id. InvalidInput where `make` did not write it."""
    try:
        type_, id = from_base64(text)
    except ValueError:
        type_ = id = ""
    if type_ not in TYPES or make(type_, id) != text:
        raise InvalidInput("This is no nodeId of ours: use one that an earlier answer told.", field="node_id")
    return type_, id
