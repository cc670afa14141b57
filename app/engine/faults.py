"""What the errors of the drivers mean: a sentence for the customer, the cause for the log and the command line."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.engine import stops
from app.errors import SightlogError, TooLarge, TooSlow, Unavailable

log = logging.getLogger(__name__)

NO_ANSWER = "The database does not answer at the moment. Please try again."
BUSY = "The database is busy at the moment. Please try again."
FULL = "The database has no space left, so nothing can be recorded or started at the moment. Please try again later."
READ_ONLY = "The database takes no changes at the moment. Please try again later."
SLOW = "The database worked on this for too long and gave up: ask for less, such as fewer days or search terms."
LARGE = "The answer is too large to be made in one piece: ask for fewer results at a time."

_SAYINGS = {
    "53100": FULL,  # disk_full
    sqlite3.SQLITE_FULL: FULL,
    "25006": READ_ONLY,  # read_only_sql_transaction: a standby
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    "40001": BUSY,  # serialization_failure
    "40P01": BUSY,  # deadlock_detected
    "55P03": BUSY,  # lock_not_available
    "53200": BUSY,  # out_of_memory
    "53300": BUSY,  # too_many_connections
}
_TOO_LARGE = ("54000", sqlite3.SQLITE_TOOBIG)
"""program_limit_exceeded: in either engine one value has at most a gigabyte."""

_STATES = {FULL: "full", READ_ONLY: "read-only"}

_REMEMBERED = 15.0
"""Seconds for which a process that could not write says that it is not ready."""

_REPEATED = 10.0
"""Seconds in which the log tells the same thing once."""


class Waited(Exception):
    """No connection got free in time."""


class Faults:
    """Tells what went wrong with the database at one place, such as a file."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._refused: tuple[float, str] = (0.0, "")
        self._logged: dict[str, float] = {}

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raises what a driver's error means. An error that is a mistake of ours is raised as it is."""
        try:
            yield
        except (DBAPIError, psycopg.Error, sqlite3.Error, PoolTimeout, Waited, stops.Stopped) as error:
            meaning = self._meaning(error)
            if meaning is None:
                raise
            raise meaning from error

    def refuses(self) -> str | None:
        """`full` or `read-only` if it has lately refused to write for that reason."""
        moment, state = self._refused
        return state if moment and time.monotonic() - moment < _REMEMBERED else None

    def no_answer(self, reason: str) -> Unavailable:
        """For a server that does not react at all."""
        return self._unavailable(NO_ANSWER, reason)

    def busy(self) -> Unavailable:
        """For a request whose time was over before the database was asked."""
        return self._unavailable(BUSY, "no connection got free in time")

    def log(self, error: Unavailable) -> None:
        """Tells the cause, but not once for each of many requests."""
        now = time.monotonic()
        if now - self._logged.get(error.message, -_REPEATED) >= _REPEATED:
            self._logged[error.message] = now
            log.warning("%s", error)

    def _meaning(self, error: Exception) -> SightlogError | None:
        stop = stops.current()
        if isinstance(error, stops.Stopped) or (stop is not None and stop.is_set):
            return TooSlow(SLOW)  # nobody hears it: the call was given up
        if isinstance(error, (PoolTimeout, Waited)):
            return self.busy()
        driver = error.orig if isinstance(error, DBAPIError) and error.orig else error
        code = _code(driver)
        if code in _TOO_LARGE:
            return TooLarge(LARGE)
        if code == "57014" and "statement timeout" in str(driver):  # one that the server's administrator has set
            return TooSlow(SLOW)
        if code in _SAYINGS:
            return self._unavailable(_SAYINGS[code], _line(driver))
        invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
        return self._unavailable(NO_ANSWER, _line(driver)) if invalidated or _is_of_server(driver) else None

    def _unavailable(self, message: str, reason: str) -> Unavailable:
        if message in _STATES:
            self._refused = time.monotonic(), _STATES[message]
        return Unavailable(message, cause=f"The database ({self._place}) cannot be used: {reason}")


def _code(driver: BaseException) -> str | int | None:
    if isinstance(driver, psycopg.Error):
        return driver.sqlstate
    code = getattr(driver, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # without the details


def _is_of_server(driver: BaseException) -> bool:
    """Whether it is no mistake in what was asked."""
    if isinstance(driver, sqlite3.Error):
        kinds = (sqlite3.OperationalError, sqlite3.DatabaseError)
        return type(driver) in kinds and _code(driver) != sqlite3.SQLITE_ERROR
    return isinstance(driver, (psycopg.OperationalError, psycopg.InterfaceError))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
