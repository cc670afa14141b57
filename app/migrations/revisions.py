"""Which revision a database is at, and which this version needs. What changes it is `app.migrations.migrate`."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from app.errors import SightlogError

MIGRATIONS = Path(__file__).parent


class DatabaseBehind(SightlogError):
    """The schema is not the one that this version needs."""


@cache
def known() -> list[str]:
    """Those of this version, in their order; the files are named after them."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def head() -> str:
    return known()[-1]


def current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def is_behind(revision: str | None) -> bool:
    """Whether it must be upgraded before this version can use it. One that a newer version upgraded is not behind."""
    return revision is None or revision in known()[:-1]
