"""Drawings of building sites: the workers, the place, the safety equipment, and the load."""

from app.demo.drawings.figures import INK, WOOD, person
from app.demo.drawings.shapes import Slots, circle, curve, ellipse, group, line, mix, path, polygon, rect, ring


def site(slots: Slots) -> str:
    indoors = slots["place"] in ("the loading bay", "the stairwell")
    scene = rect(0, 0, 320, 240, "#d5d9da" if indoors else "#b9d8e6") + rect(
        0, 180, 320, 60, "#a9a59c" if indoors else "#c9b18a"
    )
    scene += _place(slots["place"]) + _gear(slots["gear"]) + group(_load(slots["load"]), 232, 214)
    return scene + "".join(group(drawn, x, 218, 1.45) for drawn, x in _workers(slots["worker"]))


def _workers(phrase: str) -> list[tuple[str, int]]:
    def worker(vest: str, stripes: str = "#eef0ea", hat: str = "#f2c037", **more: str) -> str:
        return person(vest, stripes=stripes, hat=hat, **more)

    tripod = (
        line([(26, -34), (16, 0)], "#c29a5b", 2.5)
        + line([(26, -34), (36, 0)], "#c29a5b", 2.5)
        + rect(19, -44, 14, 11, "#f2a23a", 2)
    )
    return {
        "three workers": [
            (worker("#f08a32"), 36),
            (worker("#f08a32", hat="#ffffff"), 84),
            (worker("#f08a32", skin="#a8734f"), 132),
        ],
        "a man in a yellow vest": [(worker("#f4d435", "#c9d0d0", "#ffffff"), 84)],
        "a surveyor": [(worker("#4f87a8", hat="#ffffff") + tripod, 72)],
        "two electricians": [
            (worker("#3f66a0", "#f2d14a", "#3f66a0") + line([(13, -24), (22, -14)], "#d9483b", 3), 56),
            (worker("#3f66a0", "#f2d14a", "#3f66a0", skin="#8f5f42"), 112),
        ],
        "a forklift driver": [(_forklift(), 88)],
        "a woman with a clipboard": [
            (
                worker("#d9663f", hat="#ffffff", hair="#6b3b22")
                + rect(6, -38, 15, 19, "#8f6a45", 2)
                + rect(8, -35, 11, 14, "#ffffff"),
                84,
            )
        ],
    }[phrase]


def _forklift() -> str:
    driver = group(person("#4f87a8", hat="#f2c037"), -6, -10, 0.8)
    body = rect(-34, -32, 50, 24, "#eba92f", 5) + line([(-26, -32), (-22, -74), (14, -74), (18, -30)], INK, 3)
    mast = rect(22, -80, 5, 78, INK) + rect(26, -6, 26, 4, INK)
    return driver + body + mast + "".join(circle(x, -8, 8, INK) + circle(x, -8, 3, "#c9d1d6") for x in (-22, 8))


def _place(phrase: str) -> str:
    if phrase == "the loading bay":
        slats = "".join(line([(124, y), (210, y)], "#9aa7b0", 2) for y in range(64, 180, 14))
        return (
            rect(116, 44, 102, 138, "#6f7f8a", 3)
            + rect(124, 52, 86, 130, "#c4ced4")
            + slats
            + rect(112, 168, 8, 22, "#f2c037")
            + rect(214, 168, 8, 22, "#f2c037")
        )
    if phrase == "the scaffold":
        wall = rect(90, 22, 200, 160, "#cf9a78") + "".join(
            rect(x, y, 24, 30, "#9fc3d0", 2) for x in (112, 168, 224) for y in (44, 106)
        )
        poles = "".join(line([(x, 10), (x, 184)], "#8a949a", 4) for x in (86, 156, 226, 296))
        return (
            wall
            + poles
            + "".join(rect(80, y, 222, 6, WOOD) for y in (34, 92, 150))
            + line([(86, 150), (156, 92)], "#8a949a", 3)
            + line([(226, 92), (296, 34)], "#8a949a", 3)
        )
    if phrase == "the stairwell":
        steps = "".join(rect(140 + n * 22, 166 - n * 19, 190, 22, mix("#8f979c", "#e7e9ea", n / 8)) for n in range(7))
        return (
            steps
            + line([(132, 118), (290, -18)], "#d9a13a", 6)
            + "".join(
                line([(148 + n * 22, 166 - n * 19), (148 + n * 22, 106 - n * 19)], "#d9a13a", 2.5) for n in range(6)
            )
        )
    if phrase == "the excavation":
        pit = path("M110 184q10 40 60 44h60q54-6 62-44z", "#8a6540") + path(
            "M132 190q10 26 44 28h46q40-4 46-28z", "#6e4e30"
        )
        return (
            path("M0 180q40-34 96-6q60-30 120-2q50-26 104 4v10H0z", "#a98455")
            + pit
            + line([(250, 176), (206, 108), (160, 132), (152, 164)], "#eba92f", 9)
            + rect(236, 148, 58, 28, "#eba92f", 5)
        )
    if phrase == "the north gate":
        mesh = "".join(
            line([(x, 96), (x + 30, 182)], "#8a949a", 1.5) + line([(x + 30, 96), (x, 182)], "#8a949a", 1.5)
            for x in range(96, 300, 30)
        )
        return (
            rect(88, 86, 8, 98, INK)
            + rect(306, 86, 8, 98, INK)
            + rect(96, 92, 210, 5, INK)
            + mesh
            + polygon([(192, 34), (210, 72), (174, 72)], "#f2c037")
            + rect(186, 72, 12, 24, INK)
        )
    rails = line([(60, 120), (320, 120)], "#d9483b", 4) + "".join(
        line([(x, 120), (x, 160)], "#d9483b", 4) for x in range(70, 320, 60)
    )
    skyline = "".join(
        rect(x, 172 - tall, 34, tall, "#93abb8")
        for x, tall in ((10, 52), (52, 84), (96, 60), (196, 96), (246, 66), (286, 88))
    )
    return skyline + rails + rect(0, 160, 320, 24, "#8f5a48")


