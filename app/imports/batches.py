"""Recording the results of a file, in batches, whatever its size."""

from collections.abc import Callable
from dataclasses import dataclass

from app.engine.db import Database
from app.history import recording
from app.history.columns import REASON
from app.history.recording import OnConflict, OnErased, Refused, Result
from app.imports.lines import Unreadable
from app.imports.readers import Read

BATCH = 2000
BATCH_BYTES = 4_000_000
"""Of records as they stand in the file; whichever of the two is reached first."""

_TOLD = 20
"""Ids that are listed; all are counted."""


@dataclass
class Tally:
    """What became of the results of a file. `conflicting` of the known ones have other content, `conflicts` are ids of
    such. `erased` were left out, as they were erased before; `tombstones` are ids of such.
    """

    recorded: int = 0
    already_known: int = 0
    rejected: int = 0
    conflicting: int = 0
    replaced: int = 0
    conflicts: tuple[str, ...] = ()
    erased: int = 0
    tombstones: tuple[str, ...] = ()

    def add(self, other: "Tally") -> None:
        self.recorded += other.recorded
        self.already_known += other.already_known
        self.rejected += other.rejected
        self.conflicting += other.conflicting
        self.replaced += other.replaced
        self.conflicts = (self.conflicts + other.conflicts)[:_TOLD]
        self.erased += other.erased
        self.tombstones = (self.tombstones + other.tombstones)[:_TOLD]


def import_results(
    database: Database,
    account_id: int,
    found: Read,
    tally: Tally,
    *,
    on_conflict: OnConflict = OnConflict.KEEP,
    on_erased: OnErased = OnErased.LEAVE_OUT,
    rejected: Callable[[int | None, str], None],
    advanced: Callable[[], None] = lambda: None,
) -> None:
    """Records what is found and counts it in the tally, batch by batch.

    `rejected` hears of each bad line (its number, the reason) or, with None, of a file whose rest cannot be read;
    `advanced` hears of every batch. An id that comes twice counts as known the second time.
    """
    batch: dict[str, Result] = {}
    size = 0

    def flush() -> None:
        nonlocal size
        with database.write() as session:
            results = list(batch.values())
            outcome = recording.record(session, account_id, results, on_conflict=on_conflict, on_erased=on_erased)
        tally.add(
            Tally(
                recorded=outcome.recorded,
                already_known=outcome.already_known,
                conflicting=outcome.conflicting,
                replaced=outcome.replaced,
                conflicts=outcome.conflicting_ids,
                erased=outcome.erased,
                tombstones=outcome.erased_ids,
            )
        )
        batch.clear()
        size = 0
        advanced()

    def reject(number: int | None, reason: str) -> None:
        tally.rejected += 1
        rejected(number, reason)

    try:
        for number, bytes_, values in found:
            if isinstance(values, Unreadable):
                reject(number, str(values))
                continue
            values.pop(REASON, None)
            result = recording.checked(Result, values)
            if isinstance(result, Refused):
                reject(number, result.reason)
            elif result.id in batch:
                tally.already_known += 1
            else:
                batch[result.id] = result
                size += bytes_
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                flush()
    except Unreadable as error:
        reject(None, str(error))
    flush()
