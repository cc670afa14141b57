"""Signatures of receipts, and the public keys that sign them.

A key is trusted when a server first tells it, while an export is fetched from there, and kept from then on: in
`known_keys.json`, beside the profiles. So a receipt can be checked when the server is gone, or is another's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightlog import profiles, whole
from sightlog.errors import Damaged, InvalidInput, SightlogError

log = logging.getLogger("sightlog")

Keys = Mapping[str, str]
"""Public keys, 32 bytes as base64, by their ids."""


class NotCheckable(SightlogError):
    """A signature that cannot be checked here; the sentence says what is missing."""


def check(document: Mapping[str, Any], keys: Keys) -> str:
    """The id of the key that signed the document. Damaged where the signature is not that of what it says,
    NotCheckable where there is none, or its key is not among these.
    """
    key_id, signature = document.get("key_id"), document.get("signature")
    if not isinstance(key_id, str) or not isinstance(signature, str):
        raise NotCheckable("it has no signature")
    if document.get("algorithm") != "Ed25519":
        raise NotCheckable(f"the algorithm {document.get('algorithm')!r} is not known here")
    if key_id not in keys:
        raise NotCheckable(f"the key {key_id!r} is not known here: --key names a file with it")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise NotCheckable("the library cryptography is missing: pip install 'sightlog[verify]'") from None
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[key_id]))
        key.verify(base64.b64decode(signature), _signed(document))
    except (InvalidSignature, ValueError):
        raise Damaged(f"The signature is not that of the key {key_id}, or what it signed was changed.") from None
    return key_id


def told(answer: Any) -> dict[str, str]:
    """The keys in what a server says at `/.well-known/sightlog-key`; those that can be none are left out."""
    listed = answer.get("keys") if isinstance(answer, dict) else None
    return {
        one["key_id"]: one["public_key"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and _fits(one.get("key_id"), one.get("public_key"))
    }


def read(path: Path) -> dict[str, str]:
    """The keys of a file: what `/.well-known/sightlog-key` said, or one as base64. InvalidInput where it has none."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The key {path} cannot be read: {error}.", field="key") from None
    try:
        found = told(json.loads(text)) if text.startswith("{") else {_id_of(text): text}
    except ValueError:
        found = {}
    if not found:
        raise InvalidInput(f"{path} has no key: it is what /.well-known/sightlog-key says, or base64.", field="key")
    return found


def known() -> dict[str, str]:
    """Those that were told by servers so far."""
    return {key_id: one["public_key"] for key_id, one in _load().items()}


def server_of(key_id: str) -> str:
    """Where a known key was met."""
    return _load()[key_id]["url"]


def trust(url: str, keys: Keys) -> None:
    """Keeps those of the server that are not known yet, and says so."""
    try:
        found = _load()
        new = {key_id: {"public_key": keys[key_id], "url": url} for key_id in keys if key_id not in found}
        if not new:
            return
        path = _file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole.write(path, json.dumps(found | new, indent=2) + "\n")
    except (OSError, SightlogError) as error:
        log.warning("sightlog: the keys of %s cannot be kept: %s", url, error)
        return
    has_others = any(one["url"] == url for one in found.values())
    how = "signs receipts with another key than before" if has_others else "signs receipts"
    log.warning("sightlog: %s %s; from now on this is trusted: %s", url, how, ", ".join(new))


def _file() -> Path:
    return profiles.file().with_name("known_keys.json")


def _load() -> dict[str, dict[str, str]]:
    try:
        found = json.loads(_file().read_bytes())
        return {key_id: {"public_key": one["public_key"], "url": one["url"]} for key_id, one in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SightlogError(f"The keys in {_file()} cannot be read: {error}. Mend or remove the file.") from error


def _fits(key_id: Any, public_key: Any) -> bool:
    try:
        return isinstance(public_key, str) and key_id == _id_of(public_key)
    except ValueError:
        return False


def _id_of(public_key: str) -> str:
    """ValueError where it is no key."""
    key = base64.b64decode(public_key, validate=True)
    if len(key) != 32:
        raise ValueError(f"a key has 32 bytes, not {len(key)}")
    return hashlib.sha256(key).hexdigest()[:16]


def _signed(document: Mapping[str, Any]) -> bytes:
    """Canonical JSON (RFC 8785), which for texts, whole numbers, lists and null is this."""
    facts = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
