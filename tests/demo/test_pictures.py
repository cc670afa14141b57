import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from app.demo import pictures
from app.demo.phrases import THEMES, Theme
from tests.conftest import Account

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "g", "rect", "circle", "ellipse", "path", "polygon", "polyline"}
FIRST = "animals-0000"


def some_of(theme: Theme) -> Iterator[dict[str, str]]:
    """Every phrase of the theme several times, beside others."""
    draws = list(product(*theme.slots.values()))
    assert len(draws) > 50
    for draw in draws[:: len(draws) // 97 + 1]:
        yield dict(zip(theme.slots, draw, strict=True))
    for place in range(max(map(len, theme.slots.values()))):
        yield {slot: phrases[place % len(phrases)] for slot, phrases in theme.slots.items()}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_draw_has_a_picture_of_its_own(theme: Theme) -> None:
    drawn = {pictures.name(theme, slots): pictures.svg(pictures.name(theme, slots)) for slots in some_of(theme)}
    assert len(set(drawn.values())) == len(drawn)
    for svg in drawn.values():
        assert svg is not None
        assert 1000 < len(svg) < 20_000
        root = ElementTree.fromstring(svg)
        assert root.attrib["viewBox"] == "0 0 320 240"
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= DRAWN
        attributes = {name for element in root.iter() for name in element.attrib}
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "href")]


def test_a_picture_shows_what_is_named() -> None:
    slots = {slot: phrases[0] for slot, phrases in THEMES[0].slots.items()}
    red, silver = (
        pictures.svg(pictures.name(THEMES[0], slots | {"vehicle": f"a {what}"})) for what in ("red tram", "silver taxi")
    )
    assert red
    assert silver
    assert ("#c8342f" in red, "#c8342f" in silver) == (True, False)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "animals",
        "animals-",
        "animals-000",
        "animals-00000",
        "animals-0900",
        "birds-0000",
        "animals-\N{ARABIC-INDIC DIGIT ZERO}000",
        "ANIMALS-0000",
    ],
)
def test_no_other_name_has_one(name: str) -> None:
    assert pictures.svg(name) is None


def test_names_follow_the_order_of_the_slots() -> None:
    theme = THEMES[1]
    slots = {slot: phrases[place] for place, (slot, phrases) in enumerate(theme.slots.items())}
    assert pictures.url(theme, slots) == "/demo/images/animals-0123.svg"


@pytest.fixture
def get(account: Account) -> Any:
    def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
        return httpx.request(method, account.stack.url + path, headers=headers, verify=False)

    return ask


def test_pictures_are_served_to_everybody_and_kept(get: Any) -> None:
    answer = get(f"{pictures.PATH}{FIRST}.svg")
    assert (answer.status_code, answer.text) == (200, pictures.svg(FIRST))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert get(f"{pictures.PATH}{FIRST}.svg", "HEAD").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "name", ["animals-0900.svg", "animals-0000", "animals-0000.png", "../../etc/passwd.svg", "%2e%2e%2fx.svg", ".svg"]
)
def test_what_is_no_picture_is_not_found(get: Any, name: str) -> None:
    answer = get(f"{pictures.PATH}{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert not re.search(r"<|Traceback", answer.text)
