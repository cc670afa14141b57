"""Recording the results of a file, in batches, whatever its size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from pydantic import ValidationError

from app.engine.db import Database
from app.history import recording
from app.history.recording import Result
from app.imports import readers
from app.imports.readers import ImportFormat, Unreadable

BATCH = 2000
BATCH_CHARACTERS = 4_000_000
"""Of descriptions; whichever of the two is reached first."""


@dataclass
class Tally:
    recorded: int = 0
    already_known: int = 0
    rejected: int = 0


def import_file(
    database: Database,
    account_id: int,
    file: IO[bytes],
    format: ImportFormat,
    *,
    rejected: Callable[[int | None, str], None],
    advanced: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Records what the file holds. `rejected` hears of each bad line (its number, the reason) or, with None, of a file
    whose rest cannot be read; `advanced` hears of every batch. An id that comes twice counts as known the second time.
    """
    tally = Tally()
    batch: dict[str, Result] = {}
    characters = 0

    def flush() -> None:
        nonlocal characters
        with database.write() as session:
            outcome = recording.record(session, account_id, list(batch.values()))
        tally.recorded += outcome.recorded
        tally.already_known += outcome.already_known
        batch.clear()
        characters = 0
        advanced(tally)

    def reject(number: int | None, reason: str) -> None:
        tally.rejected += 1
        rejected(number, reason)

    try:
        for number, values in readers.read(file, format):
            if isinstance(values, Unreadable):
                reject(number, str(values))
                continue
            try:
                result = Result.model_validate(values)
            except ValidationError as error:
                reject(number, recording.problem(error))
                continue
            if result.id in batch:
                tally.already_known += 1
            else:
                batch[result.id] = result
                characters += len(result.description or "")
            if len(batch) >= BATCH or characters >= BATCH_CHARACTERS:
                flush()
    except Unreadable as error:
        reject(None, str(error))
    flush()
    return tally
