"""What a process works with, opened once from its settings."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from app.engine.db import Database
from app.errors import Unavailable
from app.history import statistics
from app.lastuse import LastUse
from app.limits import Limiter
from app.migrations import revisions
from app.migrations.revisions import DatabaseBehind
from app.settings import Settings
from app.storage import LocalStorage, Storage

_MOST_ASKED = 8
"""Connections that wait in the event loop: more than one processor can keep busy."""


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    database: Database
    storage: Storage
    limiter: Limiter
    statistics: statistics.Cache
    last_use: LastUse

    @cached_property
    def secrets(self) -> list[bytes]:
        """What is signed here is signed with the first, and good if any of them signed it."""
        try:
            return _secrets(self.settings)
        except OSError as error:
            raise Unavailable(
                "Nothing can be signed at the moment.", cause=f"SIGHTLOG_SECRET is empty, and none can be kept: {error}"
            ) from error

    def close(self) -> None:
        self.database.dispose()


def open_runtime(settings: Settings, *, serves: bool = False) -> Runtime:
    """`serves`: many requests at a time will ask the database."""
    connections = settings.database_connections
    asked = min(_MOST_ASKED, connections // 2) if serves else 0
    timeout = settings.statement_timeout.total_seconds() if serves else None
    turns = settings.statements_per_account
    database = Database(settings.sqlalchemy_url, connections, asked=asked, timeout=timeout, turns=turns)
    cache = statistics.Cache(settings.cache_bytes)
    last_use = LastUse(database, settings.session_idle)
    return Runtime(settings, database, _storage(settings), Limiter(settings.redis_url), cache, last_use)


def prepare(database: Database) -> None:
    """Upgrades the embedded database. DatabaseBehind for a server that is not up to date."""
    with database.read() as session:
        current = revisions.current(session.connection())
    if database.is_sqlite and current != revisions.head():
        from app.migrations import migrate  # Alembic takes a while to import, and is seldom needed

        migrate.upgrade(database)
    elif revisions.is_behind(current):
        raise DatabaseBehind("The database is not up to date. Run: sightlog db upgrade")


def _storage(settings: Settings) -> Storage:
    if settings.s3_bucket:
        from app.s3 import S3Storage  # boto3 takes a while to import, and only some need it

        return S3Storage(settings)
    return LocalStorage(settings.data_dir / "exports", settings.public_url, _secrets(settings))


def _secrets(settings: Settings) -> list[bytes]:
    """The signing keys: those that were set, or one made once and kept readable by its owner only."""
    if settings.secrets:
        return [secret.encode() for secret in settings.secrets]
    path = settings.data_dir / "secret"
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"secret.{secrets.token_hex(8)}")
        fresh.touch(mode=0o600, exist_ok=False)
        fresh.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(fresh, path)  # the first of several processes wins
        fresh.unlink()
    return [path.read_bytes()]
