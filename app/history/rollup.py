"""How many results there are, kept: counts and sums of groups, written in the same transaction as the results.

A group is (day, source type, type, status, bin) of one account. What a filter says of whole groups is answered from
them; where it cuts through one, through a day or a bin, the rows of that piece are counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
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
from app.errors import NotFound
from app.history import division, filters, scores
from app.history.filters import DescriptionFilter
from app.models import Account, Description, History, StatisticsGroup

_TABLE = StatisticsGroup.__table__  # type: ignore[attr-defined]
_ROWS = Description.__table__  # type: ignore[attr-defined]
_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
_HISTORIES = History.__table__  # type: ignore[attr-defined]
_GROUPED = {name: _TABLE.c[name] for name in division.GROUPED}

MAX_DAYS = 10_000
MAX_NAMES = 1000
"""How many days, the newest, and source types and types, the largest, are told apart. All of them are counted."""

DELETED = "The account was deleted."


@dataclass(frozen=True)
class Totals:
    """Matches by day, by source type, by type and by bin; `units` is the sum of all scores in billionths. Each ascends.
    `revision` is that of the history they were found in. `truncated`: there are more days, source types or types.
    `verdicts` has those by their newest verdict that have one; None where that was not asked for.
    """

    days: dict[date, int]
    sources: dict[str, int]
    types: dict[str, int]
    bins: dict[int, int]
    units: int
    revision: int
    truncated: bool
    verdicts: dict[str, int] | None = None


def add(
    session: Session, account_id: int, rows: Iterable[dict[str, Any]], *, removed: Iterable[dict[str, Any]] = ()
) -> None:
    """Counts new rows of `descriptions`, each once, and takes those out that were there and are no more."""
    found: dict[tuple[date, str, str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    rows = list(rows)
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
        raise_revision(session, account_id, takes_away=not rows)


def raise_revision(session: Session, account_id: int, *, takes_away: bool = False) -> None:
    """The last thing that a transaction does which changes what is shown or counted of the history. NotFound for an
    account that is being deleted, unless it only takes away.
    """
    upsert = dialects.insert(session.connection(), _HISTORIES).values(account_id=account_id, revision=1)
    raised = {"revision": _HISTORIES.c.revision + upsert.excluded.revision}
    statement = upsert.on_conflict_do_update(index_elements=[_HISTORIES.c.account_id], set_=raised)
    deleted_at = session.connection().scalar(statement.returning(_HISTORIES.c.deleted_at))
    if deleted_at is not None and not takes_away:
        raise NotFound(DELETED)


def require_undeleted(session: Session, account_id: int) -> None:
    """NotFound for an account that is being deleted."""
    found = select(_HISTORIES.c.deleted_at).where(_HISTORIES.c.account_id == account_id)
    if session.connection().scalar(found) is not None:
        raise NotFound(DELETED)


def ask_totals(account_id: int, wanted: DescriptionFilter, *, with_verdicts: bool = False) -> Asking[Totals]:
    """One statement: the groups that matter, those counted from rows among them, summed up in four ways."""
    kinds = ("day", "source", "type", "bin", "revision", "verdict")
    found: dict[str, dict[str, int]] = {kind: {} for kind in kinds}
    all_units = 0
    for kind, key, matches, units in (yield _totals_query(account_id, wanted, with_verdicts=with_verdicts)):
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
        verdicts=found["verdict"] if with_verdicts else None,
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
    for account_id in accounts:
        raise_revision(session, account_id, takes_away=True)


def differences(session: Session, account_id: int | None = None) -> list[str]:
    """Where the groups, of one account or of all, are not what the rows say; nothing, if all is well."""
    groups, counted = select(*_TABLE.columns), _recount()
    if account_id is not None:
        groups = groups.where(_TABLE.c.account_id == account_id)
        counted = counted.where(_ROWS.c.account_id == account_id)
    kept = {tuple(row[:6]): tuple(row[6:]) for row in session.connection().execute(groups)}
    true = {tuple(row[:6]): (row[6], int(row[7])) for row in session.connection().execute(counted)}
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


def _totals_query(account_id: int, wanted: DescriptionFilter, *, with_verdicts: bool) -> Query:
    base, besides = division.without_reviewed(wanted)
    whole, bins, pieces = division.divide(base)
    signed = [(piece, 1) for piece in pieces] + [(beside, -1) for beside in besides]
    parts_of = [(piece, sign, f"piece_{place}_") for place, (piece, sign) in enumerate(signed)]
    values: dict[str, Any] = {"account_id": account_id}
    for piece, _, prefix in parts_of:
        values |= filters.values(account_id, piece, prefix)
    if whole is not None:
        values |= _values(account_id, whole, bins)
    if with_verdicts:
        values |= filters.values(account_id, wanted, "reviewed_")

    def build() -> CompoundSelect[Any]:
        parts = [_counted(account_id, piece, prefix, sign) for piece, sign, prefix in parts_of]
        if whole is not None:
            columns = ("day", "source_type", "type", "bin", "count", "units")
            parts.append(select(*(_TABLE.c[name] for name in columns)).where(*_conditions(whole, bins)))
        group = union_all(*parts).cte("matching_groups").c
        sums = (func.sum(group["count"]).label("count"), func.sum(group.units).label("units"))
        days = select(dialects.quoted("day").label("kind"), cast(group.day, Text).label("key"), *sums).having(
            sums[0] > 0
        )
        days = days.group_by(group.day).order_by(group.day.desc()).limit(literal_column(str(MAX_DAYS + 1)))
        named = [_largest(kind, group[name], sums) for kind, name in (("source", "source_type"), ("type", "type"))]
        return union_all(
            select(days.subquery("days")),
            *named,
            select(dialects.quoted("bin"), cast(group.bin, Text), *sums).group_by(group.bin).having(sums[0] > 0),
            select(dialects.quoted("revision"), dialects.quoted(""), revision_column(), literal_column("0")),
            *([_verdicts(account_id, wanted, "reviewed_")] if with_verdicts else []),
        )

    shapes = tuple((filters.shape(piece), sign) for piece, sign, _ in parts_of)
    reviewed = filters.shape(wanted) if with_verdicts else None
    return Query(("totals", whole and filters.shape(whole), bins is None, shapes, reviewed), build, values)


def _largest(kind: str, name: ColumnElement[str], sums: Sequence[Label[Any]]) -> Select[Any]:
    found = select(dialects.quoted(kind).label("kind"), name.label("key"), *sums).having(sums[0] > 0)
    found = found.group_by(name).order_by(sums[0].desc(), name).limit(literal_column(str(MAX_NAMES + 1)))
    return select(found.subquery(f"{kind}s"))


def _counted(account_id: int, wanted: DescriptionFilter, prefix: str, sign: int) -> Select[Any]:
    score, one = _ROWS.c.confidence_score, literal_column(str(sign), Integer())
    day, bin_ = dialects.day(_ROWS.c.created_at).label("day"), scores.bin_column(score).label("bin")
    key = (day, _ROWS.c.source_type, _ROWS.c.type, bin_)
    sums = ((func.count() * one).label("count"), (func.sum(scores.units_column(score)) * one).label("units"))
    return select(*key, *sums).where(*filters.conditions(account_id, wanted, prefix)).group_by(*key)


def _verdicts(account_id: int, wanted: DescriptionFilter, prefix: str) -> Select[Any]:
    state = _ROWS.c.review_state
    found = select(dialects.quoted("verdict"), state, func.count(), literal_column("0")).group_by(state)
    return found.where(*filters.conditions(account_id, wanted, prefix), state.is_not(None))


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
