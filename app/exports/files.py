"""The names and types of an export's files: their keys in the storage, and what a browser calls them."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.engine.queries import Asking, Query
from app.exports import formats, ledger
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


def ledger_key(object_key: str) -> str:
    """Where the ledger of that file lies, if it has one."""
    return f"{object_key.partition('.')[0]}.{ledger.EXTENSION}"


def ledger_filename(export: Export) -> str:
    return f"export_{export.id}.{ledger.EXTENSION}"


def content_type(export: Export) -> str:
    return formats.content_type(export.format)


@dataclass(frozen=True)
class Stored:
    """What is known of a file in the storage; of a ledger its type alone."""

    content_type: str
    bytes: int = 0
    sha256: str | None = None

    @property
    def etag(self) -> str | None:
        """A strong one: the SHA-256 of the bytes."""
        return self.sha256 and f'"{self.sha256}"'


def stored(export: Export) -> Stored | None:
    """None where it has no file: it is not completed, or the file has expired."""
    if export.object_key is None or export.bytes is None or export.sha256 is None:
        return None
    return Stored(content_type(export), export.bytes, export.sha256)


def ask_stored(key: str) -> Asking[Stored | None]:
    """The file under an object key. None where it is no export's result nor the ledger of one, or not any more: the
    export was deleted, its file has expired, or another attempt wrote the one that counts.
    """
    account_id, _, rest = key.partition("/")
    try:
        values = {"account_id": int(account_id), "id": uuid.UUID(rest.partition("/")[0])}
    except ValueError:
        return None

    def build() -> Select[Any]:
        is_it = [_TABLE.c[name] == bindparam(name, type_=_TABLE.c[name].type) for name in values]
        shown = [_TABLE.c[name] for name in ("object_key", "format", "bytes", "sha256")]
        return select(*shown).where(*is_it, _TABLE.c.deleted_at.is_(None), _TABLE.c.object_key.is_not(None))

    for object_key, format, size, sha256 in (yield Query("file of an export", build, values, one_plan=True)):
        if key == object_key:
            return Stored(formats.content_type(format), size, sha256)
        if key == ledger_key(object_key):
            return Stored(ledger.CONTENT_TYPE)
    return None
