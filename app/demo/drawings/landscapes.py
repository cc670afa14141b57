"""Drawings of landscapes: the mountain, what is in front of it, the light, and a detail."""

from app.demo.drawings.figures import INK, person, spruce
from app.demo.drawings.shapes import Slots, circle, curve, ellipse, group, line, mix, path, polygon, rect, sky, spread

_LIGHT = {
    "at sunrise": ("#f6b79a", "#fdeac9", "#f08f6d"),
    "in clear midday light": ("#6fb6e3", "#d9eff8", "#fff3b8"),
    "shortly before a storm": ("#4d5a6b", "#97a2aa", ""),
    "in the last light of the day": ("#5a5a8f", "#f0a988", "#f6cf8d"),
    "in winter": ("#b5cfe2", "#eef4f8", "#fdfbee"),
}
"""The sky above and below, and the sun."""


def landscape(slots: Slots) -> str:
    light = slots["light"]
    top, bottom, sun = _LIGHT[light]
    winter = light == "in winter"
    scene = sky(top, bottom) + (circle(244, 92 if "midday" not in light else 40, 22, sun) if sun else "")
    if light == "shortly before a storm":
        scene += (
            ellipse(90, 34, 96, 24, "#394452")
            + ellipse(236, 26, 104, 26, "#404c5b")
            + line([(258, 50), (246, 78), (258, 78), (244, 112)], "#f7e28b", 3)
        )
    scene += _mountain(slots["mountain"], mix(bottom, "#5d7a96", 0.55), winter)
    ground = "#eef3f6" if winter else mix("#7fae66", top, 0.18)
    scene += path("M0 166q80-22 170-8t150-6v90H0z", ground) + group(_detail(slots["detail"]), 66, 172)
    return scene + _front(slots["front"], ground, winter)


def _mountain(phrase: str, rock: str, winter: bool) -> str:
    far = polygon(
        [(0, 170), (50, 112), (96, 146), (150, 96), (210, 150), (270, 104), (320, 150), (320, 180), (0, 180)],
        mix(rock, "#ffffff", 0.4),
    )
    snow = "#ffffff"
    if phrase == "a steep mountain ridge":
        peak = polygon(
            [(60, 176), (96, 92), (116, 108), (142, 48), (160, 84), (186, 40), (206, 88), (226, 72), (282, 176)], rock
        )
        return far + peak + polygon([(186, 40), (206, 88), (196, 176), (170, 176)], mix(rock, "#000000", 0.18))
    if phrase == "a mountain range in blue haze":
        return "".join(
            polygon(
                [(0, 176), *((x * 40, y + n * 26 + (x * 37 + n * 23) % 34) for x in range(9)), (320, 176)],
                mix("#9db9d3", "#4f7399", n / 2),
            )
            for n, y in enumerate((56, 60, 66))
        )
    if phrase == "a lone mountain with a flat top":
        return polygon([(40, 176), (104, 74), (216, 74), (282, 176)], rock) + polygon(
            [(104, 74), (216, 74), (226, 92), (94, 92)], snow if winter else mix(rock, "#ffffff", 0.3)
        )
    body = "#b5694e" if "reddish" in phrase else rock
    peak = polygon([(30, 176), (166, 36), (300, 176)], body) + polygon(
        [(166, 36), (300, 176), (186, 176), (150, 110)], mix(body, "#000000", 0.16)
    )
    if "reddish" in phrase:
        return (
            far
            + peak
            + line([(120, 116), (150, 104)], mix(body, "#000000", 0.25), 3)
            + line([(96, 150), (140, 138)], mix(body, "#000000", 0.25), 3)
        )
    if "clouds" in phrase:
        return (
            far
            + peak
            + "".join(
                ellipse(x, y, rx, 13, "#ffffff", opacity=0.92)
                for x, y, rx in ((120, 82, 64), (200, 74, 72), (160, 96, 84))
            )
        )
    return far + peak + polygon([(166, 36), (208, 80), (188, 74), (172, 92), (156, 74), (136, 86), (124, 79)], snow)


