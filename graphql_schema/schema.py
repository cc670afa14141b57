"""The schema: each field parses, makes one call, and shapes the answer."""

import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, Info
from strawberry.types.unset import UNSET

from app.errors import InvalidInput, SightlogError
from app.history import filters
from app.history.pagination import DEFAULT_PAGE, Pagination
from app.history.recording import MAX_BATCH, Recorded
from app.models import Scope
from graphql_schema import coercion, inputs, keys, refusals, resolvers, scopes, selections, types
from graphql_schema.context import Context
from graphql_schema.docstrings import describe
from graphql_schema.enums import ExportStatus, OnConflict
from graphql_schema.inputs import (
    CreateExportInput,
    DescriptionFilter,
    DescriptionInput,
    to_filter,
    to_request,
    to_results,
)
from graphql_schema.keys import ApiKey, CreateApiKeyInput, CreateApiKeyResult, Viewer
from graphql_schema.resolvers import ExportState
from graphql_schema.scalars import SCALARS
from graphql_schema.steps import Steps
from graphql_schema.types import (
    Description,
    DescriptionConnection,
    Export,
    ExportConnection,
    RecordDescriptionsResult,
    Statistics,
)
from graphql_schema.variables import ReadyExecutor

log = logging.getLogger(__name__)

T = TypeVar("T")


@strawberry.type
class Query:
    @strawberry.field
    async def descriptions(
        self,
        info: Info,
        filter: DescriptionFilter | None = UNSET,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
        offset: int | None = UNSET,
    ) -> DescriptionConnection:
        """Results, newest first. Page with `first`/`after`, `last`/`before`, or `offset`."""

        async def ask(context: Context) -> DescriptionConnection:
            wanted = to_filter(filter)
            page = await resolvers.descriptions(
                context,
                wanted,
                _pagination(first, after, last, before, offset),
                selections.page(info),
                with_statistics=bool(selections.names(info) & {"totalCount", "statistics"}),
            )
            return DescriptionConnection(page=page, filters_applied=filters.applied(wanted))  # type: ignore[arg-type]

        return await _ask(info, ask)

    @strawberry.field
    async def description(self, info: Info, id: strawberry.ID) -> Description | None:
        """One result; null where the account has none of that id."""
        found = await _ask(info, lambda context: resolvers.description(context, id, selections.description(info)))
        return cast("Description | None", found)

    @strawberry.field
    async def statistics(self, info: Info, filter: DescriptionFilter | None = UNSET) -> Statistics:
        """Numbers over all matches."""
        found = await _ask(info, lambda context: resolvers.statistics(context, to_filter(filter)))
        return cast(Statistics, found)

    @strawberry.field
    async def export(self, info: Info, id: strawberry.ID) -> Export | None:
        """One export; null where the account has none of that id."""
        state = await _call(info, lambda context: resolvers.existing_export(context, _uuid(id)))
        return Export.of(state) if state else None

    @strawberry.field
    async def exports(
        self, info: Info, status: ExportStatus | None = UNSET, first: int | None = UNSET, after: str | None = UNSET
    ) -> ExportConnection:
        """Exports, newest first."""
        with_count = "totalCount" in selections.names(info)

        def resolve(context: Context) -> ExportConnection:
            limit, place = _pagination(first, None, None, None, None).limit, _none_if_unset(after)
            page = resolvers.exports(context, status=status or None, limit=limit, after=place, with_count=with_count)
            return ExportConnection.of(page)

        return await _call(info, resolve)

    @strawberry.field
    async def viewer(self, info: Info) -> Viewer:
        """Who asks, and what they may do."""
        return Viewer.of(info.context.core.principal)

    @strawberry.field(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def api_keys(self, info: Info) -> list[ApiKey]:
        """The account's API keys, newest first, revoked ones too; the newest 1,000. Needs the scope `admin`."""
        return await _call(info, keys.listed)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_export(self, info: Info, input: CreateExportInput, idempotency_key: str | None = UNSET) -> Export:
        """Starts an export. The same idempotency key and input give the same export."""

        def resolve(context: Context) -> ExportState:
            unbounded = context.principal.includes(Scope.ADMIN)
            return resolvers.create_export(context, to_request(input, idempotency_key, unbounded=unbounded))

        return await _export(info, resolve)

    @strawberry.mutation
    async def cancel_export(self, info: Info, id: strawberry.ID) -> Export:
        """Stops an export that is pending or processing."""
        return await _export(info, lambda context: resolvers.cancel_export(context, _uuid(id)))

    @strawberry.mutation
    async def retry_export(self, info: Info, id: strawberry.ID) -> Export:
        """Starts an export again that has failed or was cancelled."""
        return await _export(info, lambda context: resolvers.retry_export(context, _uuid(id)))

    @strawberry.mutation
    async def delete_export(self, info: Info, id: strawberry.ID) -> strawberry.ID:
        """Removes an export and its file."""
        deleted = await _call(info, lambda context: resolvers.delete_export(context, _uuid(id)))
        return strawberry.ID(str(deleted))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=f"Records results, {MAX_BATCH} at most: all of them, or none if one is refused. Needs the scope "
        "`write`. A known id with other content is told of and kept, or replaced, which needs the scope `admin`.",
        metadata=scopes.needs(Scope.WRITE),
    )
    async def record_descriptions(
        self, info: Info, input: list[DescriptionInput], on_conflict: OnConflict | None = OnConflict.KEEP
    ) -> RecordDescriptionsResult:
        def resolve(context: Context) -> Recorded:
            return resolvers.record_descriptions(context, to_results(input), on_conflict=on_conflict or OnConflict.KEEP)

        return cast(RecordDescriptionsResult, await _call(info, resolve))

    @strawberry.mutation(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyResult:
        """Makes an API key of the account. Needs the scope `admin`."""
        return await _call(info, lambda context: keys.create(context, input))

    @strawberry.mutation(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def revoke_api_key(self, info: Info, prefix: strawberry.ID) -> ApiKey:
        """Ends an API key and its sessions, at once and for good. Needs the scope `admin`."""
        return await _call(info, lambda context: keys.revoke(context, prefix))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def export_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Export, None]:
        """An export now and whenever it got further, until it ended."""
        with _refusals():
            states = info.context.shared.watch.states(info.context.core, _uuid(id))
            async with aclosing(states):
                async for state in states:
                    yield Export.of(state)


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = UNSET) -> None:
        errors[:] = map(refusals.told, errors)


