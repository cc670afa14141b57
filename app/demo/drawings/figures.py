"""The people and trees of the demo's drawings; each stands with its feet at the origin."""

from app.demo.drawings.shapes import circle, ellipse, line, mix, path, polygon, rect, ring

SKIN = "#e3ad8a"


INK = "#33404d"
WOOD = "#c2945f"


def person(
    shirt: str, *, hair: str = "#4d3a2e", legs: str = INK, skin: str = SKIN, hat: str = "", stripes: str = ""
) -> str:
    """60 units tall; `stripes` is the colour of two bands over the chest, as of a vest."""
    parts = [rect(-8, -25, 7, 25, legs, 2), rect(1, -25, 7, 25, legs, 2), rect(-10, -47, 20, 27, shirt, 7)]
    parts += [line([(-9, -42), (-13, -25)], mix(shirt, "#000000", 0.15), 5)]
    parts += [line([(9, -42), (13, -25)], mix(shirt, "#000000", 0.15), 5)]
    if stripes:
        parts += [rect(-10, -38, 20, 3, stripes), rect(-10, -31, 20, 3, stripes)]
    parts += [circle(0, -55, 7.5, skin), path("M-7.8-55a7.8 7.8 0 0 1 15.6 0c-4-3-11-4-15.6 0z", hair)]
    if hat:
        parts += [path("M-8-56a8 8 0 0 1 16 0z", hat), rect(-10, -57.5, 20, 3, hat, 1.5)]
    return "".join(parts)


def chef(jacket: str = "#f7f5ef", *, toque: int = 14, stripes: bool = False, hair: str = "#4d3a2e") -> str:
    apron = "".join(rect(x, -40, 2, 24, "#c0504d") for x in (-6, -1, 4)) if stripes else ""
    base = rect(-9, -38, 18, 24, "#ece6d8", 3) + apron if stripes else rect(-9, -26, 18, 14, "#dfe3e6", 3)
    hat = rect(-7, -60 - toque, 14, toque, "#ffffff", 2) + ellipse(0, -60 - toque, 10, 6, "#ffffff") if toque else ""
    return person(jacket, hair=hair) + base + hat


def cyclist(shirt: str) -> str:
    frame = line([(-16, -12), (-4, -12), (8, -30), (16, -12)], "#2f6f8f", 2.5) + line(
        [(-4, -12), (-9, -30)], "#2f6f8f", 2.5
    )
    rider = line([(-8, -34), (0, -50), (10, -33)], shirt, 9) + circle(6, -60, 7, SKIN)
    rider += line([(-8, -33), (2, -24), (-3, -10)], INK, 5) + path("M-2-61a8 8 0 0 1 16 0z", "#e0b040")
    return ring(-16, -12, 11, INK, 2.5) + ring(16, -12, 11, INK, 2.5) + frame + rider


def tree(crown: str, trunk: str = "#7b5b43", *, tall: int = 70) -> str:
    return (
        rect(-4, -tall * 0.5, 8, tall * 0.5, trunk, 2)
        + circle(0, -tall * 0.72, tall * 0.3, crown)
        + (circle(-tall * 0.17, -tall * 0.58, tall * 0.2, mix(crown, "#000000", 0.08)))
    )


def spruce(colour: str, *, tall: float = 60) -> str:
    steps = ((0, 0.28), (0.28, 0.23), (0.52, 0.17))
    cones = (
        polygon(
            [(-tall * w, -tall * (0.12 + y)), (tall * w, -tall * (0.12 + y)), (0, -tall * (0.58 + y * 0.85))], colour
        )
        for y, w in steps
    )
    return rect(-2.5, -tall * 0.15, 5, tall * 0.15, "#6b4d38") + "".join(cones)


def panes(x: int, y: int, across: int, down: int, fill: str) -> str:
    return "".join(rect(x + i * 17, y + j * 25, 11, 16, fill, 1.5) for i in range(across) for j in range(down))
