"""How many results there are, kept: counts and sums of groups, written in the same transaction as the results.

A group is (day, source type, type, status, bin) of one account. What a filter says of whole groups is answered from
them; where it cuts through one, through a day or a bin, the rows of that piece are counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Label,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    union_all,
)
from sqlmodel import Session

from app.engine import dialects
from app.engine.dialects import Several
from app.engine.queries import Asking, Query
from app.history import filters, scores
from app.history.filters import DescriptionFilter
from app.models import Account, Description, History, StatisticsGroup

_TABLE = StatisticsGroup.__table__  # type: ignore[attr-defined]
_ROWS = Description.__table__  # type: ignore[attr-defined]
_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
_HISTORIES = History.__table__  # type: ignore[attr-defined]
_GROUPED = {name: _TABLE.c[name] for name in ("source_type", "type", "status")}
"""The columns of a result that a group has as they are."""

_KNOWN = {*_GROUPED, "created_at", "confidence_score"}
"""Those by which groups are told apart: a moment by its day, a score by its bin. Where a filter asks of another column,
rows are counted.
"""

_MICROSECOND = timedelta(microseconds=1)

MAX_DAYS = 10_000
MAX_NAMES = 1000
"""How many days, the newest, and source types and types, the largest, are told apart. All of them are counted."""


@dataclass(frozen=True)
class Totals:
    """Matches by day, by source type, by type and by bin; `units` is the sum of all scores in billionths. Each ascends.
    `revision` is that of the history they were found in. `truncated`: there are more days, source types or types.
    """

    days: dict[date, int]
    sources: dict[str, int]
    types: dict[str, int]
    bins: dict[int, int]
    units: int
    revision: int
    truncated: bool


def add(
    session: Session, account_id: int, rows: Iterable[dict[str, Any]], *, removed: Iterable[dict[str, Any]] = ()
) -> None:
    """Counts new rows of `descriptions`, each once, and takes those out that were there and are no more."""
    found: dict[tuple[date, str, str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for sign, counted in ((1, rows), (-1, removed)):
        for row in counted:
            score = row["confidence_score"]
            day = row["created_at"].astimezone(UTC).date()
            sums = found[day, row["source_type"], row["type"], row["status"], scores.bin_of(score)]
            sums[0] += sign
            sums[1] += sign * scores.units(score)
    # In the order of their keys, so that two who count at once wait for each other and never in a circle.
    dialects.add_up(session.connection(), _TABLE, [(account_id, *key, *sums) for key, sums in sorted(found.items())])
    if any(sums[0] < 0 for sums in found.values()):
        session.connection().execute(delete(_TABLE).where(_TABLE.c.account_id == account_id, _TABLE.c["count"] == 0))
    if found:
        dialects.add_up(session.connection(), _HISTORIES, [(account_id, 1)])


def ask_totals(account_id: int, wanted: DescriptionFilter) -> Asking[Totals]:
    """One statement: the groups that matter, those counted from rows among them, summed up in four ways."""
    found: dict[str, dict[str, int]] = {"day": {}, "source": {}, "type": {}, "bin": {}, "revision": {}}
    all_units = 0
    for kind, key, matches, units in (yield _totals_query(account_id, wanted)):
        found[kind][key] = int(matches)
        all_units += int(units) if kind == "bin" else 0
    days, sources, types = (list(found[kind].items()) for kind in ("day", "source", "type"))
    return Totals(
        days={date.fromisoformat(day): matches for day, matches in sorted(days[:MAX_DAYS])},
        sources=dict(sorted(sources[:MAX_NAMES])),
        types=dict(sorted(types[:MAX_NAMES])),
        bins=dict(sorted((int(bin_), matches) for bin_, matches in found["bin"].items())),
        units=all_units,
        revision=found["revision"][""],
        truncated=len(days) > MAX_DAYS or max(len(sources), len(types)) > MAX_NAMES,
    )


def ask_revision(account_id: int) -> Asking[int]:
    """Of the history: as long as it is the same, so are all totals."""
    [(found,)] = yield Query("revision", lambda: select(revision_column()), {"account_id": account_id}, one_plan=True)
    return int(found)


def revision_column() -> ColumnElement[int]:
    """The revision of the account that the parameter `account_id` names, for a statement that tells what it saw."""
    found = select(_HISTORIES.c.revision).where(_HISTORIES.c.account_id == bindparam("account_id", type_=BigInteger()))
    return func.coalesce(found.scalar_subquery(), 0)


def rebuild(session: Session) -> None:
    """Makes the groups of all accounts anew from the rows. Nobody may record meanwhile: see `dialects.lock`."""
    dialects.lock(session.connection(), Description.__tablename__)
    session.connection().execute(delete(_TABLE))
    names = [column.name for column in _TABLE.columns]
    session.connection().execute(insert(_TABLE).from_select(names, _recount()))
    accounts = session.connection().scalars(select(_ACCOUNTS.c.id).order_by(_ACCOUNTS.c.id)).all()
    dialects.add_up(session.connection(), _HISTORIES, [(account_id, 1) for account_id in accounts])


def differences(session: Session) -> list[str]:
    """Where the groups are not what the rows say; nothing, if all is well."""
    kept = {tuple(row[:6]): tuple(row[6:]) for row in session.connection().execute(select(*_TABLE.columns))}
    true = {tuple(row[:6]): (row[6], int(row[7])) for row in session.connection().execute(_recount())}
    return [
        f"statistics of {key}: kept {kept.get(key, (0, 0))}, counted {true.get(key, (0, 0))}"
        for key in sorted(kept.keys() | true.keys())
        if kept.get(key, (0, 0)) != true.get(key, (0, 0))
    ]


def _recount() -> Select[Any]:
    row, score = _ROWS.c, _ROWS.c.confidence_score
    day = dialects.day(row.created_at)
    key = (row.account_id, day, row.source_type, row.type, row.status, scores.bin_column(score))
    return select(*key, func.count(), cast(func.sum(scores.units_column(score)), BigInteger)).group_by(*key)


def _totals_query(account_id: int, wanted: DescriptionFilter) -> Query:
    whole, bins, pieces = _divide(wanted)
    prefixes = [f"piece_{place}_" for place in range(len(pieces))]
    values: dict[str, Any] = {"account_id": account_id}
    for piece, prefix in zip(pieces, prefixes, strict=True):
        values |= filters.values(account_id, piece, prefix)
    if whole is not None:
        values |= _values(account_id, whole, bins)

    def build() -> CompoundSelect[Any]:
        parts = [_counted(account_id, piece, prefix) for piece, prefix in zip(pieces, prefixes, strict=True)]
        if whole is not None:
            columns = ("day", "source_type", "type", "bin", "count", "units")
            parts.append(select(*(_TABLE.c[name] for name in columns)).where(*_conditions(whole, bins)))
        group = union_all(*parts).cte("matching_groups").c
        sums = (func.sum(group["count"]).label("count"), func.sum(group.units).label("units"))
        days = select(dialects.quoted("day").label("kind"), cast(group.day, Text).label("key"), *sums)
        days = days.group_by(group.day).order_by(group.day.desc()).limit(literal_column(str(MAX_DAYS + 1)))
        named = [_largest(kind, group[name], sums) for kind, name in (("source", "source_type"), ("type", "type"))]
        return union_all(
            select(days.subquery("days")),
            *named,
            select(dialects.quoted("bin"), cast(group.bin, Text), *sums).group_by(group.bin),
            select(dialects.quoted("revision"), dialects.quoted(""), revision_column(), literal_column("0")),
        )

    shapes = tuple(map(filters.shape, pieces))
    return Query(("totals", whole and filters.shape(whole), bins is None, shapes), build, values)


def _largest(kind: str, name: ColumnElement[str], sums: Sequence[Label[Any]]) -> Select[Any]:
    found = select(dialects.quoted(kind).label("kind"), name.label("key"), *sums)
    found = found.group_by(name).order_by(sums[0].desc(), name).limit(literal_column(str(MAX_NAMES + 1)))
    return select(found.subquery(f"{kind}s"))


def _counted(account_id: int, wanted: DescriptionFilter, prefix: str) -> Select[Any]:
    score = _ROWS.c.confidence_score
    day, bin_ = dialects.day(_ROWS.c.created_at).label("day"), scores.bin_column(score).label("bin")
    key = (day, _ROWS.c.source_type, _ROWS.c.type, bin_)
    sums = (func.count().label("count"), func.sum(scores.units_column(score)).label("units"))
    return select(*key, *sums).where(*filters.conditions(account_id, wanted, prefix)).group_by(*key)


def _divide(wanted: DescriptionFilter) -> tuple[DescriptionFilter | None, list[int] | None, list[DescriptionFilter]]:
    """A filter on whole groups and the bins it is for, or None and all bins, and filters for the rows beside them:
    together they match what `wanted` matches, and nothing twice.
    """
    if not filters.narrowed_columns(wanted) <= _KNOWN:
        return None, None, [wanted]
    try:
        days, pieces = _whole_days(wanted)
    except OverflowError:  # at the end of time
        return None, None, [wanted]
    if days is None:
        return None, None, pieces
    bins = None
    if wanted.min_confidence is not None or wanted.max_confidence is not None:
        bins, cut = _whole_bins(days)
        pieces += cut
    return days, bins, pieces


def _whole_days(wanted: DescriptionFilter) -> tuple[DescriptionFilter | None, list[DescriptionFilter]]:
    """The filter on the whole days that it covers, and on the parts of days before and after them."""
    start, end = wanted.start_date, wanted.end_date and wanted.end_date + _MICROSECOND
    first = start and (_midnight(start) if start == _midnight(start) else _midnight(start) + timedelta(days=1))
    last = end and _midnight(end)
    if first and last and first >= last:
        return None, [wanted]
    pieces = []
    if first and first != start:
        pieces.append(replace(wanted, end_date=first - _MICROSECOND))
    if last and last != end:
        pieces.append(replace(wanted, start_date=last))
    return replace(wanted, start_date=first, end_date=last and last - _MICROSECOND), pieces


def _whole_bins(wanted: DescriptionFilter) -> tuple[list[int], list[DescriptionFilter]]:
    """The bins that the filter covers whole, and filters on the parts of others."""
    low = 0.0 if wanted.min_confidence is None else wanted.min_confidence
    high = 1.0 if wanted.max_confidence is None else wanted.max_confidence
    whole = [bin_ for bin_ in scores.BINS if low <= scores.lowest(bin_) and scores.highest(bin_) <= high]
    pieces = [
        replace(
            wanted,
            min_confidence=max(low, scores.lowest(bin_)),
            max_confidence=min(high, scores.highest(bin_)),
            include_unscored=False,
        )
        for bin_ in sorted({scores.bin_of(low), scores.bin_of(high)} - set(whole))
    ]
    return whole + [scores.NO_SCORE] * wanted.include_unscored, pieces


def _conditions(wanted: DescriptionFilter, bins: list[int] | None) -> list[ColumnElement[bool]]:
    found = [_TABLE.c.account_id == bindparam("account_id", type_=BigInteger())]
    found += filters.narrowing(wanted, _GROUPED, lambda name, type_: bindparam(name, type_=type_))
    if wanted.start_date is not None:
        found.append(_TABLE.c.day >= bindparam("first_day", type_=Date()))
    if wanted.end_date is not None:
        found.append(_TABLE.c.day <= bindparam("last_day", type_=Date()))
    if bins is not None:
        found.append(dialects.is_one_of(_TABLE.c.bin, bindparam("bins", type_=Several(Integer()))))
    return found


def _values(account_id: int, wanted: DescriptionFilter, bins: list[int] | None) -> dict[str, Any]:
    """Those of the parameters of `_conditions`."""
    return filters.values(account_id, wanted) | {
        "first_day": wanted.start_date and wanted.start_date.date(),
        "last_day": wanted.end_date and wanted.end_date.date(),
        "bins": bins,
    }


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)
