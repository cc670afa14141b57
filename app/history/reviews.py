"""Writing what was found of results by who reviewed them.

A review is added and never changed; the newest of a result is repeated in its row. All of a call is written, or none.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session

from app import times
from app.engine import dialects
from app.errors import InvalidInput, NotFound
from app.history import expected, filters, recording, rollup
from app.history.fields import is_text
from app.history.filters import DescriptionFilter
from app.history.verdicts import Verdict
from app.models import Description, Review

MAX_REVIEWS = 1000
"""Reviews that are given one by one."""

MAX_MATCHES = 10_000
"""Results that are reviewed at once, unless it is said otherwise: as many as are recorded at once, and a few seconds'
work.
"""

MAX_NOTE = 10_000
"""Characters of a note."""

_TABLE = Description.__table__  # type: ignore[attr-defined]
_REVIEWS = Review.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Content:
    """What is said of a result. InvalidInput where that cannot be meant: `text` is what it should say, and so goes with
    one verdict alone.
    """

    verdict: Verdict
    text: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.verdict is not Verdict.CORRECTED and self.text is not None:
            raise InvalidInput("A text goes with the verdict CORRECTED alone.", field="text")
        if self.verdict is Verdict.CORRECTED and not (self.text or "").strip():
            raise InvalidInput("The verdict CORRECTED needs the text that is right.", field="text")
        for name, text, most in (("text", self.text, recording.MAX_TEXT), ("note", self.note, MAX_NOTE)):
            if text is not None and len(text) > most:
                raise InvalidInput(f"A {name} has at most {most} characters.", field=name)
            if text is not None and not is_text(text):
                raise InvalidInput(f"A {name} must hold no NUL character and no lone surrogate.", field=name)


@dataclass(frozen=True)
class NewReview:
    """One review as it is given."""

    description_id: str
    content: Content


def add(session: Session, account_id: int, by: str, given: Sequence[NewReview]) -> list[Review]:
    """The reviews, in the order given. NotFound for a result that the account has not, InvalidInput for one that comes
    twice, or for more than MAX_REVIEWS.
    """
    ids = [review.description_id for review in given]
    if len(ids) > MAX_REVIEWS:
        raise InvalidInput(f"At most {MAX_REVIEWS} reviews may be given at once.", field="input")
    if len(set(ids)) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise InvalidInput(f"The id '{twice}' comes twice: review each result once.", field="input")
    locked = set(_lock(session, account_id, [id for id in ids if is_text(id)]))
    for place, id in enumerate(ids):
        if id not in locked:
            raise NotFound(f"There is no result with the id '{id}'.", field=f"input.{place}.description_id")
    same: dict[Content, list[str]] = defaultdict(list)
    for review in given:
        same[review.content].append(review.description_id)
    written = {review.description_id: review for review in _write(session, account_id, by, same)}
    return [written[id] for id in ids]


def add_to_matches(
    session: Session,
    account_id: int,
    by: str,
    wanted: DescriptionFilter,
    expected_count: int,
    verdict: Verdict,
    note: str | None = None,
    most: int = MAX_MATCHES,
) -> int:
    """How many were reviewed: all matches, if there are as many as expected. Conflict where there are not, InvalidInput
    for more than `most`. What is recorded meanwhile is left alone.
    """
    if verdict is Verdict.CORRECTED:
        raise InvalidInput("Results are corrected one by one: each has a text of its own.", field="verdict")
    expected.check(expected_count, most, "reviewed")
    content = Content(verdict, note=note)
    matching = select(_TABLE.c.id).where(*filters.conditions(account_id, wanted))
    found = list(session.connection().scalars(matching.limit(expected_count + 1)))
    if len(found) == expected_count:
        # Whose row changes before it is locked is looked at once more.
        found = _lock(session, account_id, found, *filters.conditions(account_id, wanted))
    expected.require(session, matching, len(found), expected_count, most)
    _write(session, account_id, by, {content: found})
    return len(found)


def _lock(session: Session, account_id: int, ids: Sequence[str], *conditions: ColumnElement[bool]) -> list[str]:
    """Those of the ids that are there; nobody changes their rows before the transaction ends. They are locked in the
    order of the ids, so that two who lock wait for each other and never in a circle.
    """
    found = select(_TABLE.c.id).where(*_are(account_id, ids), *conditions).order_by(_TABLE.c.id)
    return list(session.connection().scalars(found.with_for_update()))


def _write(session: Session, account_id: int, by: str, contents: Mapping[Content, Sequence[str]]) -> list[Review]:
    """One review of each of these results, whose rows are locked; all are of one moment."""
    at, written = dialects.now(session.connection()), list[Review]()
    for content, ids in contents.items():
        said = {"verdict": content.verdict.value, "text": content.text, "note": content.note}
        common: dict[str, Any] = {"account_id": account_id, "key_prefix": by, "at": at, **said}
        found = session.connection().execute(_added(account_id, ids, common)).all()
        written += [Review(description_id=id, number=number, **common) for id, number in found]
        shown = said | {"by": by, "at": times.iso(at)}
        newest = update(_TABLE).where(*_are(account_id, ids)).values(review_state=content.verdict.value, review=shown)
        session.connection().execute(newest)
    if written:
        rollup.raise_revision(session, account_id)
    return written


def _added(account_id: int, ids: Sequence[str], common: Mapping[str, Any]) -> ReturningInsert[Any]:
    """Each with the number behind those that the result has."""
    of = _REVIEWS.c.account_id == account_id, _REVIEWS.c.description_id == _TABLE.c.id
    number = select(func.coalesce(func.max(_REVIEWS.c.number), 0) + 1).where(*of).scalar_subquery()
    values = {name: literal(value, _REVIEWS.c[name].type) for name, value in common.items()}
    rows = select(_TABLE.c.id, number, *values.values()).where(*_are(account_id, ids))
    added = insert(_REVIEWS).from_select(["description_id", "number", *values], rows)
    return added.returning(_REVIEWS.c.description_id, _REVIEWS.c.number)


def _are(account_id: int, ids: Sequence[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _TABLE.c.account_id == account_id, dialects.among(_TABLE.c.id, ids)
