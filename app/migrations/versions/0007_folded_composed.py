"""Text is searched without regard to how its letters are composed, and `İ` is found as `i`.

What an older process records meanwhile is folded as before: terms find it unless they or it hold `İ` or letters that
are composed of several characters. `sightlog db refold`, once the last of them has ended, folds that as well.
"""

from unicodedata import normalize

from alembic import op

from app.migrations import refolding

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    refolding.refold(op.get_bind(), _fold)


def downgrade() -> None:
    """An older version finds what it finds."""


def _fold(text: str) -> str:
    """As `app.history.folding` had it when this was written."""
    return normalize("NFC", normalize("NFD", text).casefold().replace("i\u0307", "i"))
