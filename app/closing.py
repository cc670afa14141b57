"""Taking all of an account: its results, reviews and statistics, its exports and their files, its keys and sessions.

It goes batch by batch, and goes on where it broke off when it is begun again. What is left is a number, which no other
account gets, with the moment (see `models.History`).
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, SQLModel, col

from app import auth
from app.engine import dialects, locks
from app.exports import lifecycle, runs
from app.history import erasing
from app.models import (
    Account,
    ApiKey,
    BrowserSession,
    Erased,
    Export,
    ExportEvent,
    History,
    Job,
    Review,
    SignInLink,
    StatisticsGroup,
)
from app.runtime import Runtime

BATCH = 1000
"""Rows of a table that go at a time."""

_AGAIN = 0.1
"""Seconds after which one looks again whether the workers have let go of exports."""

_LEFT_OVER = (ExportEvent, Review, Job, StatisticsGroup)
"""Of these nothing is left by then, unless an older version has put it there."""


@dataclass
class Taken:
    """What was taken: this time, where it broke off before."""

    results: int = 0
    exports: int = 0
    keys: int = 0


def close(runtime: Runtime, name: str) -> Taken:
    """Takes all of the account of that name. NotFound where there is none, OSError where the storage does not answer:
    then it is to be begun again.

    First the keys go, and nobody is let in any more; exports that are running stop within a second, or once the lease
    of a worker that has ended runs out.
    """
    taken = Taken()
    with runtime.database.write() as session:
        account_id = auth.account_id(session, name)
        _shut(session, account_id)
        taken.keys += _take_keys(session, account_id)
    for take in (_take_exports, _take_results, _take_tombstones):
        while take(runtime, account_id, taken):
            pass
    runtime.storage.clear(f"{account_id}/", unwanted=lambda key: True)
    with runtime.database.write() as session:
        # First: who makes a key has locked it, and has made that before it goes.
        session.connection().execute(delete(Account).where(col(Account.id) == account_id))
        taken.keys += _take_keys(session, account_id)
        for table in _LEFT_OVER:
            session.connection().execute(delete(table).where(_of(table, account_id)))
    return taken


def _shut(session: Session, account_id: int) -> None:
    """From now on nothing is added to the account: what was begun before is there when its results are taken."""
    locks.hold(session.connection(), "create", account_id)
    at = dialects.now(session.connection())
    upsert = dialects.insert(session.connection(), History.__table__)  # type: ignore[attr-defined]
    row = upsert.values(account_id=account_id, revision=1, deleted_at=at)
    changes = {"deleted_at": at, "revision": col(History.revision) + 1}
    session.connection().execute(row.on_conflict_do_update(index_elements=["account_id"], set_=changes))


def _take_keys(session: Session, account_id: int) -> int:
    """With the sessions and the links that were begun with them."""
    prefixes = select(col(ApiKey.key_prefix)).where(col(ApiKey.account_id) == account_id)
    for table in (BrowserSession, SignInLink):
        session.connection().execute(delete(table).where(col(table.key_prefix).in_(prefixes)))
    return session.connection().execute(delete(ApiKey).where(col(ApiKey.account_id) == account_id)).rowcount


def _take_exports(runtime: Runtime, account_id: int, taken: Taken) -> bool:
    """Whether there may be more. What is running has lost its claim, and its files go once its worker has let go."""
    mine = col(Export.account_id) == account_id
    there = select(col(Export.id)).where(mine, col(Export.deleted_at).is_(None)).limit(BATCH)
    with runtime.database.read() as session:
        ids = session.connection().scalars(there).all()
    for id in ids:
        with runtime.database.write() as session:
            lifecycle.mark_deleted(session, account_id, id)
    taken.exports += len(ids)
    cleaned = runs.clean(runtime, account_id)
    with runtime.database.read() as session:
        is_left = session.connection().scalar(select(col(Export.id)).where(mine).limit(1)) is not None
    if is_left and not cleaned:
        time.sleep(_AGAIN)
    return is_left


def _take_results(runtime: Runtime, account_id: int, taken: Taken) -> bool:
    with runtime.database.write() as session:
        rows = erasing.some(session, account_id)
        erasing.take(session, account_id, rows)
    taken.results += len(rows)
    return bool(rows)


def _take_tombstones(runtime: Runtime, account_id: int, _: Taken) -> bool:
    first = select(col(Erased.id)).where(col(Erased.account_id) == account_id).limit(BATCH)
    some = delete(Erased).where(_of(Erased, account_id), col(Erased.id).in_(first))
    with runtime.database.write() as session:
        return session.connection().execute(some).rowcount > 0


def _of(table: type[SQLModel], account_id: int) -> Any:
    return table.__table__.c.account_id == account_id  # type: ignore[attr-defined]
