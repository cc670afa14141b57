"""Drawings of shop shelves: the goods, how they stand, where, and what else is seen."""

from app.demo.drawings.shapes import Slots, circle, curve, ellipse, group, line, path, polygon, rect

_GOODS: dict[str, str] = {
    "tins of tomatoes": rect(-11, -30, 22, 30, "#b8c0c4", 3)
    + rect(-11, -25, 22, 20, "#d33a2c")
    + circle(0, -15, 6, "#f2dcc0"),
    "oat milk": polygon([(-9, -34), (0, -42), (9, -34)], "#dfe7d8")
    + rect(-9, -34, 18, 34, "#eef2e4")
    + rect(-9, -24, 18, 12, "#86a86a"),
    "washing powder": rect(-14, -36, 28, 36, "#2f6fc0", 2)
    + circle(0, -20, 9, "#ffffff")
    + rect(-14, -36, 28, 6, "#f2a23a"),
    "jars of honey": rect(-10, -27, 20, 27, "#e5a02c", 5)
    + rect(-9, -32, 18, 7, "#f4efe0", 2)
    + rect(-7, -19, 14, 11, "#fdf3d0", 1),
    "dog food": rect(-14, -40, 28, 40, "#7a4f9a", 3)
    + circle(0, -20, 8, "#f6efe0")
    + "".join(circle(x, y, 2.2, "#7a4f9a") for x, y in ((-4, -22), (0, -25), (4, -22)))
    + ellipse(0, -17, 4, 3, "#7a4f9a"),
    "batteries": rect(-12, -30, 24, 30, "#3a3f45", 2)
    + "".join(rect(x, -24, 6, 18, "#e0a030", 1.5) + rect(x + 1.5, -27, 3, 3, "#c9d1d6") for x in (-9, 3)),
    "rye bread": path("M-17 0v-14q0-14 17-14t17 14v14z", "#7a4a2a")
    + "".join(line([(x, -19), (x + 6, -11)], "#c99a66", 2) for x in (-10, -2, 6)),
    "olive oil": rect(-7, -30, 14, 30, "#6f8a35", 4)
    + rect(-3, -42, 6, 14, "#6f8a35")
    + rect(-4, -46, 8, 6, "#d9b25f", 1)
    + rect(-7, -20, 14, 11, "#f3ecd2"),
}


_OTHERS = ("#b9a7c4", "#a9c0b5", "#d3b99a", "#aab8cc")


def shelf(slots: Slots) -> str:
    row = {"the third shelf": 2, "the top shelf": 0}.get(slots["place"], 1)
    cooled = slots["place"] == "the cooled section"
    wall, board = ("#d9ecf4", "#8fb5c6") if cooled else ("#efe7d8", "#b08a5e")
    scene = rect(0, 0, 320, 240, wall)
    for n in range(3):
        y = 72 + n * 70
        if n == row:
            scene += _goods(slots["goods"], slots["state"], y)
        else:
            scene += "".join(
                rect(12 + x * 38, y - 34 - (x * 7 + n * 5) % 12, 26, 34 + (x * 7 + n * 5) % 12, _OTHERS[(x + n) % 4], 3)
                for x in range(8)
            )
        scene += rect(0, y, 320, 9, board) + "".join(rect(20 + x * 62, y + 1, 24, 7, "#fffdf4", 1) for x in range(5))
    return scene + _shop(slots["place"]) + _shelf_extra(slots["extra"], 72 + row * 70)


def _goods(phrase: str, state: str, y: int) -> str:
    thing = _GOODS[phrase]
    at = [(22 + n * 39, 0, 0) for n in range(8)]
    if state == "half sold out":
        at = [place for n, place in enumerate(at) if n in (0, 1, 3, 6)]
    elif state == "all but sold out":
        at = at[5:6]
    elif state == "in the wrong place":
        at = [(x, 0, 68 if n == 4 else -10 + n * 5) for n, (x, _, _) in enumerate(at[::2] + at[1:4:2])]
    elif state == "stacked two deep":
        at = [(x + 9, -9, 0) for x, _, _ in at] + at
    return "".join(group(thing, x, y + up, 1.2, turn) for x, up, turn in at)


def _shop(place: str) -> str:
    if place == "the cooled section":
        flakes = "".join(
            line([(x - 6, 12), (x + 6, 12)], "#ffffff", 2) + line([(x, 6), (x, 18)], "#ffffff", 2)
            for x in (40, 160, 280)
        )
        return (
            flakes
            + rect(0, 0, 6, 240, "#b9d9e6")
            + rect(314, 0, 6, 240, "#b9d9e6")
            + polygon([(60, 0), (110, 0), (40, 240), (0, 240), (0, 180)], "#ffffff", opacity=0.25)
        )
    if place == "the end of the aisle":
        return (
            polygon([(262, 0), (320, 0), (320, 240), (262, 240)], "#c9bfae")
            + rect(276, 26, 32, 40, "#3f7f77", 4)
            + line([(284, 46), (298, 46), (292, 40)], "#ffffff", 3)
        )
    if place == "a promotional stand by the till":
        return (
            path("M0 0h320v26q-20 14-40 0t-40 0t-40 0t-40 0t-40 0t-40 0t-40 0t-40 0z", "#d9483b")
            + circle(284, 48, 17, "#f2c037")
            + line([(278, 54), (290, 42)], "#7d211d", 3)
        )
    return ""


def _shelf_extra(phrase: str, y: int) -> str:
    return {
        "a hand-written price tag": group(
            rect(-26, 0, 52, 28, "#fffdf0", 3, stroke="#d8cfb4", stroke_width=1)
            + curve("M-16 18q5-14 9 0t9-4t9-2", "#2f4a8a", 2.5),
            84,
            y + 6,
            1,
            -4,
        ),
        "a torn box": group(
            path("M-24 0v-26l12 4l8-8l10 7l18-5v28z", "#c99f6c") + rect(-24, -9, 48, 4, "#a67c4a"), 250, y
        ),
        "a shopping basket on the floor": group(
            path("M-34-30h68l-8 30h-52z", "#3f7fa8")
            + curve("M-24-30q24-34 48 0", "#2b5b7c", 4)
            + "".join(rect(x, -26, 4, 20, "#8fbcd4", 2) for x in (-22, -10, 2, 14)),
            62,
            238,
        ),
        "a yellow offer label": rect(132, y - 4, 58, 24, "#f7d52f", 3)
        + line([(142, y + 8), (160, y + 8)], "#b5342a", 5)
        + line([(166, y + 8), (180, y + 8)], "#b5342a", 5),
        "an empty hook": curve(f"M288 {y - 60}v22q0 10-8 10t-8-8", "#7f8b93", 4)
        + rect(278, y - 64, 20, 6, "#7f8b93", 2),
    }[phrase]
