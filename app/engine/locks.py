"""Locks that are named rather than those of rows: PostgreSQL's advisory locks."""

from sqlalchemy import ColumnElement, Connection, func, select

MAX_IDLE = "10s"
"""Who holds a lock and asks nothing for so long has stopped. PostgreSQL ends its transaction, so others go on."""


def hold(connection: Connection, name: str, account_id: int = 0) -> None:
    """Waits until nobody else holds the lock of that name and account, and holds it until the transaction ends.

    In SQLite a transaction that writes is alone from its beginning.
    """
    if connection.dialect.name == "postgresql":
        limited = func.set_config("idle_in_transaction_session_timeout", MAX_IDLE, True)
        connection.execute(select(limited, func.pg_advisory_xact_lock(_key(name, account_id))))


def share(connection: Connection, name: str, account_id: int = 0) -> None:
    """Like `hold`, but beside others who share the lock: it waits for those who hold it, and they for these."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_key(name, account_id))))


def try_to_hold(connection: Connection, name: str, account_id: int = 0) -> bool:
    """Like `hold`, but returns False at once where somebody else holds it."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_key(name, account_id)))))


def _key(name: str, account_id: int) -> ColumnElement[int]:
    return func.hashtextextended(f"sightlog.{name}", account_id)
