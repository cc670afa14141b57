"""The floor: FastAPI sends one prepared statement whose JSON PostgreSQL builds itself, and returns the text."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import uvicorn
from fastapi import FastAPI, Response
from psycopg_pool import ConnectionPool

STATEMENT = """
    SELECT json_build_object('items', coalesce(json_agg(row_to_json(t)), '[]'))::text FROM (
        SELECT id, type, source_type, source_id, created_at, image_url, description, confidence_score, verification,
               image_id, metadata
        FROM descriptions WHERE account_id = %s AND status = 'completed'
        ORDER BY created_at DESC, id DESC LIMIT %s
    ) t
"""


def create_app(url: str, account_id: int) -> FastAPI:
    pool = ConnectionPool(url, min_size=8, max_size=8, open=False, configure=_prepared)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pool.open(wait=True)
        yield
        pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{limit}")
    def page(limit: int) -> Response:
        with pool.connection() as connection:
            row = connection.execute(STATEMENT, (account_id, limit)).fetchone()
        assert row is not None
        return Response(row[0], media_type="application/json")

    return app


def _prepared(connection: psycopg.Connection[tuple[str]]) -> None:
    connection.prepare_threshold = 0
    connection.autocommit = True


if __name__ == "__main__":
    url, account_id, port = os.environ["FLOOR_URL"], int(sys.argv[1]), int(sys.argv[2])
    uvicorn.run(create_app(url, account_id), port=port, log_level="warning")
