"""Which part of a list is meant."""

from dataclasses import dataclass
from datetime import datetime

from app import cursors
from app.errors import InvalidInput
from app.history.orders import NEWEST_FIRST, Order

MAX_PAGE = 1000
DEFAULT_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """Which part of the matches: `limit` results behind the first `offset`, between two cursors, from either end.

    `at` is a moment where the page begins: at the first match that is not beyond it.
    """

    limit: int = DEFAULT_PAGE
    offset: int = 0
    after: str | None = None
    before: str | None = None
    from_end: bool = False
    at: datetime | None = None
    order: Order = NEWEST_FIRST

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= MAX_PAGE:
            raise InvalidInput(f"A page holds 0 to {MAX_PAGE} results.", field="last" if self.from_end else "first")
        if self.offset < 0:
            raise InvalidInput("The offset must not be negative.", field="offset")
        if self.offset and self.from_end:
            raise InvalidInput("The offset counts from the first result: use it with first.", field="offset")
        if self.offset and (self.after is not None or self.before is not None):
            raise InvalidInput("Give an offset or a cursor, not both.", field="offset")
        for name, place in (("after", self.after), ("before", self.before)):
            if place is not None:
                cursors.read(place, name, self.order.mark)
        if self.at is not None:
            self._check_at()

    def _check_at(self) -> None:
        if not self.order.is_by_time:
            raise InvalidInput("A page begins at a moment only where results are in order of time.", field="at")
        if self.offset or self.after is not None or self.before is not None:
            raise InvalidInput("Give a moment, an offset or a cursor: they all say where the page begins.", field="at")
        if self.from_end:
            raise InvalidInput("A page that begins at a moment goes forward from it: use it with first.", field="at")
