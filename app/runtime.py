"""What a process works with, opened once from its settings."""

from dataclasses import dataclass

from app.db import Database
from app.limits import Limiter
from app.settings import Settings
from app.storage import Storage, open_storage


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    database: Database
    storage: Storage
    limiter: Limiter

    def close(self) -> None:
        self.database.dispose()


def open_runtime(settings: Settings) -> Runtime:
    return Runtime(settings, Database(settings.sqlalchemy_url), open_storage(settings), Limiter(settings.redis_url))
