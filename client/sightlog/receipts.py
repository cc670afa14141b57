"""What the server says of an export's file, kept beside it, so that it can be verified without the server."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sightlog import contents, signatures
from sightlog.errors import Damaged, NotFound
from sightlog.signatures import NotCheckable

SUFFIX = ".receipt.json"


@dataclass(frozen=True)
class Receipt:
    """`rows`, `bytes` and `sha256` (hexadecimal) are of the file as it is, packed or not. It holds the results of the
    moment `snapshot_at`. `format` is that of `Client.export`, `compression` is `none`, `gzip` or `zstd`.
    `notes` count what else is to be known: of XLSX, how many texts were cut (`texts_cut`).

    `signed_by` is the id of the key whose signature of it was checked, or `unchecked` says why none was. One without a
    signature tells the `url` of its server.
    """

    export_id: str
    format: str
    compression: str
    fields: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str
    snapshot_at: datetime
    url: str | None = None
    signed_by: str | None = None
    unchecked: str | None = None
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """For people: `12 rows, 345 bytes, SHA-256 …`, and how many texts were cut."""
        cut = f", {count:,} texts cut" if (count := self.notes.get("texts_cut")) else ""
        return f"{self.rows:,} rows, {self.bytes:,} bytes, SHA-256 {self.sha256}{cut}"

    def check(self, path: Path) -> None:
        """Damaged where the file has other bytes or rows; it is read once. The rows are counted where the file
        can be unpacked and understood here: `.zst` needs `sightlog[zstd]`, Parquet needs pyarrow.
        """
        size = path.stat().st_size
        if size != self.bytes:
            raise Damaged(f"{path} has {size:,} bytes, its receipt says {self.bytes:,}.")
        digest = hashlib.sha256()
        for chunk in contents.chunks_of(path):
            digest.update(chunk)
        if digest.hexdigest() != self.sha256:
            raise Damaged(f"{path} is not what was exported: its SHA-256 is {digest.hexdigest()}, not {self.sha256}.")
        rows = contents.count(path, self.format, self.compression)
        if rows is not None and rows != self.rows:
            raise Damaged(f"{path} has {rows:,} rows, its receipt says {self.rows:,}.")

    @property
    def document(self) -> str:
        """It as JSON, without a signature."""
        values = asdict(self) | {"snapshot_at": self.snapshot_at.isoformat().replace("+00:00", "Z")}
        told = {name: value for name, value in values.items() if name not in ("signed_by", "unchecked")}
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def write(path: Path, document: str) -> None:
    """Beside the file, in place of an older one, whole or not at all."""
    target = beside(path)
    temporary = target.with_name(target.name + ".incomplete")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def beside(path: Path) -> Path:
    """Where the receipt of a file is."""
    return path.with_name(path.name + SUFFIX)


def read(path: Path) -> Receipt:
    """The receipt of the file; its signature is not looked at. NotFound where there is none, Damaged where it cannot
    be understood.
    """
    return _understood(_document(path), beside(path))


def verify(path: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> Receipt:
    """The receipt of a file that is just what was exported. Needs no server.

    A signature is checked with the keys that were met so far; one that cannot be checked is told by `unchecked` of the
    receipt. `key` is a file with the only keys that are trusted: then what cannot be checked is Damaged, too.

    Damaged where the file or the receipt is not what was exported, NotFound where one of them is not there.
    """
    place = Path(path)
    if not place.is_file():
        raise NotFound(f"There is no file {place}.")
    document = _document(place)
    receipt = _understood(document, beside(place))
    try:
        receipt = replace(receipt, signed_by=signatures.check(document, _keys(key)))
    except NotCheckable as reason:
        told = f"The signature of {beside(place)} was not checked: {reason.message}."
        if key is not None:
            raise Damaged(told) from None
        receipt = replace(receipt, unchecked=told)
    except Damaged as wrong:
        raise Damaged(f"The receipt {beside(place)} is not what was signed. {wrong.message}") from None
    receipt.check(place)
    return receipt


def _keys(key: str | os.PathLike[str] | None) -> signatures.Keys:
    return signatures.known() if key is None else signatures.read(Path(key))


def _document(path: Path) -> dict[str, Any]:
    place = beside(path)
    try:
        found = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"There is no receipt of {path}: {place} is not there.") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"The receipt {place} cannot be understood: it is no JSON object.")
    return found


def _understood(document: dict[str, Any], place: Path) -> Receipt:
    told = {name: value for name, value in document.items() if name not in ("signed_by", "unchecked")}
    try:
        return TypeAdapter(Receipt).validate_python(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Damaged(f"The receipt {place} cannot be understood: {where}: {first['msg']}.") from None
