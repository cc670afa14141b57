"""Drawings of kitchens: the cooks, the dish, what they work at, and what else is seen."""

from app.demo.drawings.figures import INK, WOOD, chef
from app.demo.drawings.shapes import Slots, circle, curve, ellipse, group, line, path, polygon, rect, spread

_STEEL, _STEEL_DARK = "#c3ccd1", "#929ea6"


def kitchen(slots: Slots) -> str:
    tiles = rect(0, 0, 320, 240, "#dfeae4") + "".join(
        line([(0, y), (320, y)], "#cbdad2", 1.5) for y in range(20, 150, 22)
    )
    tiles += "".join(line([(x, 0), (x, 150)], "#cbdad2", 1.5) for x in range(16, 320, 32)) + rect(
        0, 196, 320, 44, "#b5a48d"
    )
    cooks = "".join(group(drawn, x, 196, 1.75) for drawn, x in _cooks(slots["cook"]))
    return (
        tiles
        + group(_kitchen_extra(slots["extra"]))
        + cooks
        + _tool(slots["tool"])
        + group(_dish(slots["dish"]), 226, 146)
    )


def _cooks(phrase: str) -> list[tuple[str, int]]:
    return {
        "a cook in a white jacket": [(chef(), 92)],
        "two kitchen hands": [
            (chef("#5d87a1", toque=0, hair="#2f2622"), 62),
            (chef("#5d87a1", toque=0, hair="#a8693f"), 124),
        ],
        "the head chef": [(chef("#2f353c", toque=22), 92)],
        "a young woman with a striped apron": [
            (chef("#f0d9d2", toque=0, stripes=True, hair="#7c3f22") + circle(0, -65, 4.5, "#7c3f22"), 92)
        ],
        "a trainee": [(chef("#a9cbb5", toque=6, hair="#d2a552"), 92)],
    }[phrase]


def _tool(phrase: str) -> str:
    counter = rect(20, 148, 280, 62, _STEEL, 4)
    if phrase == "a gas range":
        knobs = "".join(circle(66 + n * 38, 170, 6, "#c9483d") for n in range(6)) + rect(40, 184, 240, 22, "#3d454b", 4)
        return (
            counter
            + rect(20, 144, 280, 10, "#3d454b", 3)
            + knobs
            + "".join(path(f"M{x} 144q6-14 12 0z", "#4f9bd9") for x in (54, 148, 254))
        )
    if phrase == "a wooden chopping board":
        return (
            counter
            + rect(150, 140, 136, 11, WOOD, 4)
            + line([(164, 138), (206, 138)], "#8b969c", 5)
            + line([(146, 138), (164, 138)], "#3a2c22", 6)
        )
    if phrase == "the serving hatch":
        return (
            rect(20, 148, 280, 10, WOOD, 3)
            + rect(20, 158, 280, 52, "#8f6a45", 3)
            + rect(20, 6, 280, 13, WOOD, 3)
            + (
                rect(20, 10, 10, 140, WOOD)
                + rect(290, 10, 10, 140, WOOD)
                + circle(50, 141, 8, "#e0b040")
                + rect(40, 145, 20, 4, "#7b5b43")
            )
        )
    if phrase == "a deep sink":
        basin = rect(150, 150, 132, 54, _STEEL_DARK, 8) + rect(158, 156, 116, 14, "#8fc4d8", 4)
        return counter + basin + curve("M166 148v-34q0-14 14-14t14 14v4", "#7f8b93", 7)
    return counter + rect(20, 148, 280, 8, "#e7ecee", 3) + rect(26, 176, 268, 5, _STEEL_DARK)


def _dish(phrase: str) -> str:
    plate = ellipse(0, 0, 46, 8, "#ffffff") + ellipse(0, -1, 34, 5, "#e4e7e8")
    return {
        "crème brûlée": plate
        + path("M-27-18h54l-6 16h-42z", "#f7f4ee")
        + ellipse(0, -18, 27, 7, "#d78a32")
        + ellipse(-5, -19, 13, 3, "#b5651f"),
        "a tray of roast vegetables": rect(-52, -12, 104, 13, "#5b6066", 4)
        + "".join(
            circle(x, -13 - share * 9, 7, ("#d9503c", "#e39a35", "#6d9a48", "#7d4a7e")[n % 4])
            for n, (x, share) in enumerate(spread(12, -46, 92))
        ),
        "jalapeño poppers": plate
        + "".join(
            group(path("M-5 0q-4-17 5-20q9 3 5 20z", "#4f8d3f") + ellipse(0, -16, 3.5, 4, "#f6ecc4"), x, -2)
            for x in (-26, -13, 0, 13, 26)
        ),
        "fresh tagliatelle": plate
        + "".join(
            curve(
                f"M{-28 + n * 4}-4q{22 - n * 3}-{18 + n % 3 * 6} {44 - n * 4} 0", "#eac35c" if n % 2 else "#d9a83f", 4
            )
            for n in range(9)
        ),
        "a pot of soup": rect(-32, -40, 64, 40, "#c04a3c", 6)
        + ellipse(0, -40, 32, 7, "#e9a24a")
        + rect(-42, -32, 12, 6, "#8f3328", 3)
        + rect(30, -32, 12, 6, "#8f3328", 3)
        + "".join(curve(f"M{x}-52q6-8 0-14t0-14", "#ffffff", 3) for x in (-12, 0, 12)),
        "a stack of pancakes": plate
        + "".join(rect(-28, -9 - n * 7, 56, 7, "#dca459" if n % 2 else "#c98b3f", 3.5) for n in range(5))
        + rect(-7, -45, 14, 8, "#f8e18a", 2)
        + curve("M-16-36q2 16-2 24", "#8a4a1f", 4),
    }[phrase]


def _kitchen_extra(phrase: str) -> str:
    if phrase == "copper pans on a rail":
        pans = "".join(
            line([(x, 30), (x, 54)], "#7b4a2b", 4)
            + circle(x, 66, 15 + n * 2, "#c87941")
            + circle(x, 66, 10 + n * 2, "#a85f2e")
            for n, x in enumerate((170, 214, 262))
        )
        return line([(146, 30), (296, 30)], INK, 4) + pans
    if phrase == "steam on the window":
        return (
            rect(170, 22, 118, 84, "#8fa9b5", 4)
            + rect(176, 28, 106, 72, "#cfe6ef")
            + "".join(curve(f"M{x} 92q10-14 0-28t0-28", "#ffffff", 6) for x in (196, 226, 256))
        )
    if phrase == "a wet floor":
        return (
            ellipse(170, 222, 130, 13, "#8fc4d8")
            + ellipse(140, 219, 60, 4, "#c8e6ef")
            + group(
                polygon([(-14, 0), (0, -36), (14, 0)], "#f2c037")
                + line([(0, -24), (0, -13)], INK, 3)
                + circle(0, -7, 2, INK),
                296,
                230,
            )
        )
    if phrase == "a radio on a shelf":
        return (
            rect(176, 82, 118, 7, WOOD, 2)
            + rect(202, 46, 66, 36, "#a8473b", 6)
            + circle(221, 65, 11, "#e9dcc2")
            + rect(240, 54, 22, 9, "#f0e2b8", 2)
            + line([(256, 46), (274, 22)], INK, 2.5)
        )
    handles = "".join(rect(206 + n * 15, 42 - n % 2 * 5, 9, 27, "#2f2723", 3) for n in range(5))
    return rect(186, 104, 110, 7, WOOD, 2) + handles + path("M196 66h88l-8 38h-72z", "#a97a4a")
