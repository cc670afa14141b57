"""Records what pipelines of transformers say about images: `image-to-text`, `image-text-to-text` and their like.

caption = sightlog.integrations.transformers.wrap(pipeline("image-to-text"), log)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from sightlog.images import fields_of
from sightlog.integrations.chats import get, quietly


def wrap(pipeline: Callable[..., Any], recorder: Any, **fields: Any) -> Callable[..., Any]:
    """A callable that gives what the pipeline gives, and records one result for each image: the first text, where there
    are several. For an image that fails, the whole call has failed. `fields` are those of every result.

    A dataset or generator is recorded without its images' names, while the outputs are read.
    """
    model = get(pipeline, "model", "name_or_path")

    def record(images: list[Any], outputs: list[Any], duration_ms: float | None, error: str | None = None) -> None:
        metadata = {"model": model, **(fields.get("metadata") or {}), "duration_ms": duration_ms}
        metadata = {name: value for name, value in metadata.items() if value is not None}
        for image, output in zip(images, outputs, strict=True):
            told = {"error_message": error} if error is not None else {"description": text_of(output)}
            recorder.record(**{**fields_of(image), **fields, "metadata": metadata, **told})

    def call(images: Any = None, *args: Any, **kwargs: Any) -> Any:
        given = images if images is not None else kwargs.get("images", kwargs.get("inputs"))
        many = list(given) if isinstance(given, (list, tuple)) else [given]
        began = time.perf_counter()
        positional = args if images is None else (images, *args)
        try:
            outputs = pipeline(*positional, **kwargs)
        except Exception as error:
            quietly(record, many, [None] * len(many), _ms(began), f"{type(error).__name__}: {error}")
            raise
        if not isinstance(outputs, (list, tuple)):
            return _each(outputs, record)
        # One image gives a list of dicts, several give a list of such lists.
        quietly(record, many, list(outputs) if isinstance(given, (list, tuple)) else [outputs], _ms(began))
        return outputs

    return call


def text_of(output: Any) -> str | None:
    """Of what a pipeline gives for one image: `[{"generated_text": …}]`, where that is a text or a conversation."""
    first = output[0] if isinstance(output, (list, tuple)) and output else output
    text = get(first, "generated_text")
    if isinstance(text, (list, tuple)):
        text = get(text[-1], "content") if text else None
    if isinstance(text, (list, tuple)):
        text = "".join(get(part, "text") or "" for part in text)
    return text if isinstance(text, str) or text is None else str(text)


def _each(outputs: Any, record: Callable[..., None]) -> Iterator[Any]:
    for output in outputs:
        quietly(record, [None], [output], None)
        yield output


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
