"""Drawings of documents: the paper, the state it is in, and a mark on it."""

from app.demo.drawings.shapes import Slots, circle, curve, group, line, polygon, rect, ring


def document(slots: Slots) -> str:
    state = slots["state"]
    desk = rect(0, 0, 320, 240, "#b98c63") + "".join(rect(0, y, 320, 2, "#a97c54") for y in range(28, 240, 42))
    sheet = rect(-68, -100, 136, 200, "#000000", 2, opacity=0.18) + group(
        rect(-70, -104, 140, 204, "#fbf9f2", 2) + _written(slots["paper"]), 0, 0
    )
    if state == "slightly creased":
        sheet += (
            line([(-70, -34), (70, -38)], "#e0dccd", 2)
            + line([(-70, 34), (70, 30)], "#e0dccd", 2)
            + polygon([(70, -104), (52, -104), (70, -84)], "#e3dfd0")
        )
    elif state == "with a coffee stain":
        sheet += ring(26, -42, 26, "#a8784a", 4) + circle(54, -8, 3, "#a8784a") + circle(44, 2, 2, "#a8784a")
    sheet += _mark(slots["mark"])
    turn = {"photographed at an angle": 14, "well lit and flat": 0}.get(state, -3)
    light = circle(250, 40, 120, "#ffffff", opacity=0.14) if state == "well lit and flat" else ""
    return (
        desk
        + rect(266, 20, 12, 120, "#2f6fa8", 5)
        + polygon([(266, 140), (278, 140), (272, 156)], "#e9d6b4")
        + group(sheet, 148, 122, 1, turn)
        + light
    )


def _written(phrase: str) -> str:
    def lines(y: int, count: int, gap: int = 11, x: int = -56, width: int = 112) -> str:
        return "".join(rect(x, y + n * gap, width - (n * 23) % 34, 4, "#b9bec2", 2) for n in range(count))

    return {
        "a delivery note": rect(-56, -92, 60, 9, "#3f7f77", 2)
        + lines(-72, 3)
        + "".join(ring(-51, y + 2, 4, "#7f8b93", 1.5) + rect(-40, y, 84, 4, "#b9bec2", 2) for y in range(-28, 50, 14)),
        "an invoice": rect(-56, -92, 44, 9, "#b5463f", 2)
        + lines(-72, 3, width=60)
        + "".join(rect(-56, y, 70, 4, "#b9bec2", 2) + rect(34, y, 22, 4, "#8e969c", 2) for y in range(-24, 36, 12))
        + rect(22, 44, 34, 7, "#4a545c", 2),
        "a hand-written letter": "".join(
            curve(f"M-56 {y}q7-9 14 0t14 0t14-1t14 1t14 0t14-1t{14 - (y % 5) * 2} 0", "#3a4f8f", 2)
            for y in range(-78, 60, 17)
        ),
        "a printed form": rect(-56, -92, 112, 14, "#d5dfe4", 2)
        + "".join(
            rect(-56, y, 46, 4, "#b9bec2", 2) + rect(-4, y - 5, 60, 14, "#ffffff", 1, stroke="#9aa5ac", stroke_width=1)
            for y in range(-62, 50, 22)
        ),
        "a page from a manual": rect(-56, -92, 80, 7, "#4a545c", 2)
        + rect(-30, -74, 60, 54, "#e3ecef", 3)
        + ring(0, -47, 16, "#7f8b93", 5)
        + line([(16, -62), (32, -70)], "#d9483b", 2)
        + lines(-8, 6),
    }[phrase]


def _mark(phrase: str) -> str:
    return {
        "a round company stamp": group(
            ring(0, 0, 22, "#8a3f8f", 3) + ring(0, 0, 15, "#8a3f8f", 1.5) + rect(-11, -2, 22, 4, "#8a3f8f", 1),
            38,
            66,
            1,
            -14,
        ),
        "a signature in blue ink": curve("M-6 78q6-34 14-16q4 20 12-2q6-16 10 4q6 12 12-4t12 4h12", "#2347a8", 2.5),
        "a barcode": rect(4, 54, 60, 34, "#ffffff")
        + "".join(
            rect(8 + x, 58, w, 26, "#22262a")
            for x, w in ((0, 3), (6, 1), (9, 4), (16, 1), (20, 2), (25, 4), (32, 1), (36, 3), (42, 1), (46, 4), (51, 1))
        ),
        "a paper clip": curve("M46-116v34q0 9 8 9t8-9v-28q0-7-6-7t-6 7v24", "#7f8b93", 3),
        "a crossed-out line": line([(-60, 20), (44, 14)], "#c9342c", 3.5) + line([(-60, 14), (44, 21)], "#c9342c", 2.5),
    }[phrase]
