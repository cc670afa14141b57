# ruff: noqa: RUF001
"""What a search does not tell apart: case, and how letters are composed."""

import sys
import unicodedata

import pytest

from app.history.folding import fold
from tests.conftest import Account
from tests.model import folded

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


def test_every_character_folds_as_its_other_forms() -> None:
    """But for the letter without a dot, whose capital is that of the one with it."""
    for character in EVERY_CHARACTER:
        expected = folded(character)
        forms = [character, expected, unicodedata.normalize("NFC", character), unicodedata.normalize("NFD", character)]
        assert {fold(form) for form in [*forms, character.lower(), character.swapcase()]} <= {
            expected,
            *("i" * (character == "ı")),
        }


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        ("İstanbul", ["istanbul", "ISTANBUL", "İSTANBUL", "I\u0307stanbul", "i\u0307s"], ["ıstanbul"]),
        ("ISTANBUL", ["İSTANBUL", "istanbul"], ["ıstanbul"]),
        ("ıstanbul", ["ıstanbul"], ["istanbul", "İstanbul"]),
        ("Café", ["cafe\u0301", "CAFÉ", "CAFE\u0301"], ["cafe", "\u0301"]),
        ("CAFE\u0301 olé", ["café", "Cafe\u0301 OL"], ["cafe", "ole"]),
        ("한국어", [unicodedata.normalize("NFD", "국어")], ["ㅎ"]),
        ("Ångström", ["A\u030angstro\u0308m", "ÅNG", "\u212bng"], ["angstrom"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφος", "σι\u0301συφοσ"], ["σισυφος"]),
        ("50% a_b\\c/d", ["50%", "A_B\\C/", "\\"], ["50 %", "a?b"]),
    ],
)
def test_search_finds_letters_however_they_are_composed(
    account: Account, text: str, found: list[str], not_found: list[str]
) -> None:
    account.record({"description": text})
    query = "query($term: [String!]) { statistics(filter: {search: $term}) { totalCount } }"
    counts = {term: account.graphql(query, term=[term])["statistics"]["totalCount"] for term in found + not_found}
    assert counts == dict.fromkeys(found, 1) | dict.fromkeys(not_found, 0)
