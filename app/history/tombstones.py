"""What is left of results that were erased: their ids, which are not recorded again unless somebody forces it."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import Session

from app.engine import dialects, locks
from app.models import Erased

_LOCK = "erase"
_TABLE = Erased.__table__  # type: ignore[attr-defined]


def hold(session: Session, account_id: int) -> None:
    """Nobody records into the account until the transaction ends. So an id is erased after it was recorded, or recorded
    after it was erased, and never both at once.
    """
    locks.hold(session.connection(), _LOCK, account_id)


def share(session: Session, account_id: int) -> None:
    """Nobody erases meanwhile. To be taken before any row of the history is changed."""
    locks.share(session.connection(), _LOCK, account_id)


def among(session: Session, account_id: int, ids: Collection[str]) -> set[str]:
    """Those of the ids that were erased."""
    return set(session.connection().scalars(select(_TABLE.c.id).where(*_are(account_id, ids))))


def put(session: Session, account_id: int, ids: Collection[str], *, by: str | None) -> None:
    """Where there is one already it stays as it is."""
    if ids:
        at = dialects.now(session.connection())
        rows = [{"account_id": account_id, "id": id, "at": at, "key_prefix": by} for id in ids]
        session.connection().execute(dialects.insert(session.connection(), _TABLE).on_conflict_do_nothing(), rows)


def take(session: Session, account_id: int, ids: Collection[str]) -> None:
    """The ids may be recorded again."""
    if ids:
        session.connection().execute(delete(_TABLE).where(*_are(account_id, ids)))


def _are(account_id: int, ids: Collection[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _TABLE.c.account_id == account_id, dialects.among(_TABLE.c.id, ids)
