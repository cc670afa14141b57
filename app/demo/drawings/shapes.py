"""The shapes that the demo's drawings consist of: texts of SVG, in the units of a picture of 320 by 240."""

import math
from collections.abc import Iterable, Mapping

Slots = Mapping[str, str]
"""The phrases that an image drew, by the names of their slots."""

WIDTH, HEIGHT = 320, 240

Number = int | float
Points = Iterable[tuple[Number, Number]]


def tag(name: str, content: str = "", /, **attributes: str | Number) -> str:
    """An element; `stroke_width` is written `stroke-width`, numbers have two decimals at most."""
    written = "".join(f' {key.replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _value(value: str | Number) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"


def rect(x: Number, y: Number, width: Number, height: Number, fill: str, rx: Number = 0, **more: str | Number) -> str:
    corner: dict[str, str | Number] = {"rx": rx} if rx else {}
    return tag("rect", x=x, y=y, width=width, height=height, fill=fill, **corner, **more)


def circle(x: Number, y: Number, r: Number, fill: str, **more: str | Number) -> str:
    return tag("circle", cx=x, cy=y, r=r, fill=fill, **more)


def ring(x: Number, y: Number, r: Number, stroke: str, width: Number) -> str:
    return circle(x, y, r, "none", stroke=stroke, stroke_width=width)


def ellipse(x: Number, y: Number, rx: Number, ry: Number, fill: str, **more: str | Number) -> str:
    return tag("ellipse", cx=x, cy=y, rx=rx, ry=ry, fill=fill, **more)


def path(d: str, fill: str, **more: str | Number) -> str:
    return tag("path", d=d, fill=fill, **more)


def polygon(points: Points, fill: str, **more: str | Number) -> str:
    return tag("polygon", points=_points(points), fill=fill, **more)


def line(points: Points, stroke: str, width: Number = 2, **more: str | Number) -> str:
    return tag(
        "polyline",
        points=_points(points),
        fill="none",
        stroke=stroke,
        stroke_width=width,
        stroke_linecap="round",
        **more,
    )


def curve(d: str, stroke: str, width: Number = 2) -> str:
    return path(d, "none", stroke=stroke, stroke_width=width, stroke_linecap="round")


def _points(points: Points) -> str:
    return " ".join(f"{_value(x)},{_value(y)}" for x, y in points)


def group(
    content: str, x: Number = 0, y: Number = 0, scale: Number = 1, turn: Number = 0, *, flip: bool = False
) -> str:
    """The content with its origin at that place, turned by degrees; flipped: facing left instead of right."""
    moved = f"translate({_value(x)} {_value(y)})"
    turned = f" rotate({_value(turn)})" if turn else ""
    sized = f" scale({_value(-scale if flip else scale)} {_value(scale)})" if scale != 1 or flip else ""
    return tag("g", content, transform=moved + turned + sized)


def spread(count: int, x: Number, width: Number, shift: float = 0.0) -> list[tuple[float, float]]:
    """Places that look scattered and are always the same: x over the width, and a share from 0 to 1."""
    golden = (math.sqrt(5) - 1) / 2
    return [(x + width * (n + 0.5) / count, (n * golden + shift) % 1) for n in range(count)]


def sky(top: str, bottom: str) -> str:
    """In four flat bands over the whole picture, from above to below."""
    return "".join(rect(0, n * 40, WIDTH, HEIGHT - n * 40, mix(top, bottom, n / 4)) for n in range(5))


def mix(one: str, other: str, share: float) -> str:
    """A colour between two, given as #rrggbb."""
    pairs = ((int(one[n : n + 2], 16), int(other[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def picture(content: str) -> str:
    """A whole file. It needs no style element, so that the strictest policy lets it be shown."""
    return tag(
        "svg", content, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width="640", height="480"
    )
