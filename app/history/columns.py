"""The columns of a result, as files and the documented items name them."""

ITEM_COLUMNS = (
    "id",
    "type",
    "source_type",
    "source_id",
    "created_at",
    "image_url",
    "description",
    "confidence_score",
    "verification",
    "image_id",
    "metadata",
)
"""The keys of an item, in the document's order."""

COLUMNS = (*ITEM_COLUMNS, "status", "error_message")
JSON_COLUMNS = frozenset({"verification", "metadata"})