def _gear(phrase: str) -> str:
    return {
        "hard hats on hooks": rect(14, 40, 92, 6, WOOD, 2)
        + "".join(
            path(f"M{x - 13} 62a13 13 0 0 1 26 0z", c) + rect(x - 16, 60, 32, 4, c, 2)
            for x, c in ((32, "#f2c037"), (62, "#ffffff"), (92, "#d9483b"))
        ),
        "a fire extinguisher on the wall": rect(40, 44, 26, 56, "#d3322c", 9)
        + rect(48, 34, 10, 12, INK, 2)
        + curve("M58 38q18 4 12 36", INK, 4)
        + rect(44, 64, 18, 15, "#f6f2e8", 2),
        "a box of safety goggles": rect(22, 60, 72, 34, "#7f9f5f", 3)
        + "".join(ring(x, 58, 9, "#2f6fa8", 4) for x in (40, 62))
        + line([(49, 57), (53, 57)], "#2f6fa8", 4),
        "a first-aid cabinet": rect(28, 34, 56, 60, "#f7f7f4", 5)
        + rect(50, 44, 12, 40, "#2f9a5b")
        + rect(36, 58, 40, 12, "#2f9a5b"),
        "ear protection on a rack": rect(14, 38, 92, 6, WOOD, 2)
        + "".join(
            curve(f"M{x - 14} 74q0-26 14-26t14 26", c, 4)
            + rect(x - 19, 66, 10, 18, c, 4)
            + rect(x + 9, 66, 10, 18, c, 4)
            for x, c in ((36, "#e07b2f"), (82, "#3f7fa8"))
        ),
        "a harness and two ropes": line([(34, 36), (34, 60), (22, 84), (46, 84), (34, 60)], "#d9483b", 5)
        + "".join(ellipse(x, 62, 11, 22, "none", stroke="#d9b25f", stroke_width=5) for x in (70, 98)),
    }[phrase]


def _load(phrase: str) -> str:
    return {
        "stacked pallets": "".join(
            rect(-44, -14 - n * 16, 88, 6, "#c99b63")
            + "".join(rect(x, -8 - n * 16, 12, 9, "#a67a46") for x in (-44, -6, 32))
            for n in range(4)
        ),
        "a bundle of steel bars": "".join(
            rect(-56, -8 - n * 8, 112, 6, "#8d99a1" if n % 2 else "#a9b4bb", 3) for n in range(5)
        )
        + rect(-30, -42, 5, 42, "#d9a13a")
        + rect(26, -42, 5, 42, "#d9a13a"),
        "drums with a flame symbol": "".join(
            rect(x - 20, -58, 40, 58, "#3f6f9a", 5)
            + rect(x - 20, -42, 40, 3, "#2f577c")
            + polygon([(x, -38), (x + 14, -24), (x, -10), (x - 14, -24)], "#ffffff")
            + path(f"M{x} -33q9 9 4 15q-4 4-8 0q-5-6 4-15z", "#d9483b")
            for x in (-24, 24)
        ),
        "a coil of cable": "".join(
            ellipse(0, -30, 38 - n * 6, 28 - n * 4, "none", stroke="#2f3338" if n % 2 else "#c9483d", stroke_width=5)
            for n in range(4)
        ),
        "timber": "".join(
            rect(-54 + n * 3, -10 - n * 11, 104, 9, "#d9aa6b" if n % 2 else "#c08a4c", 2)
            + circle(46 + n * 3, -5.5 - n * 11, 3, "#9a6a38")
            for n in range(4)
        ),
    }[phrase]
