"""What the last release says to the database when it records and when an export is asked for: version 0.1.0, whose
schema is revision 0004. Frozen: while an upgrade rolls, its processes meet the new schema with these statements.

At a release: print what the new one says (`create_engine(…, echo=True)`, and `dialects.insert_new`), put it here, and
change the two numbers.
"""

from typing import Any

from sqlalchemy import Connection

VERSION = "0.1.0"
REVISION = "0004"

_LISTED = (
    "account_id, id, type, status, source_type, source_id, created_at, image_url, description, search_text, "
    "confidence_score, verification, image_id, metadata, error_message"
)
_EXPORT = (
    "account_id, id, status, format, filter, columns, row_limit, max_rows, created_at, started_at, completed_at, "
    "attempt, failures, lease_until, not_before, sent_at, dirty, rows_written, rows_total, error_message, object_key, "
    "bytes, sha256, snapshot_at, deleted_at, expired_at, idempotency_key, request_hash"
)
_GROUP = """
    INSERT INTO statistics_groups (account_id, day, source_type, type, status, bin, count, units)
    VALUES ({account_id}, '2025-01-15', 'single', 'description', 'completed', -1, {count}, 0)
    ON CONFLICT (account_id, day, source_type, type, status, bin) DO UPDATE SET
    count = (statistics_groups.count + excluded.count), units = (statistics_groups.units + excluded.units)"""
_HISTORY = """
    INSERT INTO histories (account_id, revision) VALUES ({account_id}, 1)
    ON CONFLICT (account_id) DO UPDATE SET revision = (histories.revision + excluded.revision)"""


def record(connection: Connection, account_id: int, ids: list[str], *, raises_revision: bool = True) -> None:
    """Results of one moment; `raises_revision` is False for what was there before 0.1.0."""
    rows = [_row(account_id, id) for id in sorted(ids)]
    insert = _insert_in_sqlite if connection.dialect.name == "sqlite" else _insert_in_postgresql
    insert(connection.connection.driver_connection, rows)
    connection.exec_driver_sql(_GROUP.format(account_id=account_id, count=len(rows)))
    if raises_revision:
        connection.exec_driver_sql(_HISTORY.format(account_id=account_id))


def ask_for_export(connection: Connection, account_id: int, id: str) -> None:
    """Of all ids, as CSV. `id` is 32 hexadecimal digits."""
    moment = "2025-01-16T00:00:00.000000Z"
    dirty = 0 if connection.dialect.name == "sqlite" else "false"
    values = f"""{account_id}, '{id}', 'pending', 'csv', '{{}}', '["id"]', NULL, 100000, '{moment}', NULL, NULL, 0, 0,
        NULL, NULL, NULL, {dirty}, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"""
    connection.exec_driver_sql(f"INSERT INTO exports ({_EXPORT}) VALUES ({values})")


def create_key(connection: Connection, account_id: int, prefix: str, secret_hash: str) -> None:
    moment = "2025-01-15T00:00:00.000000Z"
    active = 1 if connection.dialect.name == "sqlite" else "true"
    connection.exec_driver_sql(
        f"""INSERT INTO api_keys (key_prefix, account_id, secret_hash, scope, active, created_at, expires_at)
        VALUES ('{prefix}', {account_id}, '{secret_hash}', 'write', {active}, '{moment}', NULL)"""
    )


def _row(account_id: int, id: str) -> tuple[Any, ...]:
    text = f"Recorded by {VERSION}"
    described = (None, "2025-01-15T10:30:00.000000Z", None, text, text.lower())
    return (account_id, id, "description", "completed", "single", *described, None, None, None, "{}", None)


def _insert_in_sqlite(driver: Any, rows: list[tuple[Any, ...]]) -> None:
    known = "SELECT descriptions.id FROM descriptions WHERE descriptions.account_id = ? AND descriptions.id IN ({})"
    driver.execute(known.format(", ".join("?" * len(rows))), [rows[0][0], *(row[1] for row in rows)]).fetchall()
    driver.executemany(f"INSERT INTO descriptions ({_LISTED}) VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _insert_in_postgresql(driver: Any, rows: list[tuple[Any, ...]]) -> None:
    with driver.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS incoming_descriptions (LIKE descriptions) ON COMMIT DELETE ROWS"
        )
        with cursor.copy(f"COPY incoming_descriptions ({_LISTED}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        select = f"SELECT {_LISTED} FROM incoming_descriptions ORDER BY account_id, id"
        cursor.execute(f"INSERT INTO descriptions ({_LISTED}) {select} ON CONFLICT DO NOTHING RETURNING id")
        assert len(cursor.fetchall()) == len(rows)
