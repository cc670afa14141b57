"""Connections to SQLite: WAL, so that readers keep their snapshot while another writes."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from app.engine import dialects

LOCK_TIMEOUT = 30.0
"""Seconds that a writer waits for another process."""

_EMPTYING = 5.0
"""Seconds that one waits for readers before the log is emptied."""

_WAL_SIZE = 16 * 2**20
"""Bytes that the log of changes keeps, once they are in the database. While a reader keeps an old snapshot, such as an
export's, it grows beyond that."""


def open_engine(url: URL, **options: Any) -> Engine:
    """Transactions begin with what the execution option `sqlite_begin` says: `BEGIN`, or `BEGIN IMMEDIATE` to write."""
    arguments = {"timeout": LOCK_TIMEOUT, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def create_file(url: URL) -> None:
    """Only its owner may read a new database: it holds what customers recorded."""
    if url.database and not url.database.startswith((":", "file:")):
        path = Path(url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(OSError):  # it is there, or the driver says what is wrong
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def interrupt(driver: sqlite3.Connection) -> Callable[[bool], None]:
    """What ends the statement that another thread waits for."""

    def end(_cut: bool) -> None:
        driver.interrupt()

    return end


def empty_log(connection: Any) -> bool:
    """Puts the log of changes into the database and empties it; False where a reader keeps it for too long."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(_EMPTYING * 1000)}")
    try:
        (is_busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_TIMEOUT * 1000)}")
        cursor.close()
    return not is_busy


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own
    dialects.prepare_sqlite(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA cache_size = -16384")
    _use_wal(cursor)
    cursor.execute(f"PRAGMA journal_size_limit = {_WAL_SIZE}")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten with zeros
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Whoever is first switches a new file to WAL; the others would be refused at once, whatever their timeout."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
