"""A history of any size: real or made results, multiplied inside the database with shifted times and ids."""

import gzip
import json
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app import auth, times
from app.demo import results
from app.engine.db import Database
from app.history import recording, rollup
from app.history.recording import Result
from app.models import Scope

FLICKR = Path(__file__).parent.parent.parent / "shared" / "data" / "flickr8k_history.jsonl.gz"
BATCH = 1000
_OTHERS = (
    "type, status, source_type, source_id, image_url, description, search_text, confidence_score, verification,"
    " image_id, metadata, error_message"
)
ACCOUNTS = ("large", "small", "other")


def first_results(most: int) -> list[Result]:
    """The Flickr8k history where it lies beside the repository, else the demo's."""
    values: list[dict[str, Any]]
    if FLICKR.is_file():
        with gzip.open(FLICKR, "rt") as file:
            values = [json.loads(line) for line, _ in zip(file, range(most), strict=False)]
    else:
        values = list(results.results(times.today(), most))
    return [Result.model_validate(value) for value in values]


def fill(database: Database, rows: int) -> dict[str, str]:
    """Accounts with keys: `large` with that many rows, `small` with a tenth, `other` beside them."""
    first = first_results(min(rows // 10, 88_290))
    keys = {}
    for name, size in zip(ACCOUNTS, (rows, rows // 10, rows // 10), strict=True):
        with database.write() as session:
            account_id = auth.account_id(session, name, create=True)
            keys[name] = auth.create_key(session, account_id, Scope.ADMIN)
        for start in range(0, len(first), BATCH):
            with database.write() as session:
                recording.record(session, account_id, first[start : start + BATCH])
        _multiply(database, account_id, len(first), size)
    with database.write() as session:
        rollup.rebuild(session)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))
    return keys


def _multiply(database: Database, account_id: int, have: int, want: int) -> None:
    copy = 1
    while have < want:
        most = min(have, want - have)
        shift = (
            f"strftime('%Y-%m-%dT%H:%M:', created_at, '+{copy} minutes') || substr(created_at, 18)"
            if database.is_sqlite
            else f"created_at + interval '{copy} minutes'"
        )
        columns = f"account_id, id, created_at, {_OTHERS}"
        copied = f"SELECT account_id, id || '_{copy}', {shift}, {_OTHERS} FROM descriptions"
        with database.write() as session:
            session.connection().execute(
                text(f"INSERT INTO descriptions ({columns}) {copied} WHERE account_id = {account_id} LIMIT {most}")
            )
        have, copy = have + most, copy * 2
