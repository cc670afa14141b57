"""What can be asked for of reviews, and what reviewing tells."""

from datetime import datetime
from typing import Self

import strawberry

from app import models
from graphql_schema.enums import Verdict


@strawberry.type
class Review:
    """What somebody found of a result."""

    id: strawberry.ID
    description_id: strawberry.ID
    verdict: Verdict
    text: str | None = strawberry.field(description="What the result should say, where it was corrected.")
    note: str | None
    by: str = strawberry.field(description="The beginning of the API key.")
    at: datetime

    @classmethod
    def of(cls, row: models.Review) -> Self:
        return cls(
            id=strawberry.ID(f"{row.description_id}:{row.number}"),
            description_id=strawberry.ID(row.description_id),
            verdict=Verdict(row.verdict),
            text=row.text,
            note=row.note,
            by=row.key_prefix,
            at=row.at,
        )


@strawberry.type
class ReviewDescriptionsResult:
    """What was found, in the order given."""

    reviews: list[Review]


@strawberry.type
class ReviewMatchingResult:
    """How many results were reviewed."""

    reviewed: int
