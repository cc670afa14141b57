"""Items of the list and rows of a file, as results to record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timezone
from typing import Any

from pydantic import ValidationError

from sightlog.api.enums import DescriptionStatus
from sightlog.api.input_types import DescriptionInput

_NAMES = {
    "id": "id",
    "type": "type",
    "source_type": "sourceType",
    "source_id": "sourceId",
    "created_at": "createdAt",
    "image_url": "imageUrl",
    "image_id": "imageId",
    "description": "description",
    "confidence_score": "confidenceScore",
    "verification": "verification",
    "metadata": "metadata",
    "error_message": "errorMessage",
}
"""The keys of the documented items, and what a file with failed results has besides, by their names here."""

_NEEDED = ("id", "source_type", "created_at")
_STATUS = "status"


class Unfit(ValueError):
    """Why something is no result."""


def of(item: object, failed: Collection[str] = ()) -> DescriptionInput:
    """The result; Unfit says why it is none. Where the item does not tell its status, it has failed if its id is among
    those, or if it says why it failed.
    """
    if not isinstance(item, Mapping):
        raise Unfit("is no JSON object")
    for name in _NEEDED:
        if item.get(name) in (None, ""):
            raise Unfit(f"{name} is missing")
    values = {named: item[name] for name, named in _NAMES.items() if item.get(name) is not None}
    if isinstance(values["id"], int):
        values["id"] = str(values["id"])
    values[_STATUS] = _status(item, values["id"] in failed)
    try:
        result = DescriptionInput.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Unfit(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if result.created_at is not None and result.created_at.tzinfo is None:
        return result.model_copy(update={"created_at": result.created_at.replace(tzinfo=timezone.utc)})
    return result


def unknown(item: Mapping[str, Any]) -> set[str]:
    """Keys that have no place in a result."""
    return item.keys() - _NAMES.keys() - {_STATUS}


def tells_failed(item: object) -> bool:
    """Whether the item would say that it has failed."""
    return isinstance(item, Mapping) and (_STATUS in item or "error_message" in item)


def _status(item: Mapping[str, Any], has_failed: bool) -> DescriptionStatus:
    told = item.get(_STATUS)
    if told is None:
        has_failed = has_failed or bool(item.get("error_message"))
        return DescriptionStatus.FAILED if has_failed else DescriptionStatus.COMPLETED
    try:
        return DescriptionStatus(str(told).upper())
    except ValueError:
        raise Unfit(f"the status {told!r} is neither completed nor failed") from None
