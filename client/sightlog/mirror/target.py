"""Our side: results recorded in batches, row by row answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sightlog.api.enums import OnConflict, RecordOutcome
from sightlog.api.input_types import DescriptionInput
from sightlog.api.operations import Operations
from sightlog.errors import InvalidInput, TooLarge

_PLACE = re.compile(r"input\.(\d+)(?:\.|\Z)")


@dataclass
class Tally:
    """What became of the results that were read, those that are read twice counted twice. `conflicting` of the known
    ones are kept with other content; `failed` of all say that the model failed.
    """

    read: int = 0
    recorded: int = 0
    known: int = 0
    conflicting: int = 0
    replaced: int = 0
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
        if not rows:
            return
        try:
            told = self.operations.record_rows([row.result for row in rows], on_conflict=self._on_conflict)
        except (InvalidInput, TooLarge, UnicodeEncodeError, RecursionError) as error:
            self._divide(rows, error, tally, refuse)
            return
        for one in told.record_descriptions.rows:
            if one.outcome is RecordOutcome.REFUSED:
                reason = one.error.message if one.error else "refused"
                self._refuse(rows[one.index], reason, tally, refuse)
            tally.recorded += one.outcome is RecordOutcome.RECORDED
            tally.replaced += one.outcome is RecordOutcome.REPLACED
            tally.known += one.outcome in (RecordOutcome.KNOWN, RecordOutcome.CONFLICTING)
            tally.conflicting += one.outcome is RecordOutcome.CONFLICTING

    def _divide(self, rows: list[Row], error: Exception, tally: Tally, refuse: Refuse) -> None:
        """A request that is refused as a whole: because of the row that it names, or else of some of its rows."""
        place = _PLACE.match(error.field or "") if isinstance(error, InvalidInput) else None
        if isinstance(error, InvalidInput) and place is None:
            raise error
        if len(rows) == 1:
            self._refuse(rows[0], str(error), tally, refuse)
            return
        middle = int(place[1]) if place else len(rows) // 2
        parts = (
            (rows[:middle], rows[middle : middle + 1], rows[middle + 1 :]) if place else (rows[:middle], rows[middle:])
        )
        for part in parts:
            self.record(part, tally, refuse)

    def _refuse(self, row: Row, reason: str, tally: Tally, refuse: Refuse) -> None:
        tally.refused += 1
        refuse(row.result.id, reason, row.told)
