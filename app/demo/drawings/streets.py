"""Drawings of streets: the vehicle, the place, the people and the weather."""

from app.demo.drawings.animals import dog
from app.demo.drawings.figures import INK, cyclist, panes, person, tree
from app.demo.drawings.shapes import Slots, circle, ellipse, group, line, mix, path, polygon, rect, sky, spread
from app.demo.drawings.vehicles import vehicle

_WEATHER = {
    "in light rain": ("#9fb3c2", "#cbd6db", "#7f8a92"),
    "under a grey sky": ("#c3c9cd", "#dfe2e2", "#8b9196"),
    "in the evening sun": ("#f3b27a", "#fbe3bb", "#8d7f7a"),
    "after dark": ("#1d2a4a", "#3a4a73", "#2b3142"),
    "in thin morning fog": ("#d5dcdf", "#eef0ec", "#a3a9ab"),
}
"""The sky above and below, and the road."""


def street(slots: Slots) -> str:
    top, bottom, road = _WEATHER[slots["weather"]]
    dark = slots["weather"] == "after dark"
    scene = sky(top, bottom) + _heavens(slots["weather"]) + _houses(slots["place"], dark)
    scene += (
        rect(0, 158, 320, 24, mix(road, "#ffffff", 0.35)) + rect(0, 180, 320, 60, road) + _road(slots["place"], road)
    )
    scene += group(_people(slots["people"]), 252, 178, 0.95)
    return scene + group(vehicle(slots["vehicle"]), 112, 226, 1.1) + _veil(slots["weather"])


def _heavens(weather: str) -> str:
    if weather == "in the evening sun":
        return circle(262, 64, 26, "#fff0c2")
    if weather == "after dark":
        stars = "".join(circle(x, 8 + share * 60, 1.1, "#f5efcf") for x, share in spread(18, 0, 320))
        return stars + circle(268, 40, 14, "#f4ecc8") + circle(262, 36, 13, "#1d2a4a")
    if weather == "under a grey sky":
        return ellipse(80, 42, 60, 15, "#b3babf") + ellipse(230, 30, 70, 17, "#b9c0c4")
    return ""


def _houses(place: str, dark: bool) -> str:
    pane = "#ffd98a" if dark else "#e7f1f3"
    if place == "the ring road":
        return (
            rect(0, 118, 320, 42, "#8fa58a")
            + rect(60, 62, 6, 100, "#68737b")
            + rect(252, 62, 6, 100, "#68737b")
            + (
                rect(60, 62, 198, 7, "#68737b")
                + rect(92, 50, 60, 32, "#2c6fa8", 3)
                + rect(168, 50, 60, 32, "#2c6fa8", 3)
            )
            + line([(112, 72), (122, 60), (132, 72)], "#ffffff", 3)
            + line([(188, 66), (208, 66)], "#ffffff", 3)
        )
    if place == "a tree-lined boulevard":
        return rect(0, 104, 320, 60, "#d9c8ab") + "".join(
            group(tree("#5f9360" if n % 2 else "#75a668", tall=104), 20 + n * 56, 166) for n in range(6)
        )
    if place == "a cobbled square":
        church = (
            rect(196, 58, 42, 106, "#d8c6a4")
            + polygon([(192, 60), (242, 60), (217, 16)], "#9a5a48")
            + circle(217, 82, 9, "#f7f3e6")
        )
        return (
            _row((("#cf9f7c", 76), ("#e3d1a6", 92), ("#b9c2b0", 70)), 0, pane)
            + church
            + (
                _row((("#d9b38c", 84),), 240, pane)
                + ellipse(60, 168, 34, 8, "#93aeb8")
                + rect(56, 132, 8, 36, "#a9a69c")
                + ellipse(60, 134, 16, 5, "#93aeb8")
            )
        )
    if place == "a quiet avenue":
        villa = (
            rect(90, 90, 96, 74, "#efe3c8")
            + polygon([(80, 92), (196, 92), (138, 52)], "#8c5044")
            + panes(100, 104, 3, 1, pane)
        )
        return (
            villa
            + rect(0, 142, 320, 22, "#6f9a63", 6)
            + group(tree("#6b9c5c", tall=92), 40, 166)
            + group(tree("#82ab66", tall=84), 236, 166)
        )
    colours = (("#d98c6a", 112), ("#ead6a8", 96), ("#9fb7b0", 120), ("#c9a3a0", 104), ("#e2c58a", 114))
    fronts = _row(colours, 0, pane)
    if place == "a narrow shopping street":
        return fronts + "".join(
            path(f"M{x} 132h56l6 14h-68z", colour) + rect(x + 6, 146, 44, 18, pane)
            for x, colour in ((4, "#b5463f"), (68, "#3f7f77"), (132, "#d4953a"), (196, "#5b6fa3"), (260, "#b5463f"))
        )
    light = rect(289, 96, 5, 68, INK) + rect(282, 84, 19, 42, INK, 6)
    return (
        fronts
        + light
        + "".join(circle(291.5, 92 + n * 12, 4, c) for n, c in enumerate(("#d9483b", "#6c6a5c", "#57605a")))
    )


