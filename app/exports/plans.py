"""What an export would be, before it is asked for: how many rows, how large and how long, and how to split it where it
is too large. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import InvalidInput
from app.exports import estimates, writers
from app.exports.formats import FORMATS
from app.exports.lifecycle import in_states
from app.exports.requests import ExportRequest
from app.exports.rows import Rows
from app.exports.statement import Selection
from app.history import windows
from app.history.statistics import Statistics
from app.history.windows import Window
from app.models import Export, ExportStatus
from app.runtime import Runtime

SAMPLE = 1000
"""Rows that are written to see how long they are, the newest; no file is made of them."""


class EstimateBasis(StrEnum):
    """What a number is estimated from: the newest of these rows, the account's last completed exports, or what a small
    machine takes where there are none yet.
    """

    SAMPLE = "sample"
    COMPLETED_EXPORTS = "completed_exports"
    SMALL_MACHINE = "small_machine"


class ExportLimit(StrEnum):
    """What bounds the rows of one export: the key, without the scope `admin`, or what a file of the format can hold."""

    MAX_ROWS = "max_rows"
    FORMAT = "format"


@dataclass(frozen=True)
class Estimate:
    """A number, and what it rests on: so many exports, and so many rows of them or of the sample."""

    value: float
    basis: EstimateBasis
    exports: int
    rows: int


@dataclass(frozen=True)
class BrokenLimit:
    """A limit that the export would break, and windows of time each of which is within it and that have all its rows
    together; none where they cannot be found, and the message says why.
    """

    name: ExportLimit
    value: int
    message: str
    windows: Sequence[Window]


@dataclass(frozen=True)
class Plan:
    """`rows` are of one `revision` of the history. `bytes` is None where nothing is known of the format, `seconds` are
    those from the request to the file.
    """

    rows: int
    revision: int
    bytes: Estimate | None
    seconds: Estimate
    broken_limit: BrokenLimit | None


def plan(runtime: Runtime, account_id: int, wanted: ExportRequest) -> Plan:
    """Of one moment."""
    with runtime.database.read() as session:
        found = runtime.database.answer_in(session, runtime.statistics.ask(account_id, wanted.filter))
        rows = found.total_count if wanted.limit is None else min(wanted.limit, found.total_count)
        limits = _limits(wanted)
        broken = min((one for one in limits if rows > one[1]), key=itemgetter(1), default=None)
        return Plan(
            rows=rows,
            revision=found.revision,
            bytes=_sampled(session, account_id, wanted, rows) or _bytes_of_last(session, account_id, wanted, rows),
            seconds=_seconds(session, account_id, rows, runtime.settings.exports_per_account),
            broken_limit=_broken(runtime, session, account_id, wanted, found, *broken) if broken else None,
        )


def _sampled(session: Session, account_id: int, wanted: ExportRequest, rows: int) -> Estimate | None:
    if FORMATS[wanted.format].is_packed:  # a row costs less in a large file, and may be more than its text
        return None
    few = min(rows, SAMPLE)
    selection = Selection(account_id, wanted.filter, wanted.stored_columns, few)
    whole_seconds = selection.count(session, few).whole_seconds
    written = Rows(session.connection(), selection, whole_seconds=whole_seconds, options=wanted.options)
    size = sum(len(chunk) for chunk, _ in writers.write(written, wanted.format, wanted.compression))
    return Estimate(round(size * rows / few) if few else size, EstimateBasis.SAMPLE, 0, few)


def _bytes_of_last(session: Session, account_id: int, wanted: ExportRequest, rows: int) -> Estimate | None:
    """As long as the rows of the last exports with this format, its options, compression and columns."""
    last = (
        select(col(Export.rows_written), col(Export.bytes), col(Export.columns), col(Export.options))
        .where(col(Export.account_id) == account_id, in_states(ExportStatus.COMPLETED), col(Export.rows_written) > 0)
        .where(col(Export.format) == wanted.format, col(Export.compression) == wanted.compression)
        .order_by(col(Export.created_at).desc())
        .limit(estimates.MEASURED)
    )
    alike = wanted.stored_columns, dict(wanted.options)
    found = [one for one in session.connection().execute(last) if (one.columns, one.options or {}) == alike]
    if not found:
        return None
    written = sum(one.rows_written for one in found)
    size = round(sum(one.bytes for one in found) * rows / written)
    return Estimate(size, EstimateBasis.COMPLETED_EXPORTS, len(found), written)


def _seconds(session: Session, account_id: int, rows: int, at_a_time: int) -> Estimate:
    seconds, measured = estimates.until_done(session, account_id, rows, at_a_time=at_a_time)
    basis = EstimateBasis.COMPLETED_EXPORTS if measured else EstimateBasis.SMALL_MACHINE
    return Estimate(seconds, basis, len(measured), sum(measured))


def _limits(wanted: ExportRequest) -> list[tuple[ExportLimit, int]]:
    known = (ExportLimit.MAX_ROWS, wanted.max_rows), (ExportLimit.FORMAT, FORMATS[wanted.format].max_rows)
    return [(name, most) for name, most in known if most is not None]


def _broken(
    runtime: Runtime,
    session: Session,
    account_id: int,
    wanted: ExportRequest,
    found: Statistics,
    name: ExportLimit,
    most: int,
) -> BrokenLimit:
    def told(message: str, split: Sequence[Window] = ()) -> BrokenLimit:
        whose = "an export of this key" if name is ExportLimit.MAX_ROWS else f"a file of {wanted.format}"
        return BrokenLimit(
            name, most, f"{found.total_count:,} results match, and {whose} holds {most:,} at most: {message}", split
        )

    try:
        asking = windows.ask(account_id, wanted.filter, found, most)
        split = runtime.database.answer_in(session, asking)
    except InvalidInput as error:
        return told(error.message)
    return told(f"export these {len(split)} windows of time one by one, or ask for the newest with a limit.", split)
