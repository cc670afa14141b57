"""How fields ask: in their turn, and with errors that a client may read."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from app.errors import SightlogError
from graphql_schema import refusals
from graphql_schema.context import Context

log = logging.getLogger(__name__)

T = TypeVar("T")


async def ask(context: Any, resolve: Callable[[Context], Awaitable[T]]) -> T:
    """Runs a resolver in the context of a request."""
    with refused():
        async with context.turns:
            return await resolve(context.core)


async def call(context: Any, resolve: Callable[[Context], T]) -> T:
    """Runs a resolver that blocks in a thread."""
    return await ask(context, lambda core: core.run(resolve, core))


@contextmanager
def refused() -> Iterator[None]:
    """Errors of the core, and those that nobody expected, become GraphQL errors with a code."""
    try:
        yield
    except SightlogError as error:
        raise refusals.graphql_error(error) from error
    except Exception as error:
        log.exception("GraphQL: a resolver failed")
        raise refusals.graphql_error(refusals.INTERNAL) from error
