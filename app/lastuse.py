"""When keys were last used: noted in memory by every request, written now and then by a thread."""

import logging
import threading
from datetime import datetime, timedelta

from app import auth, times
from app.engine.db import Database
from app.errors import SightlogError

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
"""Between two writes; a key's moment is written once in it, by whichever process is first."""

_MOST = 10_000
"""Keys that are noted between two writes; each takes some 200 bytes."""

_LAST_WRITE = 2.0
"""Seconds that the end of a process waits for what is not written yet."""


class LastUse:
    """Threads may share it. What a killed process has noted is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, datetime] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_again_and_again, name="last use of keys", daemon=True)

    def note(self, key_prefix: str) -> None:
        if len(self._noted) < _MOST or key_prefix in self._noted:
            self._noted[key_prefix] = times.now()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(_LAST_WRITE)

    def _write_again_and_again(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(INTERVAL.total_seconds())
            self._write()

    def _write(self) -> None:
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            with self._database.write() as session:
                auth.keys_used(session, noted, at_most_every=INTERVAL)
        except SightlogError as error:
            log.warning("the last use of %d keys could not be written: %s", len(noted), error)
        except Exception:
            log.exception("the last use of %d keys could not be written", len(noted))
