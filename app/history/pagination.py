"""Which part of a list is meant."""

from dataclasses import dataclass

from app import cursors
from app.errors import InvalidInput

MAX_PAGE = 1000
DEFAULT_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """Which part of the matches: `limit` results behind the first `offset`, between two cursors, from either end."""

    limit: int = DEFAULT_PAGE
    offset: int = 0
    after: str | None = None
    before: str | None = None
    from_end: bool = False

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
                cursors.read(place, name)
