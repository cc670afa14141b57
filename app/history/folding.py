"""Text as a search compares it."""


def fold(text: str) -> str:
    """Text with its case folded: two texts are the same but for their case if they fold alike."""
    return text.casefold()