def _front(phrase: str, ground: str, winter: bool) -> str:
    near = path("M0 196q90-16 180-4t140-8v58H0z", mix(ground, "#000000", 0.1))
    if phrase == "a turquoise lake":
        return (
            ellipse(186, 206, 130, 24, "#37b5b0")
            + ellipse(170, 202, 84, 8, "#7fd6cf")
            + ellipse(220, 214, 50, 4, "#7fd6cf")
        )
    if phrase == "a dark spruce forest":
        return near + "".join(
            group(spruce("#2f5348" if n % 2 else "#3a6252", tall=62 + share * 26), x, 214 + share * 22)
            for n, (x, share) in enumerate(spread(15, 0, 330))
        )
    if phrase == "a stony path":
        stones = "".join(ellipse(x, 202 + share * 34, 7, 4, "#a79f93") for x, share in spread(16, 120, 110))
        return near + path("M140 240q60-30 20-48q-14-10 12-24h14q-20 16 2 26q44 20 40 46z", "#d6c7a8") + stones
    if phrase == "a wooden hut with a smoking chimney":
        hut = (
            rect(196, 168, 74, 42, "#8f6242")
            + polygon([(186, 170), (280, 170), (233, 138)], "#ffffff" if winter else "#5d3d2b")
            + rect(250, 136, 9, 22, "#6f6a66")
        )
        smoke = circle(256, 126, 5, "#eceae6") + circle(262, 114, 7, "#eceae6") + circle(270, 99, 9, "#eceae6")
        return near + smoke + hut + rect(208, 180, 14, 13, "#ffd98a") + rect(240, 182, 15, 28, "#5d3d2b")
    if phrase == "a herd of grazing cows":
        return near + "".join(
            group(_cow(colour), x, y, size)
            for x, y, size, colour in (
                (120, 208, 0.8, "#a8693f"),
                (196, 222, 1, "#f1ece2"),
                (272, 212, 0.85, "#6e4a35"),
            )
        )
    flowers = "".join(
        line([(x, 204 + share * 34), (x, 212 + share * 34)], "#4f7f41", 1.5)
        + circle(x, 203 + share * 34, 3.4, ("#e0567a", "#f2c037", "#ffffff", "#8f6fc0")[n % 4])
        for n, (x, share) in enumerate(spread(52, 0, 320))
    )
    return near + flowers


def _cow(body: str) -> str:
    dark = mix(body, "#2b211b", 0.4)
    legs = "".join(rect(x, -14, 5, 14, dark) for x in (-18, -10, 8, 15))
    return (
        legs
        + rect(-22, -32, 44, 21, body, 8)
        + ellipse(-6, -24, 8, 5, dark)
        + ellipse(27, -8, 7, 9, body)
        + line([(18, -24), (27, -12)], body, 9)
        + curve("M-22-28q-8 4-6 16", dark, 2)
    )


def _detail(phrase: str) -> str:
    return {
        "two hikers with red backpacks": "".join(
            group(person("#4f7a8c") + rect(-17, -48, 11, 22, "#d63d33", 4), x, 6, 0.72) for x in (-14, 14)
        ),
        "a small chapel": rect(-18, -24, 36, 28, "#f6f1e4")
        + polygon([(-22, -22), (22, -22), (0, -42)], "#8c4f43")
        + rect(-5, -54, 10, 16, "#f6f1e4")
        + polygon([(-7, -53), (7, -53), (0, -68)], "#8c4f43")
        + rect(-4, -10, 8, 14, "#7b5b43", 4),
        "an eagle high above": curve("M-24-122q14-12 24 2q10-14 24-2", "#3a3230", 5)
        + ellipse(0, -118, 4, 7, "#3a3230"),
        "a cable car station": rect(-26, -30, 46, 34, "#c9cfd2", 3)
        + rect(-26, -36, 54, 8, "#5f6d77")
        + line([(20, -32), (200, -112)], INK, 1.5)
        + group(
            rect(-12, 6, 24, 18, "#d9483b", 4) + rect(-9, 9, 18, 7, "#dceef3") + line([(0, -2), (0, 6)], INK, 2),
            92,
            -62,
        ),
        "a dry stone wall": "".join(
            rect(x * 18 - 62 + (y % 2) * 9, -10 + y * 9, 16, 8, "#a9a39a" if (x + y) % 3 else "#8f8980", 3)
            for x in range(7)
            for y in range(2)
        ),
    }[phrase]
