"""What stands for an image in a result: where it lies, or what it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes


def digest(content: bytes) -> str:
    """As an `image_id`: `sha256:` and what `sha256sum` says of the file."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def data_url_digest(url: str) -> str:
    """That of the image inside a `data:` URL; of the URL's text, where it cannot be decoded."""
    head, _, data = url.partition(",")
    try:
        content = base64.b64decode(unquote_to_bytes(data)) if head.endswith(";base64") else unquote_to_bytes(data)
    except binascii.Error:
        content = url.encode("utf-8", "surrogatepass")
    return digest(content)


def fields_of(image: Any) -> Mapping[str, str]:
    """The fields `image_url` or `image_id` for a URL, a path, the bytes of a file, or an image of Pillow.

    An image of Pillow that was opened from a file is known by its name, another one by the digest of its pixels.
    """
    if isinstance(image, str):
        return {"image_url": image}
    if isinstance(image, (bytes, bytearray, memoryview)):
        return {"image_id": digest(bytes(image))}
    if isinstance(image, os.PathLike):
        return {"image_url": os.fsdecode(image)}
    name = getattr(image, "filename", None)
    if isinstance(name, (str, os.PathLike)) and os.fspath(name):
        return {"image_url": os.fsdecode(name)}
    pixels = getattr(image, "tobytes", None)
    if callable(pixels):
        return {"image_id": digest(pixels())}
    return {} if image is None else {"image_url": str(image)}
