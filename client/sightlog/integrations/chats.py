"""Chat completions with images, in the words of OpenAI, which most servers of models speak."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from sightlog.images import data_url_digest
from sightlog.rows import id_of_response

log = logging.getLogger("sightlog")
T = TypeVar("T")


def quietly(work: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
    """What goes wrong with recording is told to the log, never to the program."""
    try:
        return work(*args, **kwargs)
    except Exception:
        log.exception("sightlog: an answer could not be recorded")
        return None


def get(value: Any, *names: str) -> Any:
    """An item or attribute within another, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def images_of(messages: Any) -> list[str]:
    """The URLs of all images that were sent, in their order."""
    found = []
    for message in messages if isinstance(messages, (list, tuple)) else ():
        content = get(message, "content")
        for part in content if isinstance(content, (list, tuple)) else ():
            image = get(part, "image_url") if get(part, "type") == "image_url" else None
            url = image if isinstance(image, str) else get(image, "url")
            if isinstance(url, str):
                found.append(url)
    return found


def fields_of_request(messages: Any, model: Any) -> dict[str, Any] | None:
    """None without an image: it is no result about one. Of several the first counts, and all are in the metadata."""
    images = images_of(messages)
    if not images:
        return None
    metadata: dict[str, Any] = {"model": model}
    if len(images) > 1:
        metadata["images"] = [data_url_digest(url) if url[:5].lower() == "data:" else url for url in images]
    return {"image_url": images[0], "metadata": metadata}


def results_of(request: Mapping[str, Any], response: Any, duration_ms: float | None) -> Iterable[dict[str, Any]]:
    """One for each choice. Ids and times are the response's, so that the same response makes the same results."""
    response_id, created = get(response, "id"), get(response, "created")
    usage = get(response, "usage")
    shared = {
        "model": get(response, "model") or request["metadata"].get("model"),
        "input_tokens": get(usage, "prompt_tokens"),
        "output_tokens": get(usage, "completion_tokens"),
        "duration_ms": duration_ms,
    }
    for place, choice in enumerate(get(response, "choices") or ()):
        number = get(choice, "index")
        metadata = {**request["metadata"], **shared, "finish_reason": get(choice, "finish_reason")}
        yield {
            **request,
            "metadata": {name: value for name, value in metadata.items() if value is not None},
            "description": get(choice, "message", "content") or "",
            "id": id_of_response(response_id, place if number is None else number) if response_id else None,
            "created_at": datetime.fromtimestamp(created, timezone.utc) if created else None,
        }
