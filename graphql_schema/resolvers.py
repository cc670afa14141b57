"""What GraphQL's fields and the REST routes have in common: plain functions of a context and core values.

All that one returns belongs to one moment, and each looks at the caller's account only. Those that only ask are
coroutines; the others block, and the edges call them in threads. Errors are those of `app.errors`.
"""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session

from app.errors import NotFound
from app.exports import claims, drift, erasures, estimates, events, files, ledger, plans, retention, runs
from app.exports import lifecycle as export_rows
from app.exports.drift import Drift
from app.exports.erasures import Erasure, OnErasure
from app.exports.plans import Plan
from app.exports.requests import ExportRequest
from app.history import images, recording, reviews, zones
from app.history import pages as results
from app.history import statistics as numbers
from app.history.erasing import Choice
from app.history.filters import DescriptionFilter
from app.history.images import Image
from app.history.pages import Page
from app.history.pagination import Pagination
from app.history.projection import Object, Projection
from app.history.recording import Batch, OnConflict, OnErased, Recorded
from app.history.reviews import NewReview
from app.history.statistics import Statistics
from app.history.verdicts import Verdict
from app.http import paths
from app.models import Export, ExportEvent, ExportStatus, Review, Scope
from graphql_schema.context import Context
from tasks import table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportState:
    """An export as a customer sees it now."""

    row: Export
    download_url: str | None
    download_handle: str
    estimated_completion_time: datetime | None
    ledger_url: str | None = None


@dataclass(frozen=True)
class ExportPage:
    items: Sequence[ExportState]
    has_previous: bool
    has_next: bool
    total_count: int | None


async def descriptions(
    context: Context,
    wanted: DescriptionFilter,
    part: Pagination,
    shown: Projection | None,
    *,
    with_statistics: bool = False,
    with_reviews: bool = False,
) -> Page:
    runtime = context.runtime
    return await results.page(
        runtime.database,
        runtime.statistics,
        context.account_id,
        wanted,
        part,
        shown,
        context.budget,
        with_statistics=with_statistics,
        with_reviews=with_reviews,
    )


async def description(context: Context, id: str, shown: Object) -> orjson.Fragment | None:
    asking = results.ask_one(context.account_id, id, shown, context.budget)
    return await context.runtime.database.answer(context.account_id, asking)


async def image(context: Context, id: str, *, with_agreement: bool) -> Image | None:
    asking = images.ask(context.account_id, id, with_agreement=with_agreement)
    return await context.runtime.database.answer(context.account_id, asking, at_one_moment=with_agreement)


async def newer_than(context: Context, wanted: DescriptionFilter, cursor: str) -> int:
    asking = results.ask_newer(context.account_id, wanted, cursor)
    return await context.runtime.database.answer(context.account_id, asking)


async def statistics(
    context: Context,
    wanted: DescriptionFilter,
    *,
    zone: str = zones.UTC_NAME,
    with_days: bool = True,
    fill_days: bool = False,
    with_reviews: bool = False,
) -> Statistics:
    """Days are those of the zone. `fill_days`: also those without matches."""
    runtime, account_id = context.runtime, context.account_id
    if zone == zones.UTC_NAME or not with_days:
        asking = runtime.statistics.ask(account_id, wanted, with_reviews=with_reviews)
        found = await runtime.database.answer(account_id, asking)
        if zone != found.time_zone:
            found = replace(found, time_zone=zone)
    else:
        asking = runtime.statistics.ask_in_zone(account_id, wanted, zone, with_reviews=with_reviews)
        found = await runtime.database.answer(account_id, asking, at_one_moment=True)
    return numbers.filled(found, wanted) if fill_days else found


def export(context: Context, id: uuid.UUID) -> ExportState:
    """NotFound for one that is unknown or another account's."""
    runtime = context.runtime
    with runtime.database.read() as session:
        row = export_rows.get(session, context.account_id, id)

        def count(wanted: DescriptionFilter) -> int:
            asking = runtime.statistics.ask(context.account_id, wanted)
            return runtime.database.answer_in(session, asking).total_count

        estimated = _estimate(context, session, [row], count=count)
        return _state(context, row, estimated.get(row.id))


def exports(
    context: Context,
    *,
    status: ExportStatus | None = None,
    limit: int,
    after: str | None = None,
    with_count: bool = False,
) -> ExportPage:
    with context.runtime.database.read() as session:
        rows, newer, older = export_rows.newest(session, context.account_id, status=status, limit=limit, after=after)
        total = export_rows.count(session, context.account_id, status) if with_count else None
        estimated = _estimate(context, session, rows)
        states = [_state(context, row, estimated.get(row.id)) for row in rows]
        return ExportPage(states, newer, older, total)


def create_export(context: Context, wanted: ExportRequest) -> ExportState:
    """Drifted where the history is not what was seen of it any more, unless that is allowed."""
    _require(context, wanted.options)
    seen = _drift(context, wanted)
    with context.runtime.database.write() as session:
        id = export_rows.create(session, context.account_id, wanted, by=context.principal.key_prefix, drift=seen).id
        due = _due(context, session)
    return _sent(context, id, due)


def plan_export(context: Context, wanted: ExportRequest) -> Plan:
    return plans.plan(context.runtime, context.account_id, wanted)


def cancel_export(context: Context, id: uuid.UUID) -> ExportState:
    with context.runtime.database.write() as session:
        row = export_rows.cancel(session, context.account_id, id, by=context.principal.key_prefix)
    return _state(context, row, None)


