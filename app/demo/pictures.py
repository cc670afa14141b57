"""The demo's pictures: one for every draw of phrases that a theme allows, drawn when it is asked for.

The name of a picture is its theme and, for each of the theme's slots in their order, the place of the phrase that was
drawn: `animals-3040`.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from app.demo.drawings import kitchens, landscapes, papers, pastures, shelves, sites, streets
from app.demo.drawings.shapes import Slots, picture
from app.demo.phrases import THEMES, Theme

PATH = "/demo/images/"

_KEPT = 256
"""Pictures, a few kB each."""

_DRAWN: dict[str, Callable[[Slots], str]] = {
    "streets": streets.street,
    "animals": pastures.animal,
    "landscapes": landscapes.landscape,
    "kitchens": kitchens.kitchen,
    "safety": sites.site,
    "shelves": shelves.shelf,
    "documents": papers.document,
}
_THEMES = {theme.name: theme for theme in THEMES}


def name(theme: Theme, slots: Slots) -> str:
    """Of the picture that shows these phrases."""
    places = (str(phrases.index(slots[slot])) for slot, phrases in theme.slots.items())
    return f"{theme.name}-{''.join(places)}"


def url(theme: Theme, slots: Slots) -> str:
    """Relative to where the server is reached."""
    return f"{PATH}{name(theme, slots)}.svg"


@lru_cache(_KEPT)
def svg(name: str) -> str | None:
    """The file, always the same; None where no picture has the name."""
    found = re.fullmatch(r"([a-z]+)-([0-9]+)", name)
    theme = found and _THEMES.get(found[1])
    if not found or not theme or len(found[2]) != len(theme.slots):
        return None
    places = [int(digit) for digit in found[2]]
    if any(place >= len(phrases) for place, phrases in zip(places, theme.slots.values(), strict=True)):
        return None
    drawn = {slot: phrases[place] for place, (slot, phrases) in zip(places, theme.slots.items(), strict=True)}
    return picture(_DRAWN[theme.name](drawn))
