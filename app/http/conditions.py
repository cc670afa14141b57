"""What a request wants of a file: the conditions and ranges of RFC 9110, sections 13 and 14."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers

MAX_RANGES = 100
"""Of one request; more are ignored, and all of the file is sent."""

_RANGE = re.compile(r"(\d{1,19})-(\d{1,19})?|-(\d{1,19})", re.ASCII)


class NotSatisfiable(Exception):
    """No part that is asked for is in the file."""


def is_known(given: Headers, etag: str) -> bool:
    """Whether the client has what it asks for (`If-None-Match`)."""
    tags = [tag.strip().removeprefix("W/") for value in given.getlist("if-none-match") for tag in value.split(",")]
    return "*" in tags or etag in tags


def ranges(given: Headers, size: int, validators: Collection[str]) -> list[tuple[int, int]]:
    """First and last byte of each part that is asked for; empty: all of the file. `validators` are the strong ETag and
    the `Last-Modified` by which `If-Range` may name it. NotSatisfiable where no part is in the file.
    """
    if given.get("if-range", next(iter(validators))) not in validators:
        return []
    unit, _, wanted = given.get("range", "").partition("=")
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    if unit.strip().lower() != "bytes" or not 0 < len(parts) <= MAX_RANGES:
        return []
    found = [_bounds(_RANGE.fullmatch(part), size) for part in parts]
    asked = [one for one in found if one and one[0] <= one[1]]
    if len(asked) < len(parts):
        return []
    within = [(first, min(last, size - 1)) for first, last in asked if first < size]
    if not within:
        raise NotSatisfiable
    return within


def _bounds(found: re.Match[str] | None, size: int) -> tuple[int, int] | None:
    if found is None:
        return None
    first, last, suffix = found.groups()
    begin = int(first) if first else max(0, size - int(suffix)) if int(suffix) else size
    return begin, int(last) if last else max(size - 1, begin)
