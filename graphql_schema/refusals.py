"""Errors as GraphQL tells them: with a code, and with fields by their names in the schema and their places in lists."""

import logging
import re

from graphql import GraphQLError
from pydantic.alias_generators import to_camel
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from app.errors import InvalidInput, SightlogError

log = logging.getLogger(__name__)

_WORDED = (GraphQLError, CannotGetOperationTypeError, InvalidOperationTypeError)
"""Causes whose words a client may read."""

INTERNAL = SightlogError("Something went wrong on our side.")
_OF_VARIABLE = re.compile(r"Variable '\$(\w+)' has invalid value(?: at (\S+))?: ")
_OF_FIELD = re.compile(r"(?:required|unknown) field '(\w+)'")


def graphql_error(error: SightlogError) -> GraphQLError:
    extensions: dict[str, str | int] = {"code": error.code}
    if error.field:
        extensions["field"] = path(error.field)
    extensions |= {to_camel(name): number for name, number in error.details.items()}
    return GraphQLError(message(error), original_error=error, extensions=extensions)


def path(field: str) -> str:
    """`input.17.confidenceScore` for `input.17.confidence_score`."""
    return ".".join(map(to_camel, field.split(".")))


def message(error: SightlogError) -> str:
    """Its sentence, in which the field has its name in the schema."""
    name = (error.field or "").rpartition(".")[2]
    return re.sub(rf"\b{re.escape(name)}\b", to_camel(name), error.message) if "_" in name else error.message


def of_variable(error: GraphQLError) -> GraphQLError:
    """What cannot be coerced, with a code, and with the field as other errors have it."""
    found = _OF_VARIABLE.match(error.message)
    if found is None:
        return error
    place = re.sub(r"\[(\d+)\]", r".\1", found[1] + (found[2] or ""))
    if missing := _OF_FIELD.search(error.message):
        place += f".{missing[1]}"
    text = error.message.replace(" not to be None.", " not to be null.")
    return GraphQLError(text, error.nodes, extensions={"code": InvalidInput.code, "field": place})


def told(error: GraphQLError) -> GraphQLError:
    """What a client may read of an error that came out of an operation; what nobody expected is logged instead."""
    cause = error.original_error
    if error.extensions or cause is None or isinstance(cause, _WORDED) or (error.nodes and not error.path):
        return error
    if isinstance(cause, SightlogError):
        known = graphql_error(cause)
    else:
        log.error("GraphQL: %s at %s", error.message, error.path, exc_info=cause)
        known = graphql_error(INTERNAL)
    return GraphQLError(known.message, error.nodes, path=error.path, original_error=cause, extensions=known.extensions)


def status(error: GraphQLError) -> int | None:
    """The HTTP status of an error of the core, or of ours; None for what GraphQL itself refuses."""
    if isinstance(error.original_error, SightlogError):
        return error.original_error.status
    return INTERNAL.status if (error.extensions or {}).get("code") == INTERNAL.code else None