describe(Query, Mutation, Subscription, *vars(types).values(), *vars(inputs).values(), *vars(keys).values())

schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    execution_context_class=ReadyExecutor,
    extensions=[Steps],
    config=StrawberryConfig(scalar_map=SCALARS),
)
coercion.build_at_once(schema)


async def _call(info: Info, resolve: Callable[[Context], T]) -> T:
    """Runs a resolver that blocks in a thread."""
    return await _ask(info, lambda context: context.run(resolve, context))


async def _ask(info: Info, resolve: Callable[[Context], Awaitable[T]]) -> T:
    return await ask(info.context, resolve)


async def ask(context: Any, resolve: Callable[[Context], Awaitable[T]]) -> T:
    """Runs a resolver in the context of a request."""
    with _refusals():
        async with context.turns:
            return await resolve(context.core)


@contextmanager
def _refusals() -> Iterator[None]:
    """Errors of the core, and those that nobody expected, become GraphQL errors with a code."""
    try:
        yield
    except SightlogError as error:
        raise refusals.graphql_error(error) from error
    except Exception as error:
        log.exception("GraphQL: a resolver failed")
        raise refusals.graphql_error(refusals.INTERNAL) from error


async def _export(info: Info, resolve: Callable[[Context], ExportState]) -> Export:
    return Export.of(await _call(info, resolve))


def _pagination(
    first: int | None, after: str | None, last: int | None, before: str | None, offset: int | None
) -> Pagination:
    first, after, last, before, offset = map(_none_if_unset, (first, after, last, before, offset))
    if first is not None and last is not None:
        raise InvalidInput("Give first or last, not both.", field="last")
    limit = next((count for count in (first, last) if count is not None), DEFAULT_PAGE)
    return Pagination(limit=limit, offset=offset or 0, after=after, before=before, from_end=last is not None)


def _none_if_unset(value: Any) -> Any:
    return None if value is UNSET else value


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInput("The id of an export is a UUID.", field="id") from None
