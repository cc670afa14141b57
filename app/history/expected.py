"""Who changes all that match a filter says how many that are: it is done to what was looked at, or not at all."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session

from app.errors import Conflict, InvalidInput


def check(expected_count: int, most: int, what: str) -> None:
    """InvalidInput for more than `most`; `what` is done to them, such as `reviewed`."""
    if not 0 <= expected_count <= most:
        message = f"0 to {most} results may be {what} at once: narrow the filter, by days for example."
        raise InvalidInput(message, field="expected_count")


def require(session: Session, matching: Select[Any], found: int, expected_count: int, most: int) -> None:
    """Conflict where another number was found than expected; it tells how many match now."""
    if found != expected_count:
        message = f"{_count(session, matching, most)} results match by now, not {expected_count}: look at them again."
        raise Conflict(message, field="expected_count")


def _count(session: Session, matching: Select[Any], most: int) -> str:
    """In words: of more than may be changed at once it does not matter how many there are."""
    found = select(func.count()).select_from(matching.limit(most + 1).subquery())
    count = session.connection().scalar(found) or 0
    return str(count) if count <= most else f"More than {most}"
