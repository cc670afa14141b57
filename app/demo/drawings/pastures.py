"""Drawings of animals: which, what it does, where, and what lies beside it."""

from app.demo.drawings.animals import cat, dog, hoofed
from app.demo.drawings.figures import panes, spruce, tree
from app.demo.drawings.shapes import Slots, circle, curve, ellipse, group, line, path, polygon, rect, sky, spread


def animal(slots: Slots) -> str:
    act, phrase = slots["act"], slots["animal"]
    legs = {"dozing with one ear up": "lie", "jumping over a fallen branch": "run", "running at full speed": "run"}.get(
        act, "stand"
    )
    head = {
        "looking straight into the camera": "front",
        "turning its head away": "away",
        "dozing with one ear up": "low",
    }.get(act, "side")
    drawn, size = _animal(phrase, legs, head)
    lift = 26 if act == "jumping over a fallen branch" else 5 if legs == "run" else 0
    scene = _ground(slots["place"]) + ellipse(150, 213, 58, 7, "#000000", opacity=0.16)
    scene += group(drawn, 148, 214 - lift, size, -7 if lift > 5 else 0) + group(_thing(slots["extra"]), 266, 218)
    return scene + _action(act) + (_blades() if slots["place"] == "in tall grass" else "")


def _animal(phrase: str, legs: str, head: str) -> tuple[str, float]:
    colours = {"a grey horse": "#a5a9ad", "a donkey": "#8d8177", "a white goat": "#f2eee4"}
    if phrase in colours:
        kind = phrase.rsplit(" ", 1)[1]
        mane = {"horse": "#e5e6e4", "donkey": "#4f4640", "goat": "#c9c1b0"}[kind]
        return hoofed(colours[phrase], mane, kind=kind, legs=legs, head=head), 1.25 if kind == "horse" else 1.05
    if phrase == "a ginger cat":
        return cat("#dd8a45", legs=legs, head=head), 1.45
    body, patch, muzzle, size = {
        "a brown dog": ("#99683f", "", "", 1.6),
        "a black and white dog": ("#f0ede6", "#2d2d30", "#ffffff", 1.6),
        "a young sheepdog": ("#4a4544", "#f4efe4", "#f4efe4", 1.35),
        "an old dog with a grey muzzle": ("#6d4c37", "", "#c9c7c2", 1.6),
        "a small dog": ("#d9b98a", "", "", 1.1),
        "a wet dog": ("#6a4a33", "#573b28", "", 1.6),
    }[phrase]
    return dog(body, patch=patch, muzzle=muzzle, legs=legs, head=head), size


def _ground(place: str) -> str:
    if place == "on a sandy beach":
        return (
            sky("#8ecbe6", "#d8eff2")
            + rect(0, 118, 320, 50, "#3f98b3")
            + path("M0 160q40-10 80 0t80 0t80 0t80 0v90H0z", "#f4fbfb")
            + (path("M0 168q40-10 80 0t80 0t80 0t80 0v80H0z", "#eed9a6") + circle(270, 46, 20, "#fff2bd"))
        )
    if place == "in fresh snow":
        firs = "".join(
            group(spruce("#5f8077", tall=tall), x, 172) for x, tall in ((30, 84), (84, 64), (250, 92), (300, 70))
        )
        flakes = "".join(circle(x, share * 200, 2, "#ffffff") for x, share in spread(40, 0, 320, 0.3))
        return sky("#a9c3d8", "#e4edf3") + firs + path("M0 164q90-16 170-2t150-4v84H0z", "#fbfcfd") + flakes
    green = sky("#a7d5e8", "#e6f3ea") + ellipse(90, 168, 180, 44, "#a3c687") + rect(0, 160, 320, 80, "#86b465")
    if place == "in front of a barn":
        barn = (
            polygon([(96, 98), (170, 50), (244, 98)], "#6f3a33")
            + rect(102, 96, 136, 72, "#a8473b")
            + rect(146, 112, 48, 56, "#7c352d")
        )
        return (
            green + barn + line([(146, 112), (194, 168)], "#e8d8c0", 3) + line([(194, 112), (146, 168)], "#e8d8c0", 3)
        )
    if place == "on a gravel drive":
        stones = "".join(ellipse(x, 180 + share * 56, 3.4, 2, "#b5aa98") for x, share in spread(70, 0, 320))
        house = (
            rect(206, 86, 92, 76, "#f1e6cf")
            + polygon([(196, 88), (308, 88), (252, 48)], "#7a5c52")
            + panes(216, 104, 2, 1, "#a9cad6")
            + rect(262, 116, 22, 46, "#5d7f6c", 2)
        )
        return green + house + path("M0 176q160-16 320 0v70H0z", "#d3c9b6") + stones
    if place == "beside a wooden fence":
        posts = "".join(rect(8 + n * 44, 108, 10, 66, "#9a7250", 3) for n in range(8))
        return green + posts + rect(0, 120, 320, 9, "#b58a63", 3) + rect(0, 146, 320, 9, "#b58a63", 3)
    return green + group(tree("#6d9f58", tall=100), 46, 166) + circle(262, 52, 22, "#fff2bd")


def _blades() -> str:
    return "".join(
        curve(
            f"M{x:.0f} 240q{4 - share * 8:.0f}-20 {8 - share * 16:.0f}-{34 + share * 26:.0f}",
            "#5f8f46" if n % 2 else "#7aa857",
            3,
        )
        for n, (x, share) in enumerate(spread(56, 0, 320))
    )


def _thing(phrase: str) -> str:
    return {
        "a chewed tennis ball": circle(0, -9, 9, "#cfe04a") + curve("M-7-14q7 5 4 13", "#f6f8e0", 2),
        "a blue collar": ellipse(0, -6, 16, 6, "none", stroke="#2f6fc0", stroke_width=5) + circle(2, 2, 3.5, "#f0c648"),
        "a muddy puddle": ellipse(0, -3, 36, 9, "#80664b") + ellipse(-6, -4, 18, 3.5, "#9c8266"),
        "a child's red boot": path("M-9-30h15v16q12 1 13 14h-28z", "#d43d35")
        + rect(-10, -3, 31, 4, "#7d211d", 2)
        + rect(-10, -31, 17, 5, "#f1e6d8", 2),
        "a tin bowl": path("M-20-14h40l-6 14h-28z", "#aab4ba") + ellipse(0, -14, 20, 5, "#8b7355"),
        "a coiled rope": "".join(
            ellipse(0, -4 - n * 6, 20 - n * 2, 6, "none", stroke="#c29a5b", stroke_width=4) for n in range(3)
        ),
    }[phrase]


def _action(act: str) -> str:
    if act == "shaking off water":
        return "".join(ellipse(x, 96 + share * 70, 2.6, 4.2, "#bfe3f2") for x, share in spread(22, 70, 170))
    if act == "running at full speed":
        return "".join(
            line([(14 + n * 8, 150 + n * 20), (58 + n * 4, 150 + n * 20)], "#ffffff", 3, opacity=0.8) for n in range(3)
        )
    if act == "jumping over a fallen branch":
        return line([(84, 214), (222, 204)], "#6f4f38", 10) + line([(180, 206), (198, 184)], "#6f4f38", 5)
    if act == "dozing with one ear up":
        return "".join(
            line([(x, y), (x + s, y), (x, y + s), (x + s, y + s)], "#ffffff", 2.5)
            for x, y, s in ((214, 124, 9), (230, 100, 13))
        )
    return ""
