"""What erasing tells."""

from typing import Self

import strawberry

from app.exports.erasures import Erasure
from graphql_schema.enums import ErasureOutcome


@strawberry.type
class ErasedExport:
    """An export that may hold results which were erased."""

    id: strawberry.ID
    outcome: ErasureOutcome


@strawberry.type
class EraseDescriptionsResult:
    """What was erased."""

    erased: int = strawberry.field(
        description="How many results; those that were named and are not there do not count."
    )
    exports: list[ErasedExport] = strawberry.field(
        description="Those that may hold them, by their filters and moments. A pending one is none of them: it begins "
        "later."
    )

    @classmethod
    def of(cls, done: Erasure) -> Self:
        exports = [ErasedExport(id=strawberry.ID(str(one.id)), outcome=one.outcome) for one in done.exports]
        return cls(erased=done.erased, exports=exports)
