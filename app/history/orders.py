"""The orders that a list of results has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class DescriptionOrderField(StrEnum):
    """By what results are sorted."""

    CREATED_AT = "created_at"
    CONFIDENCE = "confidence"


class SortDirection(StrEnum):
    """Which end comes first."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True)
class Order:
    """By a field and a direction; ties are broken by the time and then the id, in the same direction. Results without
    a score come last by confidence, whatever the direction.
    """

    field: DescriptionOrderField = DescriptionOrderField.CREATED_AT
    direction: SortDirection = SortDirection.DESC

    @property
    def mark(self) -> str:
        """What cursors of this order begin with."""
        return _MARKS[self]

    @property
    def is_by_time(self) -> bool:
        return self.field is DescriptionOrderField.CREATED_AT

    @property
    def ascends(self) -> bool:
        return self.direction is SortDirection.ASC


NEWEST_FIRST = Order()

_MARKS: Mapping[Order, str] = MappingProxyType(
    {
        NEWEST_FIRST: "",
        Order(direction=SortDirection.ASC): "o",
        Order(DescriptionOrderField.CONFIDENCE, SortDirection.ASC): "l",
        Order(DescriptionOrderField.CONFIDENCE, SortDirection.DESC): "h",
    }
)
