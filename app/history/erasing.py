"""Erasing results for good: their rows, what searches look at, their reviews and their part of the statistics.

What is left of each is its tombstone (see `tombstones`). A batch is one transaction, in which all of that goes.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, select
from sqlmodel import Session

from app.engine import dialects
from app.errors import InvalidInput
from app.history import expected, filters, rollup, tombstones
from app.history.fields import is_text
from app.history.filters import DescriptionFilter
from app.history.recording import MAX_NAME
from app.models import Description, Review

BATCH = 1000
"""Results of one transaction. Whoever records into the account waits for it."""

MAX_ERASED = 10_000
"""Results that are erased at once, unless it is said otherwise."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
_REVIEWS = Review.__table__  # type: ignore[attr-defined]
_COUNTED = [_TABLE.c[name] for name in ("id", "created_at", "source_type", "type", "status", "confidence_score")]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be erased: results by their ids, all of some images, or all that match a filter. InvalidInput unless
    it is chosen in one way, or where it cannot be meant.

    With a filter, `expected_count` says how many it matches; with the others it may.
    """

    ids: Sequence[str] = ()
    image_ids: Sequence[str] = ()
    filter: DescriptionFilter | None = None
    expected_count: int | None = None

    def __post_init__(self) -> None:
        if [bool(self.ids), bool(self.image_ids), self.filter is not None].count(True) != 1:
            raise InvalidInput("Say what to erase in exactly one way: ids, imageIds or filter.", field="ids")
        if self.filter is not None and self.expected_count is None:
            message = "With a filter, say in expectedCount how many results it matches."
            raise InvalidInput(message, field="expected_count")
        for place, id in enumerate(self.ids):
            if not (1 <= len(id) <= MAX_NAME and is_text(id)):
                message = f"An id has 1 to {MAX_NAME} characters, none of them NUL or a lone surrogate."
                raise InvalidInput(message, field=f"ids.{place}")

    def conditions(self, account_id: int) -> list[ColumnElement[bool]]:
        """What a row of `descriptions` must satisfy. Of images it is all results, failed ones too."""
        if self.ids:
            return list(_are(_TABLE, "id", account_id, self.ids))
        of_images = DescriptionFilter(image_ids=tuple(self.image_ids), include_failed=True)
        return filters.conditions(account_id, self.filter or of_images)


def choose(session: Session, account_id: int, wanted: Choice, most: int = MAX_ERASED) -> list[str]:
    """The ids that are meant, in their order; those that were named are meant whether they are there or not.

    InvalidInput for more than `most`, Conflict where not as many are there as expected.
    """
    if wanted.expected_count is not None:
        expected.check(wanted.expected_count, most, "erased")
    if len(wanted.ids) > most:
        raise InvalidInput(f"At most {most} results may be erased at once.", field="ids")
    matching = select(_TABLE.c.id).where(*wanted.conditions(account_id))
    at_most = most if wanted.expected_count is None else wanted.expected_count
    found = sorted(session.connection().scalars(matching.limit(at_most + 1)))
    if wanted.expected_count is not None:
        expected.require(session, matching, len(found), wanted.expected_count, most)
    if len(found) > most:
        raise InvalidInput(f"At most {most} results may be erased at once: name fewer images.", field="image_ids")
    return sorted(set(wanted.ids)) if wanted.ids else found


def count(session: Session, account_id: int, wanted: Choice, most: int) -> int:
    """How many are there, up to one more than may be erased."""
    matching = select(_TABLE.c.id).where(*wanted.conditions(account_id)).limit(most + 1)
    return session.connection().scalar(select(func.count()).select_from(matching.subquery())) or 0


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Each for a transaction of its own."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def lock(session: Session, account_id: int, wanted: Choice, ids: Sequence[str]) -> Sequence[RowMapping]:
    """What is counted of those of a batch that are there and still meant; nobody changes their rows, or records into
    the account, before the transaction ends.
    """
    tombstones.hold(session, account_id)
    conditions = () if wanted.ids else wanted.conditions(account_id)
    # In the order of the ids, so that two who lock wait for each other and never in a circle.
    found = select(*_COUNTED).where(*_are(_TABLE, "id", account_id, ids), *conditions).order_by(_TABLE.c.id)
    return session.connection().execute(found.with_for_update()).mappings().all()


def erase(
    session: Session, account_id: int, rows: Sequence[RowMapping], *, named: Collection[str], by: str | None
) -> None:
    """Erases the rows, which are locked. Their ids, and those that were named, are not recorded again."""
    tombstones.put(session, account_id, sorted({*named, *(row["id"] for row in rows)}), by=by)
    take(session, account_id, rows)


def take(session: Session, account_id: int, rows: Sequence[RowMapping]) -> None:
    """Erases the rows and leaves no tombstones."""
    if rows:
        ids = [row["id"] for row in rows]
        session.connection().execute(delete(_REVIEWS).where(*_are(_REVIEWS, "description_id", account_id, ids)))
        session.connection().execute(delete(_TABLE).where(*_are(_TABLE, "id", account_id, ids)))
        rollup.add(session, account_id, (), removed=[{**row} for row in rows])


def some(session: Session, account_id: int) -> Sequence[RowMapping]:
    """A batch of whatever the account has, as `lock` gives it; empty where nothing is left."""
    tombstones.hold(session, account_id)
    found = select(*_COUNTED).where(_TABLE.c.account_id == account_id).order_by(_TABLE.c.id).limit(BATCH)
    return session.connection().execute(found.with_for_update()).mappings().all()


def _are(table: Any, column: str, account_id: int, ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return table.c.account_id == account_id, dialects.among(table.c[column], ids)