def retry_export(context: Context, id: uuid.UUID) -> ExportState:
    with context.runtime.database.write() as session:
        _require(context, export_rows.get(session, context.account_id, id).options or {})
        export_rows.retry(session, context.account_id, id, by=context.principal.key_prefix)
        due = _due(context, session)
    return _sent(context, id, due)


def delete_export(context: Context, id: uuid.UUID) -> uuid.UUID:
    with context.runtime.database.write() as session:
        deleted = export_rows.delete(session, context.account_id, id, by=context.principal.key_prefix)
    log.info("export %s: deleted with the key %s", id, context.principal.key_prefix)
    runs.remove(context.runtime, deleted)
    return id


def export_events(context: Context, ids: Sequence[uuid.UUID]) -> list[list[ExportEvent]]:
    """What happened to each of the account's exports, oldest first. One statement."""
    with context.runtime.database.read() as session:
        found = events.of(session, context.account_id, ids)
    return [found[id] for id in ids]


def record_descriptions(
    context: Context,
    given: Batch,
    *,
    on_conflict: OnConflict = OnConflict.KEEP,
    on_erased: OnErased = OnErased.LEAVE_OUT,
) -> Recorded:
    is_usual = on_conflict is OnConflict.KEEP and on_erased is OnErased.LEAVE_OUT
    context.principal.require(Scope.WRITE if is_usual else Scope.ADMIN)
    with context.runtime.database.write() as session:
        return recording.record_batch(session, context.account_id, given, on_conflict=on_conflict, on_erased=on_erased)


def erase_descriptions(context: Context, wanted: Choice, on_files: OnErasure) -> Erasure:
    context.principal.require(Scope.ADMIN)
    runtime, by = context.runtime, context.principal.key_prefix
    done = erasures.erase(
        runtime.database, context.account_id, wanted, on_files, by=by, most=runtime.settings.max_erased_at_once
    )
    log.info("%d results erased with the key %s", done.erased, by)
    context.queue.wake([(context.account_id, retention.NAME, "")])
    return done


def review_descriptions(context: Context, given: Sequence[NewReview]) -> list[Review]:
    context.principal.require(Scope.WRITE)
    with context.runtime.database.write() as session:
        return reviews.add(session, context.account_id, context.principal.key_prefix, given)


def review_matching(
    context: Context, wanted: DescriptionFilter, expected_count: int, verdict: Verdict, note: str | None
) -> int:
    context.principal.require(Scope.WRITE)
    by, most = context.principal.key_prefix, context.runtime.settings.max_reviewed_at_once
    with context.runtime.database.write() as session:
        return reviews.add_to_matches(session, context.account_id, by, wanted, expected_count, verdict, note, most)


def unexpired_export(context: Context, id: uuid.UUID) -> ExportState:
    """NotFound also for one whose file was removed."""
    state = export(context, id)
    if state.row.expired_at is not None:
        raise NotFound("Export not found")
    return state


def existing_export(context: Context, id: uuid.UUID) -> ExportState | None:
    try:
        return export(context, id)
    except NotFound:
        return None


def _drift(context: Context, wanted: ExportRequest) -> Drift | None:
    """None also for an export that was started before, with the same idempotency key."""
    if wanted.view is None:
        return None
    with context.runtime.database.read() as session:
        if export_rows.by_idempotency_key(session, context.account_id, wanted):
            return None
        return drift.since(context.runtime, session, wanted.view, allowed=wanted.allow_drift)


def _estimate(
    context: Context,
    session: Session,
    rows: Sequence[Export],
    *,
    count: Callable[[DescriptionFilter], int] | None = None,
) -> dict[uuid.UUID, datetime]:
    at_a_time = context.runtime.settings.exports_per_account
    return estimates.estimate(session, context.account_id, rows, at_a_time=at_a_time, count=count)


def _require(context: Context, options: Mapping[str, Any]) -> None:
    """Forbidden for images without the scope `write`: it is for who may record to have addresses asked."""
    if options.get("images"):
        context.principal.require(Scope.WRITE)


def _due(context: Context, session: Session) -> list[tuple[int, uuid.UUID]]:
    """Exports of the account whose turn it is: they alone are sent, so that nobody's messages fill the queue."""
    limit = context.runtime.settings.exports_per_account
    return claims.to_send(session, at_a_time=limit, account_id=context.account_id)


def _sent(context: Context, id: uuid.UUID, due: list[tuple[int, uuid.UUID]]) -> ExportState:
    """Read first: as it is now, not as a worker that is quicker leaves it."""
    state = export(context, id)
    context.queue.wake(table.exported(due))
    return state


def _state(context: Context, row: Export, estimated: datetime | None) -> ExportState:
    handle = context.runtime.settings.public_url.rstrip("/") + paths.handle(row.id)
    if row.object_key is None:
        return ExportState(row, None, handle, estimated)
    sign = context.runtime.storage.url
    url = sign(row.object_key, content_type=files.content_type(row), filename=files.filename(row))
    if not (row.notes or {}).get(ledger.LEFT_OUT):
        return ExportState(row, url, handle, estimated)
    key, filename = files.ledger_key(row.object_key), files.ledger_filename(row)
    return ExportState(row, url, handle, estimated, sign(key, content_type=ledger.CONTENT_TYPE, filename=filename))
