"""What a process works with, opened once from its settings."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial

from app import signing
from app.engine.db import Database
from app.errors import Unavailable
from app.history import statistics
from app.lastuse import LastUse
from app.limits import Limiter
from app.migrations import revisions
from app.migrations.revisions import DatabaseBehind
from app.settings import Settings
from app.signing import Signer
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
    signer: Signer | None

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
    limiter = Limiter(settings.redis_url)
    return Runtime(settings, database, _storage(settings), limiter, cache, last_use, _signer(settings))


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
    """The keys that sign URLs: those that were set, or one made once."""
    if settings.secrets:
        return [secret.encode() for secret in settings.secrets]
    return [_made_once(settings, "secret", partial(secrets.token_hex, 32)).encode()]


def _signer(settings: Settings) -> Signer | None:
    """None where files are in S3 and no key was set: each machine would make one of its own."""
    if settings.receipt_key:
        return Signer(settings.receipt_key)
    return None if settings.s3_bucket else Signer(_made_once(settings, "receipt-key", signing.make_secret))


def _made_once(settings: Settings, name: str, make: Callable[[], str]) -> str:
    """A secret in the data folder, which its owner alone may read."""
    path = settings.data_dir / name
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"{name}.{secrets.token_hex(8)}")
        fresh.touch(mode=0o600, exist_ok=False)
        fresh.write_text(make())
        with suppress(FileExistsError):
            os.link(fresh, path)  # the first of several processes wins
        fresh.unlink()
    return path.read_text()
