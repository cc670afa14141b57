"""How far texts about one thing agree."""

import re
from collections.abc import Iterable
from itertools import combinations

from app.history.folding import fold

MAX_TEXTS = 20
"""That are compared, each with each other one."""

MAX_LENGTH = 4000
"""Characters of a text that are compared."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""Chinese and Japanese, which have no spaces between words, character by character."""


def words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(text[:MAX_LENGTH])))


def of(texts: Iterable[str]) -> float | None:
    """0 to 1, 4 decimals: the mean over all pairs of the Jaccard index, which is the share of the words of both that
    both have. None for fewer than two texts with words.
    """
    found = [found for found in map(words, texts) if found][:MAX_TEXTS]
    shares = [len(one & other) / len(one | other) for one, other in combinations(found, 2)]
    return round(sum(shares) / len(shares), 4) if shares else None
