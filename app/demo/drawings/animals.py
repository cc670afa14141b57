"""The animals of the demo's drawings; each stands with its feet at the origin and looks to the right."""

from app.demo.drawings.figures import INK
from app.demo.drawings.shapes import circle, curve, ellipse, group, line, mix, polygon, rect


def dog(body: str, *, patch: str = "", muzzle: str = "", legs: str = "stand", head: str = "side") -> str:
    """About 70 units long. `legs`: stand, run or lie; `head`: side, front, away or low."""
    dark = mix(body, "#1d1a18", 0.35)
    lift = 22 if legs == "lie" else 0
    trunk = ellipse(0, -33 + lift, 28, 14, body) + (ellipse(-8, -36 + lift, 11, 9, patch) if patch else "")
    tail = curve(f"M-26-{38 - lift}q-12-4-13-18", body, 6)
    return (
        tail + _legs(legs, body, dark, 30) + trunk + group(_dog_head(body, dark, patch, muzzle, head), 25, -48 + lift)
    )


def _legs(how: str, body: str, dark: str, long: int) -> str:
    if how == "lie":
        return rect(6, -8, 30, 8, dark, 4) + rect(-30, -8, 26, 8, dark, 4)
    if how == "run":
        return (
            line([(-18, -28), (-34, -12), (-42, -14)], dark, 7)
            + line([(-14, -26), (-26, -6), (-32, -2)], body, 7)
            + (line([(16, -28), (32, -14), (40, -18)], dark, 7) + line([(18, -26), (36, -8), (46, -8)], body, 7))
        )
    return "".join(
        rect(x, -long, 7, long, colour, 3) for x, colour in ((-17, dark), (11, dark), (-24, body), (18, body))
    )


def _dog_head(body: str, dark: str, patch: str, muzzle: str, how: str) -> str:
    nose = muzzle or mix(body, "#ffffff", 0.25)
    if how == "front":
        ears = ellipse(-12, -5, 5, 11, dark) + ellipse(12, -5, 5, 11, patch or dark)
        face = circle(0, -4, 13, body) + ellipse(0, 2, 8, 7, nose) + ellipse(0, -1, 3.5, 2.5, "#1d1a18")
        return (
            ears
            + face
            + circle(-5, -7, 1.8, "#1d1a18")
            + circle(5, -7, 1.8, "#1d1a18")
            + curve("M-3 4q3 3 6 0", "#1d1a18", 1.2)
        )
    if how == "away":
        return circle(0, -4, 13, body) + ellipse(-10, -8, 5, 10, dark) + ellipse(10, -8, 5, 10, dark)
    eye = curve("M2-7q3 3 6 0", "#1d1a18", 1.5) if how == "low" else circle(5, -7, 1.9, "#1d1a18")
    ear = polygon([(-8, -12), (-3, -26), (2, -12)], dark) if how == "low" else ellipse(-6, -5, 5, 11, patch or dark)
    return circle(0, -4, 13, body) + rect(6, -6, 17, 11, nose, 5) + circle(22, -4, 2.8, "#1d1a18") + eye + ear


def cat(body: str, *, legs: str = "stand", head: str = "side") -> str:
    dark = mix(body, "#3a1f10", 0.3)
    lift = 17 if legs == "lie" else 0
    stripes = "".join(line([(x, -42 + lift), (x + 2, -32 + lift)], dark, 3) for x in (-14, -5, 4))
    face = (
        circle(0, 0, 12, body)
        + polygon([(-11, -5), (-9, -19), (-1, -10)], body)
        + polygon([(11, -5), (9, -19), (1, -10)], body)
    )
    if head != "away":
        eyes = (
            curve("M-7-1q2 2 4 0M3-1q2 2 4 0", INK, 1.4)
            if head == "low"
            else circle(-4.5, -1, 1.8, INK) + circle(4.5, -1, 1.8, INK)
        )
        face += (
            eyes
            + polygon([(-2, 3), (2, 3), (0, 5.5)], "#b3655a")
            + line([(-16, 3), (-7, 4)], "#ffffff", 0.8)
            + line([(16, 3), (7, 4)], "#ffffff", 0.8)
        )
    tail = curve(f"M-20-{32 - lift}q-18-2-16-26", body, 5)
    return (
        tail
        + _legs(legs, body, dark, 24)
        + ellipse(0, -30 + lift, 23, 12, body)
        + stripes
        + group(face, 22, -45 + lift)
    )


def hoofed(body: str, mane: str, *, kind: str, legs: str = "stand", head: str = "side") -> str:
    """A horse, a goat or a donkey, some 90 units tall."""
    dark = mix(body, "#1d1a18", 0.3)
    lift = 30 if legs == "lie" else 0
    ears = {"horse": 8, "goat": 6, "donkey": 17}[kind]
    reach = -16 if head == "away" else 14
    neck = polygon(
        [(14, -62 + lift), (30, -50 + lift), (38 + reach / 4, -88 + lift), (26 + reach / 4, -92 + lift)], body
    )
    face = rect(-7, -12, 15, 15, body, 6) + rect(0, -8, 24 if kind != "goat" else 17, 12, mix(body, "#ffffff", 0.15), 6)
    face += line([(-3, -10), (-6, -10 - ears)], dark, 4) + (
        curve("M2-12q2-14-8-17", "#8d7b66", 3) if kind == "goat" else ""
    )
    face += curve("M3-6q2 2 4 0", "#1d1a18", 1.5) if head == "low" else circle(4, -6, 1.8, "#1d1a18")
    if kind == "goat":
        face += polygon([(12, 4), (16, 4), (13, 14)], mane)
    hair = curve(f"M24-{90 - lift}q-10 12-8 28", mane, 6) if kind != "goat" else ""
    tail = curve(f"M-32-{62 - lift}q-10 8-8 {24 if kind == 'horse' else 12}", mane, 5)
    long = (
        group(_legs("stand", body, dark, 48), 0, 0)
        if legs == "stand"
        else group(_legs(legs, body, dark, 30), 0, -8 if legs == "run" else 0, 1.3)
    )
    return (
        tail
        + long
        + ellipse(0, -55 + lift, 34, 17, body)
        + neck
        + hair
        + group(face, 34 + reach / 4, -88 + lift, flip=head == "away")
    )
