"""How far many exports are, for those who wait for news of them."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlmodel import Session, col

from app.models import Export

Place = tuple[int, uuid.UUID]
"""The account of an export, and its id."""

_AT_ONCE = 1000
"""Exports in one statement."""


class Progress(NamedTuple):
    status: str
    rows_written: int
    rows_total: int | None


def progress(session: Session, places: Sequence[Place]) -> dict[Place, Progress]:
    """Of those that are there."""
    shown = (Export.account_id, Export.id, Export.status, Export.rows_written, Export.rows_total)
    found: dict[Place, Progress] = {}
    for start in range(0, len(places), _AT_ONCE):
        there = tuple_(col(Export.account_id), col(Export.id)).in_(places[start : start + _AT_ONCE])
        statement = select(*shown).where(there, col(Export.deleted_at).is_(None))  # type: ignore[call-overload]
        for account_id, id, *values in session.connection().execute(statement):
            found[account_id, id] = Progress(*values)
    return found


def progress_of(export: Export) -> Progress:
    return Progress(export.status, export.rows_written, export.rows_total)
