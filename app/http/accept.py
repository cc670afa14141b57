"""What a client would rather have: its Accept and Accept-Encoding headers, by RFC 9110, 12.5."""

from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers
from starlette.requests import Request

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"


def quality(headers: Headers, media_type: str) -> float:
    """The weight of a media type, from 0 to 1: that of the most specific range it lies in; 0 if it lies in none."""
    return _place(_ranges(headers, "accept"), media_type)[0]


def best(headers: Headers, offered: Iterable[str]) -> str:
    """The offered media type with the highest weight; "" where none is accepted.

    Of equal ones the more specifically named is taken, then the one named first, then the one offered first.
    """
    ranges = _ranges(headers, "accept")
    places = {media_type: _place(ranges, media_type) for media_type in offered}
    found = max(places, key=places.__getitem__)
    return found if places[found][0] > 0 else ""


def is_given(headers: Headers) -> bool:
    """Whether the header names anything. Who sends none takes everything."""
    return bool(_ranges(headers, "accept"))


def is_named(headers: Headers, media_type: str) -> bool:
    """Whether the very media type is accepted: for an answer of which `*/*` says nothing."""
    return _ranges(headers, "accept").get(media_type, (0.0, 0))[0] > 0


def encoding(headers: Headers, offered: Sequence[str]) -> str:
    """The offered content coding with the highest weight, of equal ones the first; "" where none is accepted."""
    if "accept-encoding" not in headers:
        return ""
    ranges = _ranges(headers, "accept-encoding")
    weights = {name: ranges.get(name, ranges.get("*", (0.0, 0)))[0] for name in offered}
    found = max(weights, key=weights.__getitem__)
    return found if weights[found] > 0 else ""


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks: a GET without a query that prefers HTML to JSON."""
    if request.method != "GET" or request.query_params.keys() & {"query", "documentId"}:
        return False
    json = max(quality(request.headers, media_type) for media_type in (JSON, RESPONSE_JSON))
    return quality(request.headers, "text/html") > json


def _place(ranges: dict[str, tuple[float, int]], media_type: str) -> tuple[float, int, int]:
    """Weight, specificity and nearness to the beginning: the larger, the rather."""
    family = media_type.partition("/")[0]
    for specificity, name in enumerate((media_type, f"{family}/*", "*/*")):
        if name in ranges:
            weight, position = ranges[name]
            return weight, -specificity, -position
    return 0.0, 0, 0


def _ranges(headers: Headers, header: str) -> dict[str, tuple[float, int]]:
    """What the header names, with weights and positions. Parameters other than the weight are ignored."""
    found: dict[str, tuple[float, int]] = {}
    for position, item in enumerate(",".join(headers.getlist(header)).lower().split(",")):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name and name not in found:
            weight = next((_weight(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
            found[name] = weight, position
    return found


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
