"""What the accounts of an attack hold, and their keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app import auth
from app.engine.db import Database
from app.exports import lifecycle
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history import recording
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.models import Scope
from benchmarks.attack import attacks

WIDE, PENDING, VICTIM = 100_000, 10_000, 2_000
"""Source types, exports and results, at the full size."""

_NOW = datetime(2025, 6, 1, tzinfo=UTC)
_BATCH = 5_000


def fill(database: Database, scale: float) -> dict[str, str]:
    """The keys: those of an `Aim`, and `victim` of the account that must not notice."""
    keys = {}
    for name, scope in (
        ("read_key", Scope.READ),
        ("write_key", Scope.WRITE),
        ("wide_key", Scope.READ),
        ("pending_key", Scope.READ),
        ("victim", Scope.READ),
    ):
        with database.write() as session:
            account_id = auth.account_id(session, name.removesuffix("_key"), create=True)
            keys[name] = auth.create_key(session, account_id, scope)
        if name == "read_key":
            _record(
                database, account_id, attacks.TEXTS, lambda place: {"type": "long", "description": attacks.text(place)}
            )
        elif name == "wide_key":
            _record(database, account_id, int(WIDE * scale), lambda place: {"source_type": f"source {place}"})
        elif name == "victim":
            _record(database, account_id, VICTIM, lambda place: {"description": "A dog runs through the grass"})
        elif name == "pending_key":
            wanted = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
            with database.write() as session:
                for _ in range(max(1, int(PENDING * scale))):
                    lifecycle.create(session, account_id, wanted)
    return keys


def _record(database: Database, account_id: int, count: int, values: Any) -> None:
    for start in range(0, count, _BATCH):
        results = [
            Result(
                id=f"r{place}",
                created_at=_NOW + timedelta(seconds=place),
                **{"source_type": "single", "confidence_score": (place % 1000) / 1000} | values(place),
            )
            for place in range(start, min(start + _BATCH, count))
        ]
        with database.write() as session:
            recording.record(session, account_id, results)
