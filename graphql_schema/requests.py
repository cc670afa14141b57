"""What Strawberry hands around for a request or a connection, and what all of a process share."""

import asyncio
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from starlette.requests import HTTPConnection
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from app.http import gate
from app.models import ExportEvent
from app.settings import Settings
from graphql_schema import asking, resolvers
from graphql_schema.context import Context
from graphql_schema.places import Places
from graphql_schema.schema import schema
from graphql_schema.trusted import Trusted, load
from graphql_schema.turns import Turns
from graphql_schema.watching import Watch

AT_A_TIME = 2
"""Fields of one request that wait for the database at a time, or the aliases of one could keep all others waiting."""

STARTS = 8
STARTS_OF_ONE = 2
"""Operations that begin at a time on WebSockets, and those of one key."""


@dataclass(frozen=True)
class Shared:
    """By all requests of a process."""

    starts: Turns
    """To begin operations on WebSockets, of which one connection may bring hundreds at once."""
    connections: Places
    watch: Watch
    trusted: Trusted

    @classmethod
    def of(cls, settings: Settings) -> Self:
        most = settings.subscriptions_per_key
        return cls(
            starts=Turns(STARTS, STARTS_OF_ONE),
            connections=Places(most, "WebSockets"),
            watch=Watch(Places(most, "subscriptions")),
            trusted=load(settings, schema._schema),
        )


class RequestContext(BaseContext):
    """What Strawberry hands to resolvers; `core` is there once the caller is known."""

    core: Context
    authorization: str | None = None
    connection_params: dict[str, Any] | None = None
    held: ExitStack
    """What a connection has taken, until it ends."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self.shared = shared
        self.turns = asyncio.Semaphore(AT_A_TIME)
        self.held = ExitStack()

    @cached_property
    def export_events(self) -> "DataLoader[uuid.UUID, list[ExportEvent]]":
        return DataLoader(self._export_events, cache=False)

    @classmethod
    async def of(cls, connection: HTTPConnection, shared: Shared) -> Self:
        context = cls(shared)
        context.authorization = connection.headers.get("authorization")
        if caller := getattr(connection.state, "principal", None):
            context.core = Context.of(connection, caller)
        return context

    async def admit(self, connection: HTTPConnection) -> None:
        self.core = Context.of(connection, await gate.admit(connection, self.authorization))

    async def _export_events(self, ids: list[uuid.UUID]) -> list[list[ExportEvent]]:
        return await asking.call(self, lambda context: resolvers.export_events(context, ids))
