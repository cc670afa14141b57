"""What the server says of an export's file, kept beside it, so that it can be verified without the server."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sightlog import contents
from sightlog.errors import Damaged, NotFound

SUFFIX = ".receipt.json"


@dataclass(frozen=True)
class Receipt:
    """`rows`, `bytes` and `sha256` (hexadecimal) are of the file as it is, packed or not. It holds the results of the
    moment `snapshot_at` of the server `url`. `format` and `compression` are `csv`, `json`, `jsonl` and `none`, `gzip`,
    `zstd`.
    """

    export_id: str
    url: str
    format: str
    compression: str
    fields: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str
    snapshot_at: datetime

    def check(self, path: Path) -> None:
        """Damaged where the file has other bytes or rows; it is read once. The rows of a packed file are counted where
        it can be unpacked here.
        """
        size = path.stat().st_size
        if size != self.bytes:
            raise Damaged(f"{path} has {size:,} bytes, its receipt says {self.bytes:,}.")
        digest = hashlib.sha256()
        for chunk in contents.chunks_of(path):
            digest.update(chunk)
        if digest.hexdigest() != self.sha256:
            raise Damaged(f"{path} is not what was exported: its SHA-256 is {digest.hexdigest()}, not {self.sha256}.")
        rows = self._counted(path)
        if rows is not None and rows != self.rows:
            raise Damaged(f"{path} has {rows:,} rows, its receipt says {self.rows:,}.")

    def _counted(self, path: Path) -> int | None:
        counter_of = contents.COUNTERS.get(self.format)
        if counter_of is None or not contents.can_unpack(self.compression):
            return None
        counter = counter_of()
        for chunk in contents.unpacked(contents.chunks_of(path), self.compression):
            counter.add(chunk)
        return counter.rows

    def write(self, path: Path) -> None:
        """Beside the file, in place of an older one, whole or not at all."""
        target = beside(path)
        temporary = target.with_name(target.name + ".incomplete")
        values = asdict(self) | {"snapshot_at": self.snapshot_at.isoformat().replace("+00:00", "Z")}
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def beside(path: Path) -> Path:
    """Where the receipt of a file is."""
    return path.with_name(path.name + SUFFIX)


def read(path: Path) -> Receipt:
    """The receipt of the file; NotFound where there is none, Damaged where it cannot be understood."""
    place = beside(path)
    try:
        return TypeAdapter(Receipt).validate_json(place.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"There is no receipt of {path}: {place} is not there.") from None
    except ValidationError as error:
        told = error.errors()[0]
        where = ".".join(map(str, told["loc"]))
        raise Damaged(f"The receipt {place} cannot be understood: {where or 'it'}: {told['msg']}.") from None


def verify(path: str | os.PathLike[str]) -> Receipt:
    """The receipt of a file that is just what was exported. Needs no server.

    Damaged where it is not, NotFound where the file or its receipt is not there.
    """
    place = Path(path)
    if not place.is_file():
        raise NotFound(f"There is no file {place}.")
    receipt = read(place)
    receipt.check(place)
    return receipt