def _row(houses: tuple[tuple[str, int], ...], x: int, pane: str) -> str:
    return "".join(
        rect(x + n * 64, 164 - tall, 64, tall, colour)
        + rect(x + n * 64, 160 - tall, 64, 6, mix(colour, "#000000", 0.2))
        + panes(x + n * 64 + 9, 174 - tall, 3, max(1, (tall - 50) // 26), pane)
        for n, (colour, tall) in enumerate(houses)
    )


def _road(place: str, road: str) -> str:
    pale = mix(road, "#ffffff", 0.55)
    if place == "a busy crossing":
        return "".join(
            polygon([(196 + n * 22, 184), (208 + n * 22, 184), (204 + n * 24, 240), (188 + n * 24, 240)], pale)
            for n in range(5)
        )
    if place == "a cobbled square":
        return "".join(
            ellipse(x, 188 + share * 50, 6, 2.6, mix(road, "#ffffff", 0.18)) for x, share in spread(60, 0, 320)
        )
    if place == "the ring road":
        rail = rect(0, 170, 320, 5, "#cfd5d8") + "".join(rect(n * 46 + 10, 170, 4, 14, "#a8b0b5") for n in range(7))
        return rail + "".join(rect(n * 54, 208, 30, 4, pale) for n in range(6))
    return "".join(rect(n * 64 + 10, 231, 34, 3, pale) for n in range(5))


def _people(phrase: str) -> str:
    if phrase == "two cyclists":
        return group(cyclist("#d4593f"), -18, 0, 0.95, flip=True) + group(cyclist("#4d7fae"), 30, 2, flip=True)
    if phrase == "a woman with an umbrella":
        return (
            person("#8e4b78", hair="#6b3b22")
            + line([(13, -28), (13, -82)], INK, 2)
            + path("M-21-76a34 26 0 0 1 68 0q-8-7-17 0q-9-7-17 0q-9-7-17 0q-9-7-17 0z", "#d9483b")
        )
    if phrase == "a group of school children":
        shirts = ("#e0a030", "#4f8fb0", "#c9564a", "#6a9a54")
        return "".join(
            group(rect(-14, -44, 9, 18, mix(c, "#000000", 0.3), 3) + person(c), n * 24 - 38, 0, 0.68)
            for n, c in enumerate(shirts)
        )
    if phrase == "a man walking his dog":
        return (
            person("#5f7f5a", hair="#8a8a86")
            + line([(13, -26), (34, -17)], INK, 1.5)
            + group(dog("#9a6a42"), 46, 0, 0.5)
        )
    if phrase == "an elderly couple":
        return group(person("#8a6f9e", hair="#d8d8d4"), -15) + group(
            person("#6a7a86", hair="#c9c9c5") + line([(13, -25), (18, 0)], "#7b5b43", 2.5), 12
        )
    return (
        person("#e5b92e", hat="#2f5d8a", legs="#2f5d8a")
        + line([(-8, -44), (9, -26)], INK, 2)
        + rect(6, -30, 16, 13, "#8a5b34", 2)
    )


def _veil(weather: str) -> str:
    if weather == "in light rain":
        return "".join(
            line([(x, share * 220), (x - 5, share * 220 + 14)], "#e9f1f5", 1.2, opacity=0.8)
            for x, share in spread(48, 0, 330)
        )
    if weather == "in thin morning fog":
        return rect(0, 90, 320, 60, "#ffffff", opacity=0.45) + rect(0, 130, 320, 70, "#ffffff", opacity=0.3)
    return rect(0, 0, 320, 240, "#141c36", opacity=0.28) if weather == "after dark" else ""
