"""Our side: results recorded in batches, row by row answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sightlog import recording
from sightlog.api.enums import OnConflict, RecordOutcome
from sightlog.api.input_types import DescriptionInput
from sightlog.api.operations import Operations
from sightlog.errors import TooLarge


@dataclass
class Tally:
    """What became of the results that were read, those that are read twice counted twice. `conflicting` of the known
    ones are kept with other content; `erased` were left out, as they had been erased here; `failed` of all say that the
    model failed.
    """

    read: int = 0
    recorded: int = 0
    known: int = 0
    conflicting: int = 0
    replaced: int = 0
    erased: int = 0
    refused: int = 0
    failed: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Keys that have no place in a result, and how often they came."""


@dataclass(frozen=True)
class Row:
    """A result, as it is recorded and as it was told."""

    result: DescriptionInput
    told: Any


Refuse = Callable[[str | None, str, object], None]


class Target:
    """Records into the account of a key."""

    def __init__(self, operations: Operations, on_conflict: OnConflict = OnConflict.KEEP) -> None:
        self.operations = operations
        self._on_conflict = on_conflict

    def record(self, rows: list[Row], tally: Tally, refuse: Refuse) -> None:
        """All rows but the refused ones, of which `refuse` hears: the id, the reason, the row."""

        def refused(row: Row, reason: object) -> None:
            tally.refused += 1
            refuse(row.result.id, str(reason), row.told)

        def send(part: Sequence[Row]) -> None:
            told = self.operations.record_rows([row.result for row in part], on_conflict=self._on_conflict)
            for one in told.record_descriptions.rows:
                if one.outcome is RecordOutcome.REFUSED:
                    refused(part[one.index], one.error.message if one.error else "refused")
                tally.recorded += one.outcome is RecordOutcome.RECORDED
                tally.erased += one.outcome is RecordOutcome.ERASED
                tally.replaced += one.outcome is RecordOutcome.REPLACED
                tally.known += one.outcome in (RecordOutcome.KNOWN, RecordOutcome.CONFLICTING)
                tally.conflicting += one.outcome is RecordOutcome.CONFLICTING

        if rows:
            recording.in_parts(rows, send, refused, divides=(TooLarge, UnicodeEncodeError, RecursionError))
