"""`make docs`: the parts of the documentation that are made from the code."""

import re
from pathlib import Path

from app import settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
CLIENTS = ROOT / "docs" / "clients.md"
_MADE = re.compile(r"(<!-- made by .*? -->\n).*?(<!-- end -->)", re.DOTALL)


def made(text: str) -> str:
    """The page as it should be."""
    return _MADE.sub(lambda found: f"{found[1]}\n{settings.table()}\n\n{found[2]}", text)


def blocks(language: str, page: Path = README) -> list[str]:
    """The code of the page's fenced blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


if __name__ == "__main__":
    OPERATIONS.write_text(made(OPERATIONS.read_text()))
