"""A page of results with their statistics, and one result.

One statement brings one row, whatever the page holds: the revision of the history that it saw, whether matches lie on
either side of the page, how many results there are, and each list as one text that the database has written (see
`page_query`). Cached statistics of that same revision hold at that very moment, and nothing else is asked; where they
are of another one, or there are none, both are read anew in one snapshot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from app import cursors
from app.budgets import Budget
from app.engine.db import Database
from app.engine.queries import Asking
from app.history import page_query
from app.history.filters import DescriptionFilter
from app.history.page_query import BETWEEN
from app.history.pagination import Pagination
from app.history.projection import Object, Projection
from app.history.statistics import Cache, Statistics

MAX_NEWER = 1000
"""Up to which newer matches are counted."""


@dataclass(frozen=True)
class Page:
    """Results in their order: each list as a JSON array. `statistics` is None where it was not asked for."""

    lists: Mapping[str, orjson.Fragment]
    count: int
    has_previous: bool
    has_next: bool
    start_cursor: str | None
    end_cursor: str | None
    statistics: Statistics | None
    revision: int
    size: int
    """Bytes of the lists."""


_EMPTY = Page({}, 0, False, False, None, None, None, revision=0, size=0)


async def page(
    database: Database,
    cache: Cache,
    account_id: int,
    wanted: DescriptionFilter,
    part: Pagination,
    shown: Projection | None,
    budget: Budget,
    *,
    with_statistics: bool = False,
    with_reviews: bool = False,
) -> Page:
    """A part of the matches, and statistics of all of them, of one moment. `shown` None: only the statistics.
    `with_reviews`: verdicts are counted in these.

    TooLarge where the lists take more bytes than the budget has left.
    """
    budget.spend()
    if shown is None:
        asking = cache.ask(account_id, wanted, with_reviews=with_reviews)
        statistics = await database.answer(account_id, asking) if with_statistics else None
        return replace(_EMPTY, statistics=statistics)

    with_statistics = with_statistics or page_query.skips_days(part)
    known = cache.get(account_id, wanted, with_reviews=with_reviews) if with_statistics else None
    found = None
    if known is not None or not with_statistics:
        found = await database.answer(account_id, _ask_page(account_id, wanted, part, shown, known, budget))
    if found is None or (known is not None and found.revision != known.revision):
        counted = cache.ask(account_id, wanted, with_reviews=with_reviews)
        anew = _ask_both(counted, account_id, wanted, part, shown, budget)
        found = await database.answer(account_id, anew, at_one_moment=True)
    budget.spend(found.size)
    return found


def ask_one(account_id: int, id: str, shown: Object, budget: Budget) -> Asking[orjson.Fragment | None]:
    """One result as a JSON object, None where the account has none of that id. TooLarge as for a page."""
    if "\0" in id:
        return None
    budget.spend()
    found = yield page_query.result(account_id, id, shown, budget.left)
    if not found:
        return None
    [(size, text)] = found
    budget.spend(size)
    return orjson.Fragment(text)


def ask_newer(account_id: int, wanted: DescriptionFilter, cursor: str) -> Asking[int]:
    """How many matches are newer than the result of a cursor, of whatever order; counted up to MAX_NEWER."""
    place = cursors.read(cursor, "cursor", None)
    [(found,)] = yield page_query.newer(account_id, wanted, place, MAX_NEWER)
    return int(found)


def _ask_both(
    statistics: Asking[Statistics],
    account_id: int,
    wanted: DescriptionFilter,
    part: Pagination,
    shown: Projection,
    budget: Budget,
) -> Asking[Page]:
    return (yield from _ask_page(account_id, wanted, part, shown, (yield from statistics), budget))


def _ask_page(
    account_id: int,
    wanted: DescriptionFilter,
    part: Pagination,
    shown: Projection,
    known: Statistics | None,
    budget: Budget,
) -> Asking[Page]:
    """Asks a second time only where one result takes more than its share of the bytes that are left."""
    for most_bytes, in_all in ((budget.left // (part.limit + 1), False), (budget.left, True)):
        query = page_query.page(account_id, wanted, part, shown, known, most_bytes, in_all=in_all)
        [(revision, newer, older, count, size, *texts)] = yield query
        if size <= most_bytes:
            break
    else:
        budget.spend(size)
    more = count > part.limit
    kept = [_kept(text or "", part, more=more) for text in texts]
    lists = {name: f"[{text}]".encode() for (name, _), text in zip(shown.lists, kept, strict=False)}
    places = kept[-1].split(BETWEEN) if shown.with_cursors else [""]
    return Page(
        lists={name: orjson.Fragment(text) for name, text in lists.items()},
        count=min(count, part.limit),
        has_previous=bool(newer) or (more and part.from_end),
        has_next=bool(older) or (more and not part.from_end),
        start_cursor=places[0] or None,
        end_cursor=places[-1] or None,
        statistics=known,
        revision=revision,
        size=sum(map(len, lists.values())),
    )


def _kept(text: str, part: Pagination, *, more: bool) -> str:
    """Without the one more than fits, and in their order."""
    text = text.rpartition(BETWEEN)[0] if more else text
    return BETWEEN.join(reversed(text.split(BETWEEN))) if part.from_end else text
