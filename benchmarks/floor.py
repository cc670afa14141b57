"""The floor: FastAPI sends one prepared statement whose JSON the database builds itself, and returns the text."""

import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import uvicorn
from fastapi import FastAPI, Response
from psycopg_pool import ConnectionPool

from app.history.columns import ITEM_COLUMNS, JSON_COLUMNS

COLUMNS = ", ".join(ITEM_COLUMNS)
ROWS = "FROM descriptions WHERE account_id = {} AND status = 'completed' ORDER BY created_at DESC, id DESC LIMIT {}"
POSTGRES = f"""
    SELECT json_build_object('items', coalesce(json_agg(row_to_json(t)), '[]'))::text
    FROM (SELECT {COLUMNS} {ROWS.format("%s", "%s")}) t
"""
PAIRS = ", ".join(f"'{name}', " + (f"json({name})" if name in JSON_COLUMNS else name) for name in ITEM_COLUMNS)
SQLITE = f"""
    SELECT json_object('items', json_group_array(json_object({PAIRS})))
    FROM (SELECT {COLUMNS} {ROWS.format("?", "?")})
"""


def create_app(url: str, account_id: int) -> FastAPI:
    find, close = _sqlite(url) if url.startswith("sqlite") else _postgres(url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{limit}")
    def page(limit: int) -> Response:
        return Response(find(account_id, limit), media_type="application/json")

    return app


def _postgres(url: str) -> tuple[Callable[[int, int], str], Callable[[], None]]:
    def prepared(connection: psycopg.Connection[tuple[str]]) -> None:
        connection.prepare_threshold = 0
        connection.autocommit = True

    pool = ConnectionPool(url, min_size=8, max_size=8, open=True, configure=prepared)

    def find(account_id: int, limit: int) -> str:
        with pool.connection() as connection:
            row = connection.execute(POSTGRES, (account_id, limit)).fetchone()
        assert row is not None
        return row[0]

    return find, pool.close


def _sqlite(url: str) -> tuple[Callable[[int, int], str], Callable[[], None]]:
    own = threading.local()

    def find(account_id: int, limit: int) -> str:
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        found: str = own.connection.execute(SQLITE, (account_id, limit)).fetchone()[0]
        return found

    return find, lambda: None


if __name__ == "__main__":
    url, account_id, port = os.environ["FLOOR_URL"], int(sys.argv[1]), int(sys.argv[2])
    uvicorn.run(create_app(url, account_id), port=port, log_level="warning")
