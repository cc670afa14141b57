"""The schema: each field parses, makes one call, and shapes the answer."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, Info
from strawberry.types.unset import UNSET

from app.errors import InvalidInput
from app.exports.requests import ExportRequest
from app.history import erasing, recording, reviews, views, zones
from app.history.recording import MAX_BATCH
from app.history.views import View
from app.models import Scope
from graphql_schema import (
    asking,
    coercion,
    erasing_types,
    export_types,
    images,
    inputs,
    keys,
    nodes,
    plan_types,
    refusals,
    resolvers,
    review_types,
    scopes,
    selections,
    types,
)
from graphql_schema.context import Context
from graphql_schema.docstrings import describe
from graphql_schema.enums import ExportStatus, OnConflict, OnErased, OnErasure, OnInvalid, Verdict
from graphql_schema.erasing_types import EraseDescriptionsResult
from graphql_schema.export_types import Export, ExportConnection
from graphql_schema.images import Image
from graphql_schema.inputs import (
    CreateExportInput,
    DescriptionFilter,
    DescriptionInput,
    DescriptionOrder,
    ReviewInput,
    to_choice,
    to_filter,
    to_pagination,
    to_request,
    to_results,
    to_reviews,
)
from graphql_schema.keys import ApiKey, CreateApiKeyInput, CreateApiKeyResult, Viewer
from graphql_schema.nodes import Node
from graphql_schema.plan_types import ExportPlan
from graphql_schema.resolvers import ExportState
from graphql_schema.review_types import Review, ReviewDescriptionsResult, ReviewMatchingResult
from graphql_schema.scalars import SCALARS
from graphql_schema.steps import Steps
from graphql_schema.types import Description, DescriptionConnection, RecordDescriptionsResult, Statistics
from graphql_schema.variables import ReadyExecutor

T = TypeVar("T")


@strawberry.type
class Query:
    @strawberry.field
    async def descriptions(
        self,
        info: Info,
        filter: DescriptionFilter | None = UNSET,
        order_by: DescriptionOrder | None = UNSET,
        at: datetime | None = UNSET,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
        offset: int | None = UNSET,
    ) -> DescriptionConnection:
        """Results, newest first unless `orderBy` says otherwise. Page with `first`/`after`, `last`/`before`, or
        `offset`; a cursor is of one order. `at` is where the page begins: at the newest match that is not later, or
        oldest first at the oldest that is not earlier.
        """

        return await DescriptionConnection.found(
            info,
            lambda: to_filter(filter),
            lambda: to_pagination(first, after, last, before, offset, at=at, order_by=order_by),
        )

    @strawberry.field
    async def description(self, info: Info, id: strawberry.ID) -> Description | None:
        """One result; null where the account has none of that id."""
        return await _description(info, id)

    @strawberry.field
    async def image(self, info: Info, id: strawberry.ID) -> Image | None:
        """What was said of one image; null where the account has no result of it."""
        return await _image(info, id)

    @strawberry.field
    async def node(self, info: Info, node_id: strawberry.ID) -> Node | None:
        """A result, an export or an image; null where the account has none of that id."""
        with asking.refused():
            type_, id = nodes.read(node_id)
        if type_ == "Description":
            return await _description(info, id)
        return await (_image(info, id) if type_ == "Image" else _existing_export(info, id))

    @strawberry.field
    async def statistics(
        self,
        info: Info,
        filter: DescriptionFilter | None = UNSET,
        time_zone: str | None = UNSET,
        fill_days: bool | None = False,
    ) -> Statistics:
        """Numbers over all matches. Days are those of `timeZone`, an IANA name such as `Europe/Berlin`; of UTC where
        none is given. `fillDays` lists days without matches too, from the first to the last that the filter means, or
        else that has any; 10,000 at most.
        """

        async def resolve(context: Context) -> object:
            with_days = selections.has(info, "dailyCounts")
            return await resolvers.statistics(
                context,
                to_filter(filter),
                zone=zones.named(time_zone or None),
                with_days=with_days,
                fill_days=with_days and bool(fill_days),
                with_reviews=selections.has(info, "reviewCounts"),
            )

        return cast(Statistics, await _ask(info, resolve))

    @strawberry.field
    async def export(self, info: Info, id: strawberry.ID) -> Export | None:
        """One export; null where the account has none of that id."""
        return await _existing_export(info, id)

    @strawberry.field
    async def exports(
        self, info: Info, status: ExportStatus | None = UNSET, first: int | None = UNSET, after: str | None = UNSET
    ) -> ExportConnection:
        """Exports, newest first."""
        with_count = "totalCount" in selections.names(info)

        def resolve(context: Context) -> ExportConnection:
            limit, place = to_pagination(first).limit, None if after is UNSET else after
            page = resolvers.exports(context, status=status or None, limit=limit, after=place, with_count=with_count)
            return ExportConnection.of(page)

        return await _call(info, resolve)

    @strawberry.field
    async def plan_export(self, info: Info, input: CreateExportInput) -> ExportPlan:
        """What `createExport` would make of the same input: how many rows, about how large and when, and how to split
        it where it would break a limit. Nothing is written.
        """
        found = await _call(info, lambda context: resolvers.plan_export(context, _request(context, input)))
        return cast(ExportPlan, found)

    @strawberry.field
    async def viewer(self, info: Info) -> Viewer:
        """Who asks, and what they may do."""
        return Viewer.of(info.context.core)

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
            return resolvers.create_export(context, _request(context, input, idempotency_key))

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
        description=f"Records results, {MAX_BATCH} at most: all of them, or none if one is refused; with `SKIP` all "
        "that are not refused. Needs the scope `write`. A known id with other content is told of and kept, or "
        "replaced, which needs the scope `admin`. One that was erased is told of and left out, or with `RESTORE` "
        "recorded, which needs that scope too. An id that comes twice is refused the second time. A value that is not "
        "of its type, such as a text for a number, fails the whole request, also with `SKIP`.",
        metadata=scopes.needs(Scope.WRITE),
    )
    async def record_descriptions(
        self,
        info: Info,
        input: list[DescriptionInput],
        on_conflict: OnConflict | None = OnConflict.KEEP,
        on_invalid: OnInvalid | None = OnInvalid.FAIL,
        on_erased: OnErased | None = OnErased.LEAVE_OUT,
    ) -> RecordDescriptionsResult:
        def resolve(context: Context) -> RecordDescriptionsResult:
            given = recording.batch(to_results(input), on_invalid=on_invalid or OnInvalid.FAIL)
            shown = selections.shapes(info, "rows")
            for shape in shown.values():  # an answer that would be too large records nothing
                context.budget.spend(given.size * shape.size + given.letters * shape.values)
            done = resolvers.record_descriptions(
                context,
                given,
                on_conflict=on_conflict or OnConflict.KEEP,
                on_erased=on_erased or OnErased.LEAVE_OUT,
            )
            return RecordDescriptionsResult.of(done, shown)

        return await _call(info, resolve)

    @strawberry.mutation(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyResult:
        """Makes an API key of the account. Needs the scope `admin`."""
        return await _call(info, lambda context: keys.create(context, input))

    @strawberry.mutation(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def limit_api_key(self, info: Info, prefix: strawberry.ID, requests_per_minute: int | None = UNSET) -> ApiKey:
        """Sets an API key's own limit, no higher than its account's; null takes it back. Needs the scope `admin`."""
        limit = None if requests_per_minute is UNSET else requests_per_minute
        return await _call(info, lambda context: keys.limit(context, prefix, limit))

    @strawberry.mutation(metadata=scopes.needs(Scope.ADMIN))  # type: ignore[untyped-decorator]
    async def revoke_api_key(self, info: Info, prefix: strawberry.ID) -> ApiKey:
        """Ends an API key and its sessions, at once and for good. Needs the scope `admin`."""
        return await _call(info, lambda context: keys.revoke(context, prefix))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=f"Adds reviews, {reviews.MAX_REVIEWS} at most: all of them, or none if one is refused. Needs the "
        "scope `write`.",
        metadata=scopes.needs(Scope.WRITE),
    )
    async def review_descriptions(self, info: Info, input: list[ReviewInput]) -> ReviewDescriptionsResult:
        added = await _call(info, lambda context: resolvers.review_descriptions(context, to_reviews(input)))
        return ReviewDescriptionsResult(reviews=list(map(Review.of, added)))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=f"Adds a review to each of the matches, {reviews.MAX_MATCHES} at most unless the server is set "
        "otherwise. Refused with `CONFLICT` where they are not as many as expected. Needs the scope `write`; "
        "`CORRECTED` is for `reviewDescriptions`.",
        metadata=scopes.needs(Scope.WRITE),
    )
    async def review_matching(
        self,
        info: Info,
        expected_count: int,
        verdict: Verdict,
        filter: DescriptionFilter | None = UNSET,
        note: str | None = UNSET,
    ) -> ReviewMatchingResult:
        def resolve(context: Context) -> int:
            wanted = to_filter(filter)
            return resolvers.review_matching(context, wanted, expected_count, verdict, note or None)

        return ReviewMatchingResult(reviewed=await _call(info, resolve))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Erases results for good, with their reviews: those of `ids`, all of `imageIds`, or all that match "
        f"a filter; {erasing.MAX_ERASED} at most unless the server is set otherwise. Refused with `CONFLICT` where "
        "they are not as many as expected; a filter needs `expectedCount`. Files of exports that may hold them are "
        "removed, or kept; those that run begin anew. An erased id, or one that was named in `ids`, is not recorded "
        "again. Needs the scope `admin`.",
        metadata=scopes.needs(Scope.ADMIN),
    )
    async def erase_descriptions(
        self,
        info: Info,
        ids: list[strawberry.ID] | None = UNSET,
        image_ids: list[strawberry.ID] | None = UNSET,
        filter: DescriptionFilter | None = UNSET,
        expected_count: int | None = UNSET,
        exports: OnErasure | None = OnErasure.REMOVE,
    ) -> EraseDescriptionsResult:
        def resolve(context: Context) -> EraseDescriptionsResult:
            wanted = to_choice(ids, image_ids, filter, expected_count)
            done = resolvers.erase_descriptions(context, wanted, exports or OnErasure.REMOVE)
            return EraseDescriptionsResult.of(done)

        return await _call(info, resolve)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def export_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Export, None]:
        """An export now and whenever it got further, until it ended."""
        with asking.refused():
            states = info.context.shared.watch.states(info.context.core, _uuid(id))
            async with aclosing(states):
                async for state in states:
                    yield Export.of(state)


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = UNSET) -> None:
        errors[:] = map(refusals.told, errors)


_modules = (types, export_types, plan_types, erasing_types, review_types, images, nodes, keys, inputs)
describe(Query, Mutation, Subscription, *(found for module in _modules for found in vars(module).values()))

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
    return await asking.call(info.context, resolve)


async def _ask(info: Info, resolve: Callable[[Context], Awaitable[T]]) -> T:
    return await asking.ask(info.context, resolve)


async def _description(info: Info, id: str) -> Description | None:
    found = await _ask(info, lambda context: resolvers.description(context, id, selections.description(info)))
    return cast("Description | None", found)


async def _image(info: Info, id: str) -> Image | None:
    with_agreement = "agreement" in selections.names(info, "Image")
    found = await _ask(info, lambda context: resolvers.image(context, id, with_agreement=with_agreement))
    return Image.of(found) if found else None


async def _existing_export(info: Info, id: str) -> Export | None:
    state = await _call(info, lambda context: resolvers.existing_export(context, _uuid(id)))
    return Export.of(state) if state else None


async def _export(info: Info, resolve: Callable[[Context], ExportState]) -> Export:
    return Export.of(await _call(info, resolve))


def _request(context: Context, input: CreateExportInput, idempotency_key: str | None = None) -> ExportRequest:
    def view(text: str) -> View:
        return views.read(text, context.account_id, context.runtime.secrets)

    unbounded, most = context.principal.includes(Scope.ADMIN), context.runtime.settings.max_images
    return to_request(input, idempotency_key, unbounded=unbounded, max_images=most, read_view=view)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInput("The id of an export is a UUID.", field="id") from None
