"""The names and types of an export's files: their keys in the storage, and what a browser calls them."""

import uuid
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.engine.queries import Asking, Query
from app.exports import formats
from app.models import Export

_TABLE = Export.__table__  # type: ignore[attr-defined]


def prefix(export: Export) -> str:
    """What the keys of all its files begin with."""
    return f"{export.account_id}/{export.id}/"


def object_key(export: Export) -> str:
    """The key of this attempt's file; no other attempt has the same."""
    return f"{prefix(export)}{export.attempt}.{formats.extension(export.format, export.compression)}"


def attempt_of(key: str) -> int:
    """The attempt that an object key belongs to."""
    return int(key.rpartition("/")[2].partition(".")[0])


def filename(export: Export) -> str:
    return f"export_{export.id}.{formats.extension(export.format, export.compression)}"


def content_type(export: Export) -> str:
    return formats.content_type(export.format, export.compression)


def content_type_of(key: str) -> Asking[str | None]:
    """That of the file under an object key. None where it is no export's result, or not any more: the export was
    deleted, its file has expired, or another attempt wrote the one that counts.
    """
    account_id, _, rest = key.partition("/")
    try:
        values = {"account_id": int(account_id), "id": uuid.UUID(rest.partition("/")[0]), "object_key": key}
    except ValueError:
        return None

    def build() -> Select[Any]:
        is_it = [_TABLE.c[name] == bindparam(name, type_=_TABLE.c[name].type) for name in values]
        return select(_TABLE.c.format, _TABLE.c.compression).where(*is_it, _TABLE.c.deleted_at.is_(None))

    found = yield Query("file of an export", build, values, one_plan=True)
    return formats.content_type(*found[0]) if found else None
