"""The receipt of an export's file as a document of its own, signed, so that it can be checked without the server.

What is signed is the document without its `signature`, as canonical JSON (RFC 8785), in UTF-8. It holds texts, whole
numbers, lists, objects and null alone: for those, RFC 8785 is sorted keys and no white space.
"""

import json
import uuid
from importlib.metadata import version
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from app import jsontext, times
from app.engine import dialects
from app.exports import chosen, lifecycle
from app.models import Export, ReceiptKey
from app.signing import ALGORITHM, Signer

VERSION = 1

_KEYS = ReceiptKey.__table__  # type: ignore[attr-defined]


def keep(session: Session, signer: Signer | None, account_id: int, id: uuid.UUID) -> None:
    """Signs what is in the file of an export that was just completed. The public key is known from then on."""
    if signer is None:
        return
    export = lifecycle.get(session, account_id, id)
    known = {"key_id": signer.key_id, "public_key": signer.public_key, "created_at": lifecycle.clock(session)}
    connection = session.connection()
    connection.execute(dialects.insert(connection, _KEYS).values(known).on_conflict_do_nothing())
    lifecycle.change(session, lifecycle.is_export(account_id, id), {"signed_receipt": _written(export, signer)})


def document(export: Export) -> str | None:
    """As JSON; without a signature where it was completed without a key. None until it is completed."""
    if export.signed_receipt is not None:
        return export.signed_receipt
    return _written(export, None) if lifecycle.receipt(export) else None


def keys(session: Session, signer: Signer | None) -> list[dict[str, Any]]:
    """Those that have signed, oldest first, and the one that signs now, which `signs` tells."""
    found = session.connection().execute(select(_KEYS).order_by(_KEYS.c.created_at, _KEYS.c.key_id))
    known: dict[str, tuple[str, str | None]] = {
        row.key_id: (row.public_key, times.iso(row.created_at)) for row in found
    }
    if signer is not None:
        known.setdefault(signer.key_id, (signer.public_key, None))
    return [
        {
            "key_id": key_id,
            "algorithm": ALGORITHM,
            "public_key": public_key,
            "since": since,
            "signs": signer is not None and key_id == signer.key_id,
        }
        for key_id, (public_key, since) in known.items()
    ]


def _written(export: Export, signer: Signer | None) -> str:
    told = lifecycle.receipt(export)
    assert told is not None
    assert export.completed_at is not None
    facts: dict[str, Any] = {
        "version": VERSION,
        "export_id": str(export.id),
        "format": str(export.format),
        "compression": str(export.compression),
        "fields": [one.alias for one in chosen.read(export.columns)],
        "filter": jsontext.canonical(export.filter),
        "limit": export.row_limit,
        "options": jsontext.canonical(export.options or {}),
        "rows": told.rows,
        "bytes": told.bytes,
        "sha256": told.sha256,
        "notes": dict(told.notes),
        "snapshot_at": times.iso(told.snapshot_at),
        "completed_at": times.iso(export.completed_at),
        "server_version": version("sightlog-server"),
    }
    if signer is not None:
        facts |= {"algorithm": ALGORITHM, "key_id": signer.key_id}
        facts["signature"] = signer.sign(_canonical(facts))
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _canonical(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
