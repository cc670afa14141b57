"""The writing of one export: claimed, streamed from one snapshot, checked, and completed; and the sweep behind it."""

import errno
import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from sqlmodel import Session

from app import metrics, threads
from app.engine import stops
from app.engine.stops import Stop
from app.errors import Unavailable
from app.exports import claims, files, formats, lifecycle, receipts, writers
from app.exports.claims import Claim
from app.exports.ledger import CONTENT_TYPE, Ledger
from app.exports.lifecycle import Receipt
from app.exports.rows import Rows, TooLarge
from app.exports.statement import Selection
from app.history import filters, rollup
from app.jobs import heart
from app.models import Export
from app.runtime import Runtime
from app.storage import NotKept, Sink

log = logging.getLogger(__name__)

NAME = "export"

REMOVAL = 2.0
"""Seconds that who deletes an export waits for the removal of its file."""


GRACE = 0.5
"""Seconds that PostgreSQL has to heed that a statement is to end. `LIKE` heeds nothing: the connection is cut."""

_removals = threads.Pool(4, "removal")


class Stopped(Exception):
    """The claim was lost, or this process is to end: nothing more may be written."""


@dataclass
class Progress:
    rows_written: int = 0
    rows_total: int | None = None
    lost: threading.Event = field(default_factory=threading.Event)
    stop: Stop = field(default_factory=Stop)
    written: "Future[None]" = field(default_factory=Future)

    def lose(self) -> None:
        """The claim is lost: the thread that writes is to stop, whatever it waits for in the database."""
        self.lost.set()
        self.stop.end(self.written, GRACE)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is asked of the database in the block can be ended."""
        try:
            with stops.heeded(self.stop):
                yield
        finally:
            self.written.set_result(None)


Due = list[tuple[int, uuid.UUID]]
"""The (account, id) of exports that are to be sent to a worker."""


def run(runtime: Runtime, account_id: int, id: uuid.UUID, stop: threading.Event) -> Due:
    """Writes the export, if it is there to be claimed; how it ended is in its row. Returns exports of the account whose
    turn it is then.

    `stop` set: it is handed back for another worker. Doing it twice, or two at once, is harmless.
    """
    if stop.is_set():
        return [(account_id, id)]
    with runtime.database.write() as session:
        claim = claims.claim(session, account_id, id, at_a_time=runtime.settings.exports_per_account)
    if claim is None:
        return []
    log.info("export %s: attempt %d started", id, claim.export.attempt)
    began = time.monotonic()
    outcome, due = _attempt(runtime, claim, stop)
    metrics.ran(NAME, outcome, time.monotonic() - began)
    return due


def _attempt(runtime: Runtime, claim: Claim, stop: threading.Event) -> tuple[str, Due]:
    """How it ended, in one word, and what is due then."""
    export, progress, began = claim.export, Progress(), time.monotonic()
    renew = partial(_renew, runtime, claim, progress, stop)
    try:
        with heart.beating(f"export {export.id}", renew, progress.lose, stop):
            if export.attempt > 1:
                _clear(runtime, export, before=export.attempt)
            receipt = _write_file(runtime, claim, progress, stop)
            due = _complete(runtime, claim, receipt)
        metrics.exported(export.format, receipt.rows, receipt.bytes, time.monotonic() - began)
        return "done", due
    except TooLarge as error:
        return "failed", _end(runtime, claim, partial(claims.fail, message=str(error) or lifecycle.TOO_LARGE))
    except Exception as error:
        if isinstance(error, Stopped) or progress.lost.is_set():
            return "stopped", _end(runtime, claim, claims.hand_back)
        log.warning("export %s: attempt %d failed", export.id, export.attempt, exc_info=True)
        return "failed", _end(runtime, claim, partial(claims.hand_back_later, message=_reason(error)))


def _write_file(runtime: Runtime, claim: Claim, progress: Progress, stop: threading.Event) -> Receipt:
    export = claim.export
    wanted = filters.from_json(export.filter)
    selection = Selection(export.account_id, wanted, export.columns, export.row_limit)
    with progress.writing(), runtime.database.read() as session:
        snapshot_at = lifecycle.seen_at(session, export)
        if snapshot_at is None:
            raise Stopped
        revision = runtime.database.answer_in(session, rollup.ask_revision(export.account_id))
        at_most = export.row_limit or (export.max_rows and export.max_rows + 1)
        count = selection.count(session, at_most)
        if export.row_limit is None and count.rows == at_most:
            raise TooLarge
        formats.check(export.format, count.rows)
        progress.rows_total = count.rows

        def check() -> None:
            if progress.lost.is_set() or stop.is_set():
                raise Stopped

        rows_of_file = Rows(
            session.connection(),
            selection,
            count.whole_seconds,
            export.options or {},
            settings=runtime.settings,
            check=check,
        )
        digest, size, ledger = hashlib.sha256(), 0, rows_of_file.ledger
        with closing(ledger), _sink(runtime, export) as sink:
            with closing(writers.write(rows_of_file, export.format, export.compression)) as chunks:
                for chunk, rows in chunks:
                    check()
                    sink.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    progress.rows_written += rows
            if progress.rows_written + ledger.rows != progress.rows_total:
                written = f"{progress.rows_written} rows were written and {ledger.rows} left out"
                raise RuntimeError(f"{written} of {progress.rows_total} counted")
            if ledger.rows:
                _write_ledger(runtime, export, ledger)
    return Receipt(progress.rows_written, size, digest.hexdigest(), snapshot_at, rows_of_file.notes, revision)


def _complete(runtime: Runtime, claim: Claim, receipt: Receipt) -> Due:
    export = claim.export
    with runtime.database.write() as session:
        completed = claims.complete(session, claim, receipt, object_key=files.object_key(export))
        if completed:
            receipts.keep(session, runtime.signer, export.account_id, export.id)
        due = _due(runtime, session, export.account_id) if completed else []
    if not completed:
        _remove(runtime, files.object_key(export))
        raise Stopped
    log.info("export %s: completed, %d rows, %d bytes", export.id, receipt.rows, receipt.bytes)
    return due


def _sink(runtime: Runtime, export: Export) -> AbstractContextManager[Sink]:
    key, filename = files.object_key(export), files.filename(export)
    return _opened(runtime.storage.open(key, content_type=files.content_type(export), filename=filename))


def _write_ledger(runtime: Runtime, export: Export, ledger: Ledger) -> None:
    key, filename = files.ledger_key(files.object_key(export)), files.ledger_filename(export)
    with _opened(runtime.storage.open(key, content_type=CONTENT_TYPE, filename=filename)) as sink:
        for chunk in ledger.chunks():
            sink.write(chunk)


@contextmanager
def _opened(sink: Sink) -> Iterator[Sink]:
    try:
        yield sink
        sink.finish()
    except BaseException:
        with suppress(Exception):  # what cannot be removed now is removed by the sweep
            sink.abort()
        raise


def sweep(runtime: Runtime, *, resend: bool = True) -> Due:
    """Takes back what dead workers left; returns exports that are to be sent to a worker, and with `resend` those too
    whose message was sent a while ago.
    """
    with runtime.database.write() as session:
        if taken := claims.take_back(session):
            metrics.RECLAIMED.labels(NAME).inc(taken)
            log.warning("sweep: %d exports taken back from workers that ended", taken)
    with runtime.database.write() as session:
        return claims.to_send(session, at_a_time=runtime.settings.exports_per_account, resend=resend)


def clean(runtime: Runtime, account_id: int | None = None, ended: threading.Event | None = None) -> int:
    """Removes files that nobody needs any more, of one account or of all, until it is `ended`; of how many exports.
    OSError where the storage does not answer: the rest is left then.
    """
    with runtime.database.read() as session:
        found = claims.to_clean(session, account_id)
    for export in found:
        if ended is not None and ended.is_set():
            break
        _clear(runtime, export, before=export.attempt + 1)
        with runtime.database.write() as session:
            claims.cleaned(session, export)
    return len(found)


def remove(runtime: Runtime, deleted: Export) -> None:
    """Removes the result of a deleted export at once, if the storage answers; whatever is left goes with the sweep."""
    if deleted.object_key is not None:
        with suppress(OSError, TimeoutError):
            _removals.start(_remove, runtime, deleted.object_key).result(REMOVAL)


def _remove(runtime: Runtime, object_key: str) -> None:
    """The file, and its ledger if it has one."""
    runtime.storage.remove(object_key)
    runtime.storage.remove(files.ledger_key(object_key))


def _clear(runtime: Runtime, export: Export, *, before: int) -> None:
    """Removes the files of attempts before that one, but for the result and its ledger: a newer attempt may be on its
    way already.
    """
    result = None if export.deleted_at else export.object_key
    keep = (result, files.ledger_key(result)) if result else ()
    runtime.storage.clear(files.prefix(export), unwanted=lambda key: files.attempt_of(key) < before, keep=keep)


def _renew(runtime: Runtime, claim: Claim, progress: Progress, stop: threading.Event) -> bool:
    """Whether the claim still holds. It is handed back from here, as the thread that writes may hang in a call."""
    with runtime.database.write() as session:
        if stop.is_set():
            claims.hand_back(session, claim)
            return False
        written, total = progress.rows_written, progress.rows_total
        return claims.renew(session, claim, rows_written=written, rows_total=total)


def _end(runtime: Runtime, claim: Claim, how: Callable[[Session, Claim], bool]) -> Due:
    try:
        with runtime.database.write() as session:
            if not how(session, claim):
                claims.let_go(session, claim)
            return _due(runtime, session, claim.export.account_id)
    except Exception:
        # Its lease runs out, and the sweep takes it back.
        log.warning("export %s: how it ended cannot be written now", claim.export.id, exc_info=True)
        return []


def _due(runtime: Runtime, session: Session, account_id: int) -> Due:
    return claims.to_send(session, at_a_time=runtime.settings.exports_per_account, account_id=account_id)


def _reason(error: Exception) -> str:
    """What a customer may read of a failure that was tried often enough."""
    if isinstance(error, Unavailable):
        return error.message
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The file could not be stored: the server's disk is full. Please try again when it has space."
    if isinstance(error, NotKept):
        return "The file could not be stored: the storage did not keep what was written. Please try again later."
    if isinstance(error, OSError):
        return "The file could not be stored: the storage does not answer or has no space left. Please try again later."
    return "The export failed for a reason of ours. Please try again later."
