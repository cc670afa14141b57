"""Text as a search compares it."""

from unicodedata import normalize


def fold(text: str) -> str:
    """Text without what a search does not tell apart: its case, and whether letters are composed with their marks.

    Unicode's canonical caseless matching (section 3.13, D145), composed again, so that `e` is not found in `é`. The dot
    above that folding makes of `İ` is dropped: `istanbul` is found in `İstanbul`.
    """
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFD", text).casefold().replace("i\u0307", "i"))
