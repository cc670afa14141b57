"""The vehicles of the demo's drawings, as they drive to the right over the origin."""

from app.demo.drawings.figures import INK, SKIN, person
from app.demo.drawings.shapes import circle, group, line, path, rect, ring


def wheel(x: float, r: float = 10) -> str:
    return circle(x, -r, r, INK) + circle(x, -r, r * 0.45, "#c9d1d6")


def vehicle(kind: str) -> str:
    """As it drives to the right; `kind` is the phrase."""
    return VEHICLES[kind]()


def _tram() -> str:
    windows = "".join(rect(x, -52, 22, 20, "#cfe6ef", 3) for x in (-78, -50, -22, 6, 34))
    front = rect(62, -52, 16, 26, "#cfe6ef", 4) + circle(78, -16, 3, "#ffe9a8")
    mast = line([(-10, -62), (4, -76), (-8, -86)], INK, 2.5) + line([(-40, -86), (30, -86)], INK, 2)
    return (
        mast
        + wheel(-55, 7)
        + wheel(-35, 7)
        + wheel(35, 7)
        + wheel(55, 7)
        + rect(-86, -62, 170, 52, "#c8342f", 11)
        + (rect(-86, -28, 170, 6, "#f3ede0") + windows + front)
    )


def _van() -> str:
    cabin = path("M40-50h14c6 0 12 12 16 24v14h-30z", "#e9e2d0") + path("M45-45h8c4 0 8 8 10 16h-18z", "#9cc3d5")
    return (
        rect(-50, -62, 92, 52, "#f4efe3", 6)
        + rect(-50, -40, 92, 9, "#2f7f86")
        + cabin
        + rect(-50, -16, 120, 6, "#b9b3a3", 3)
        + wheel(-26, 11)
        + wheel(46, 11)
    )


def _cargo_bike() -> str:
    frame = line([(-34, -13), (-16, -13), (-8, -38), (20, -18), (36, -13)], "#3a7d44", 3) + line(
        [(-8, -38), (-2, -48), (6, -48)], INK, 3
    )
    rider = (
        line([(-22, -44), (-16, -62), (0, -48)], "#e8a33d", 9)
        + circle(-11, -73, 7, SKIN)
        + line([(-22, -42), (-8, -32), (-14, -14)], INK, 5)
    )
    return (
        ring(-34, -13, 12, INK, 3)
        + ring(38, -10, 9, INK, 3)
        + frame
        + rect(0, -42, 32, 22, "#b9824f", 3)
        + rect(4, -52, 14, 12, "#d9b382", 2)
        + rider
    )


def _bus() -> str:
    windows = "".join(rect(x, -58, 21, 20, "#d3e7ea", 5) for x in (-64, -39, -14, 11, 36))
    return (
        rect(-72, -68, 144, 58, "#e9dcb6", 14)
        + rect(-72, -34, 144, 22, "#3d7a6a", 6)
        + windows
        + circle(67, -24, 4, "#fff3c4")
        + (wheel(-42, 12) + wheel(42, 12))
    )


def _taxi() -> str:
    cabin = path("M-30-32q6-18 16-18h26q12 0 20 18z", "#aeb7bd") + path(
        "M-23-33q5-12 10-12h12v12zM4-45h8q8 0 14 12h-22z", "#dfeff5"
    )
    return (
        rect(-9, -58, 18, 8, "#f2c037", 2)
        + cabin
        + rect(-50, -34, 102, 24, "#bcc5ca", 10)
        + circle(49, -24, 3.5, "#fff3c4")
        + wheel(-28)
        + wheel(28)
    )


def _sweeper() -> str:
    brush = "".join(line([(54 + n * 4, -8), (50 + n * 5, 0)], "#7c6a3a", 2) for n in range(5))
    return (
        rect(-44, -52, 56, 40, "#e8863a", 8)
        + rect(12, -60, 32, 48, "#f2a65a", 8)
        + rect(20, -54, 20, 22, "#cfe6ef", 4)
        + (rect(18, -66, 8, 5, "#f7d154", 2) + brush + wheel(-24) + wheel(26))
    )


def _scooter() -> str:
    body = line([(-18, -9), (16, -9), (26, -50)], "#2c8f7a", 5) + line([(18, -50), (32, -53)], INK, 4)
    return wheel(-20, 7) + wheel(20, 7) + body + group(person("#5b6fb5", hat="#f2c037"), -2, -11)


VEHICLES = {
    "a red tram": _tram,
    "a delivery van": _van,
    "a cargo bike": _cargo_bike,
    "an old bus": _bus,
    "a silver taxi": _taxi,
    "a street sweeper": _sweeper,
    "an electric scooter": _scooter,
}
