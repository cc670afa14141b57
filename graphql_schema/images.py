"""What can be asked of an image."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry.types import Info
from strawberry.types.unset import UNSET

from app.history import agreement, images
from app.history.filters import DescriptionFilter
from graphql_schema import nodes
from graphql_schema.inputs import to_pagination
from graphql_schema.nodes import Node
from graphql_schema.types import DescriptionConnection


@strawberry.type
class Image(Node):
    """What was said of one image."""

    id: strawberry.ID
    image_url: str | None = strawberry.field(description="The newest one that was told.")
    first_seen_at: datetime = strawberry.field(description="The time of its oldest result.")
    last_seen_at: datetime
    agreement: float | None = strawberry.field(
        description=f"How far its newest texts agree, {agreement.MAX_TEXTS} at most: 0 to 1, the mean of how many of "
        "their words two of them share (Jaccard); null for fewer than two."
    )

    @strawberry.field
    async def descriptions(
        self,
        info: Info,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
    ) -> DescriptionConnection:
        """All that was said of it, newest first, failed ones too."""
        return await DescriptionConnection.found(
            info,
            lambda: DescriptionFilter(image_ids=(self.id,), include_failed=True),
            lambda: to_pagination(first, after, last, before),
        )

    @classmethod
    def of(cls, found: images.Image) -> Self:
        return cls(
            node_id=nodes.make("Image", found.id),
            id=strawberry.ID(found.id),
            image_url=found.image_url,
            first_seen_at=found.first_seen_at,
            last_seen_at=found.last_seen_at,
            agreement=found.agreement,
        )
