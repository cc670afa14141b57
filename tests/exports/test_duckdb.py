"""DuckDB reads a Parquet file over HTTP, at the address that stays the same: no more of it than it needs."""

import hashlib
import io
import uuid
from pathlib import Path
from typing import Any

import duckdb
import duckdb_ext.extensions
import pyarrow
import pytest
from pyarrow import parquet
from sqlalchemy import update
from sqlmodel import col, select

from app.engine.db import Database
from app.models import Export, Scope
from tests.conftest import Account
from tools.servers import s3_client

ROWS = 20_000


@pytest.fixture(scope="module")
def content() -> bytes:
    """A column of texts that takes nearly all of the file, and one of numbers."""
    texts = [hashlib.sha256(str(number).encode()).hexdigest() * 4 for number in range(ROWS)]
    table = pyarrow.table({"text": texts, "score": [number / ROWS for number in range(ROWS)]})
    file = io.BytesIO()
    parquet.write_table(table, file, row_group_size=5_000)
    return file.getvalue()


@pytest.fixture
def handle(account: Account, database: Database, content: bytes) -> str:
    """Of an export whose file is that Parquet."""
    id = account.export()["export_id"]
    it = col(Export.id) == uuid.UUID(id)
    known = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with database.write() as session:
        session.connection().execute(update(Export).where(it).values(known))
        key = session.exec(select(Export.object_key).where(it)).one()
    settings = account.stack.settings
    if bucket := settings.get("SIGHTLOG_S3_BUCKET"):
        names = ("SIGHTLOG_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        s3_client(*(settings[name] for name in names)).put_object(Bucket=bucket, Key=f"exports/{key}", Body=content)
    else:
        (account.stack.folder / "data" / "exports" / str(key)).write_bytes(content)
    handle: str = account.graphql("query($id: ID!) { export(id: $id) { downloadHandle } }", id=id)["export"][
        "downloadHandle"
    ]
    return handle


@pytest.fixture
def connection(account: Account, handle: str) -> duckdb.DuckDBPyConnection:
    """It logs what it asks for; the key is for this server alone."""
    opened = duckdb.connect()
    folder = Path(*duckdb_ext.extensions.__path__)
    [extension] = folder.rglob("httpfs.duckdb_extension")
    opened.execute(f"LOAD '{extension}'")
    key, scope = account.keys[Scope.READ], account.stack.url
    opened.execute(f"CREATE SECRET (TYPE http, BEARER_TOKEN '{key}', SCOPE '{scope}')")
    opened.execute("CALL enable_logging('HTTP', storage = 'memory')")
    return opened


def requests(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, dict[str, str]]]:
    """Method, status and the headers of the answer, of each that was asked for."""
    query = "SELECT request.type, response.status, response.headers FROM duckdb_logs_parsed('HTTP') ORDER BY timestamp"
    return [
        (method, status, {name.lower(): value for name, value in headers.items()})
        for method, status, headers in connection.execute(query).fetchall()
    ]


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.execute(query).fetchall()


def test_it_reads_the_column_that_it_needs(connection: duckdb.DuckDBPyConnection, handle: str, content: bytes) -> None:
    query = f"SELECT count(*), sum(score) FROM read_parquet('{handle}')"
    assert asked(connection, query) == [(ROWS, pytest.approx((ROWS - 1) / 2))]
    seen = requests(connection)
    assert [method for method, *_ in seen][:2] == ["HEAD", "GET"]
    assert {(method, status) for method, status, _ in seen} == {("HEAD", "OK_200"), ("GET", "PartialContent_206")}
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    assert {headers["etag"] for *_, headers in seen} == {etag}
    size = sum(int(headers["content-length"]) for method, _, headers in seen if method == "GET")
    scores = sum(
        parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(number).column(1).total_compressed_size
        for number in range(4)
    )
    assert scores < size < len(content) / 4
    assert asked(connection, f"SELECT sum(length(text)) FROM read_parquet('{handle}')") == [(ROWS * 256,)]
