"""Erasing results, and what becomes of exports that may hold them.

An export may hold a result if its filter matches it, whatever the filter says of reviews, as those change; or if the
result got other content after the moment that its file shows, or shortly before: then nobody knows what the filter saw.
A limit is not looked at. So an export that holds one is always found, and one that is found need not hold any.

What is pending begins after the erasure. What is running has a snapshot that may be older: it is handed back, so that
its worker cannot complete it, and begins anew. While a batch is erased no export of the account is claimed: whoever
claims one later sees what is left.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlmodel import Session, col

from app import jsontext
from app.engine import dialects
from app.engine.db import Database
from app.exports import claims, events, lifecycle
from app.exports.lifecycle import change, in_states, is_export
from app.history import erasing, filters
from app.history.erasing import Choice
from app.jobs import rows as jobs
from app.models import Description, Export, ExportEventType, ExportStatus

MAX_COMPARED = 100
"""Different filters that a batch is compared with; an export with yet another counts as one that may hold it."""

_REPLACED_BEFORE = timedelta(hours=1)
"""A transaction that gives a result other content is over after so long, and a snapshot sees it or does not."""

_ROWS = Description.__table__  # type: ignore[attr-defined]
_EXPORTS = Export.__table__  # type: ignore[attr-defined]


class OnErasure(StrEnum):
    """What becomes of files that may hold results which are erased: they are removed, or kept."""

    REMOVE = "remove"
    KEEP = "keep"


class ErasureOutcome(StrEnum):
    """What became of an export: its file was removed or kept, or it was running and begins anew."""

    REMOVED = "removed"
    KEPT = "kept"
    RESTARTED = "restarted"


@dataclass(frozen=True)
class ErasedExport:
    """An export that may hold results which were erased, and what became of it."""

    id: uuid.UUID
    outcome: ErasureOutcome


@dataclass
class Erasure:
    """How many results were erased, and the exports that may hold them."""

    erased: int = 0
    outcomes: dict[uuid.UUID, ErasureOutcome] = field(default_factory=dict)

    @property
    def exports(self) -> list[ErasedExport]:
        return [ErasedExport(id, outcome) for id, outcome in self.outcomes.items()]


_TOLD = {
    ErasureOutcome.REMOVED: "Results that it may hold were erased: its file was removed.",
    ErasureOutcome.KEPT: "Results that it may hold were erased: its file was kept.",
    ErasureOutcome.RESTARTED: "Results that it may hold were erased: it begins anew.",
}


def erase(
    database: Database,
    account_id: int,
    wanted: Choice,
    on_files: OnErasure,
    *,
    by: str | None = None,
    most: int = erasing.MAX_ERASED,
) -> Erasure:
    """Erases what is chosen, batch by batch, each in one transaction with what becomes of exports. What is recorded
    meanwhile is left alone, and so is what a filter does not match any more. Errors as of `erasing.choose`.

    The files that are to go cannot be downloaded from then on; the job `retention`, which is ordered, removes them.
    """
    done = Erasure()
    with database.read() as session:
        ids = erasing.choose(session, account_id, wanted, most)
    for batch in erasing.batches(ids):
        with database.write() as session:
            claims.hold(session, account_id)
            rows = erasing.lock(session, account_id, wanted, batch)
            found = [row["id"] for row in rows]
            outcomes = _told(session, account_id, found, on_files, by, done.outcomes) if found else {}
            erasing.erase(session, account_id, rows, named=batch if wanted.ids else (), by=by)
        done.erased += len(rows)
        done.outcomes |= outcomes
    return done


def _told(
    session: Session,
    account_id: int,
    ids: Sequence[str],
    on_files: OnErasure,
    by: str | None,
    known: Mapping[uuid.UUID, ErasureOutcome],
) -> dict[uuid.UUID, ErasureOutcome]:
    """What became of the exports that may hold the results. One whose file was kept is told of that once."""
    at, outcomes = lifecycle.clock(session), dict[uuid.UUID, ErasureOutcome]()
    for export in _locked(session, account_id, _holders(session, account_id, ids)):
        values: dict[str, Any]
        if export.status == ExportStatus.PROCESSING:
            outcome = ErasureOutcome.RESTARTED
            # The lease is left until the worker lets go of it, as that of a cancelled one.
            values = {"status": ExportStatus.PENDING, "sent_at": None}
        elif on_files is OnErasure.REMOVE:
            outcome = ErasureOutcome.REMOVED
            values = claims.expired(at)
        elif known.get(export.id) is ErasureOutcome.KEPT:
            continue
        else:
            outcome, values = ErasureOutcome.KEPT, {}
        if values:
            change(session, is_export(account_id, export.id), values)
        outcomes[export.id] = outcome
        told = {"at": at, "attempt": export.attempt, "by": by, "message": _TOLD[outcome]}
        events.add(session, account_id, export.id, ExportEventType.ERASED, **told)
    if ErasureOutcome.REMOVED in outcomes.values():
        jobs.order(session, account_id, claims.RETENTION, at=at)
    return outcomes


def _holders(session: Session, account_id: int, ids: Sequence[str]) -> list[Any]:
    """Running exports, and those with a file, that may hold some of the results."""
    are = [_ROWS.c.account_id == account_id, dialects.among(_ROWS.c.id, ids)]
    replaced_at = session.connection().scalar(select(func.max(_ROWS.c.replaced_at)).where(*are))
    shown = (_EXPORTS.c[name] for name in ("id", "filter", "started_at", "snapshot_at", "status"))
    of_account = _EXPORTS.c.account_id == account_id, _EXPORTS.c.deleted_at.is_(None)
    candidates = session.connection().execute(select(*shown).where(*of_account, _holds_rows())).all()
    matches: dict[str, bool] = {}

    def may_hold(filter_: dict[str, Any], since: datetime | None) -> bool:
        if replaced_at is not None and (since is None or replaced_at >= since - _REPLACED_BEFORE):
            return True
        stored = {name: value for name, value in filter_.items() if name != "review_states"}
        key = jsontext.canonical(stored)
        if key not in matches:
            if len(matches) >= MAX_COMPARED:
                return True
            conditions = filters.conditions(account_id, filters.from_json(stored))
            matching = exists().where(*are, *conditions)
            matches[key] = bool(session.connection().scalar(select(matching)))
        return matches[key]

    return [
        row
        for row in candidates
        if may_hold(row.filter, row.started_at if row.status == ExportStatus.PROCESSING else row.snapshot_at)
    ]


def _locked(session: Session, account_id: int, holders: Sequence[Any]) -> Sequence[Any]:
    """As they are now: one that was running may be completed."""
    if not holders:
        return ()
    if any(row.status == ExportStatus.PROCESSING for row in holders):
        claims.hold_lapsed(session)
    shown = (_EXPORTS.c[name] for name in ("id", "status", "attempt"))
    these = _EXPORTS.c.id.in_([row.id for row in holders]), _EXPORTS.c.deleted_at.is_(None), _holds_rows()
    # In the order in which files expire, so that the two wait for each other and never in a circle.
    found = (
        select(*shown)
        .where(_EXPORTS.c.account_id == account_id, *these)
        .order_by(_EXPORTS.c.completed_at, _EXPORTS.c.id)
    )
    return session.connection().execute(found.with_for_update()).all()


def _holds_rows() -> ColumnElement[bool]:
    return or_(in_states(ExportStatus.PROCESSING), col(Export.object_key).is_not(None))
