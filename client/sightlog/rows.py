"""Results as they are sent and kept on disk: one line of JSON each, made at the moment of recording."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sightlog.images import data_url_digest

MAX_ROW_BYTES = 8 * 2**20
"""A longer one is refused here: the server takes 16 MiB at once."""

MAX_ID = 255
MAX_ERROR = 10_000


class Refusal(NamedTuple):
    """Why a result was not kept; `field` by the name that files have for it, None where it is none of them alone."""

    code: str
    field: str | None
    message: str


class Row(NamedTuple):
    """`line` is the JSON object of a `DescriptionInput`; `unfit` says why it cannot even be sent."""

    id: str
    line: bytes
    unfit: Refusal | None = None


def new_id() -> str:
    """A UUIDv7: later ones sort behind earlier ones."""
    at, chance = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10).hex()
    variant = "89ab"[int(chance[3], 16) & 3]
    return f"{at[:8]}-{at[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"


def id_of_response(response_id: str, choice: int = 0) -> str:
    """The same for the same answer of a model, so that recording it twice is harmless."""
    id = f"{response_id}-{choice}" if choice else response_id
    return id if len(id) <= MAX_ID else f"sha256:{hashlib.sha256(id.encode()).hexdigest()}"


def make(
    *,
    id: str | None,
    response_id: str | None,
    type: str | None,
    failed: bool,
    source_type: str,
    source_id: str | None,
    created_at: datetime | str | None,
    image_url: str | None,
    image_id: str | None,
    description: str | None,
    confidence_score: float | None,
    verification: Any,
    metadata: Mapping[str, Any] | None,
    error_message: str | None,
) -> Row:
    """Never raises: what cannot be sent is a row that says so."""
    values: dict[str, Any] = {}
    try:
        id = str(id) if id is not None else id_of_response(str(response_id)) if response_id is not None else new_id()
        values = {"id": id, "sourceType": source_type, "createdAt": _moment(created_at)}
        if type is not None:
            values["type"] = type
        if failed:
            values["status"] = "FAILED"
        if source_id is not None:
            values["sourceId"] = str(source_id)
        if image_url is not None:
            image_url = str(image_url)
            if image_url[:5].lower() == "data:":
                image_id = data_url_digest(image_url) if image_id is None else image_id
            else:
                values["imageUrl"] = image_url
        if image_id is not None:
            values["imageId"] = str(image_id)
        if description is not None:
            if not isinstance(description, str):
                return _unfit(values, "description", f"description must be text, not {_kind(description)}.")
            values["description"] = description
        if confidence_score is not None:
            try:
                values["confidenceScore"] = float(confidence_score)
            except (TypeError, ValueError):
                return _unfit(values, "confidence_score", "confidence_score must be a number from 0 to 1.")
        if verification is not None:
            values["verification"] = verification
        if metadata is not None:
            if not isinstance(metadata, Mapping):
                return _unfit(values, "metadata", f"metadata must be a mapping, not {_kind(metadata)}.")
            values["metadata"] = metadata if isinstance(metadata, dict) else dict(metadata)
        if error_message is not None:
            values["errorMessage"] = str(error_message)[:MAX_ERROR]
        line = _encode(values).encode()
    except Exception as error:  # whatever a value's own methods raise
        return _unfit(values, None, f"It cannot be written as JSON: {error}")
    if len(line) > MAX_ROW_BYTES:
        message = f"It is {len(line):,} bytes as JSON, and {MAX_ROW_BYTES:,} is the most."
        return Row(id, line, Refusal("PAYLOAD_TOO_LARGE", None, message))
    return Row(id, line)


def parse(line: bytes) -> Row | None:
    """A line as it was kept; None for one that is none, as its writer was killed in the middle of it."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, dict) or not isinstance(values.get("id"), str):
        return None
    return Row(values["id"], line)


def values_of(row: Row) -> dict[str, Any]:
    """By the names that files and `Recorder.record` have for them."""
    return {named(name): value for name, value in json.loads(row.line).items()}


def named(name: str) -> str:
    """`confidence_score` for GraphQL's `confidenceScore`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _unfit(values: Mapping[str, Any], field: str | None, message: str) -> Row:
    return Row(str(values.get("id") or new_id()), _legible(values), Refusal("VALIDATION_ERROR", field, message))


def _legible(values: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(values, default=repr, skipkeys=True).encode()
    except Exception:
        return b"{}"


def _moment(given: datetime | str | None) -> str:
    if given is None:
        return datetime.now(timezone.utc).isoformat()
    if isinstance(given, str):
        return given
    return (given if given.tzinfo else given.astimezone()).isoformat()


def _kind(value: object) -> str:
    return type(value).__name__


def _plain(value: Any) -> Any:
    """What JSON has no word for: numbers and arrays of numpy and torch, models of pydantic, times, paths, sets."""
    for method in ("model_dump", "tolist", "isoformat"):
        told = getattr(value, method, None)
        if callable(told):
            return told(mode="json") if method == "model_dump" else told()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (set, frozenset)) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
