"""When keys and sessions were last used: noted in memory by every request, written now and then by a thread."""

import logging
import threading
from datetime import datetime, timedelta

from app import auth, sessions, times
from app.auth import Principal
from app.engine.db import Database
from app.errors import SightlogError

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
"""Between two writes; a key's moment is written once in it, by whichever process is first."""

_OF_IDLE = 4
"""How many times a session is written while it would end if it was not used."""

_MOST = 10_000
"""Keys, and sessions, that are noted between two writes; each takes some 200 bytes."""

_LAST_WRITE = 2.0
"""Seconds that the end of a process waits for what is not written yet."""


class LastUse:
    """Threads may share it. What a killed process has noted is lost."""

    def __init__(self, database: Database, session_idle: timedelta) -> None:
        self._database = database
        self._interval = min(INTERVAL, session_idle / _OF_IDLE).total_seconds()
        self._keys: dict[str, datetime] = {}
        self._sessions: dict[str, datetime] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_again_and_again, name="last use of keys", daemon=True)

    def note(self, caller: Principal) -> None:
        now = times.now()
        _note(self._keys, caller.key_prefix, now)
        if caller.session is not None:
            _note(self._sessions, caller.session, now)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(_LAST_WRITE)

    def _write_again_and_again(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(self._interval)
            self._write()

    def _write(self) -> None:
        keys, self._keys = self._keys, {}
        seen, self._sessions = self._sessions, {}
        if not keys:
            return
        try:
            with self._database.write() as session:
                auth.keys_used(session, keys, at_most_every=INTERVAL)
                if seen:
                    sessions.seen(session, seen)
        except SightlogError as error:
            log.warning("the last use of %d keys could not be written: %s", len(keys), error)
        except Exception:
            log.exception("the last use of %d keys could not be written", len(keys))


def _note(noted: dict[str, datetime], what: str, now: datetime) -> None:
    if len(noted) < _MOST or what in noted:
        noted[what] = now
