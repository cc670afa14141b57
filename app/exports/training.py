"""Training sets as Hugging Face's ImageFolder has them, in a Zip that is streamed.

With images, they come first and `train/metadata.jsonl` last, with a line for each image that is there and no other;
what is not there is in the ledger. The results are read before the first image is fetched, so that no snapshot is held
meanwhile, and wait on disk.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from app import jsontext
from app.exports import ledger
from app.exports.rows import Rows, json_value
from app.history.columns import COLUMNS, JSON_COLUMNS, REASON

FOLDER = "train"
METADATA = f"{FOLDER}/metadata.jsonl"

OPTIONS = ("images", "texts")

Part = tuple[bytes, int]

_MAX_NAME = 80
_PLAIN = re.compile(rf"(?!.*-[0-9a-f]{{16}}\Z)[a-z0-9_][a-z0-9_-]{{0,{_MAX_NAME - 1}}}", re.ASCII)
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
"""Names that Windows has for itself."""


def write(rows: Rows) -> Iterator[Part]:
    everything = replace(rows, selection=replace(rows.selection, columns=COLUMNS))
    if not rows.options.get("images"):
        yield from _texts(everything, rows.columns)
        return
    with TemporaryFile() as kept:
        for values in everything.texts():
            kept.write(orjson.dumps(list(values)) + b"\n")
        rows.release()
        yield from _images(rows, kept)


def name(id: str) -> str:
    """What the files of a result are called, without an extension: of its id, safe in every file system, and another
    one for each id, also where case does not count.
    """
    if _PLAIN.fullmatch(id) and not _RESERVED.fullmatch(id):
        return id
    cleaned = re.sub(r"[^a-z0-9_]+", "-", id.lower())[: _MAX_NAME - 17].strip("-") or "result"
    return f"{cleaned}-{hashlib.sha256(id.encode()).hexdigest()[:16]}"


def _texts(rows: Rows, columns: Sequence[str]) -> Iterator[Part]:
    archive = _Archive()
    with archive.entry(METADATA) as file:
        for values in rows.texts():
            file.write(_line(_shown(dict(zip(COLUMNS, values, strict=True)), columns)))
            yield archive.taken(), 1
    yield archive.closed(), 0


def _images(rows: Rows, kept: IO[bytes]) -> Iterator[Part]:
    from app.exports import images  # here, since it takes long to import, and few exports have any

    archive, file_names = _Archive(), list[str | None]()
    urls = (values["image_url"] for values in _kept(kept))  # read ahead of the loop below
    with closing(images.fetched(urls, rows.settings, rows.check)) as found:
        for values, one in zip(_kept(kept), found, strict=True):
            if not isinstance(one, images.Image):
                _leave_out(rows, values, one)
                file_names.append(None)
                continue
            stem = name(values["id"])
            file_names.append(f"{stem}.{one.extension}")
            with archive.entry(f"{FOLDER}/{file_names[-1]}", packed=False) as file:
                for chunk in one.chunks():
                    file.write(chunk)
                    yield archive.taken(), 0
            if rows.options.get("texts"):
                archive.add(f"{FOLDER}/{stem}.txt", [(values["description"] or "").encode()])
            yield archive.taken(), 1
    with archive.entry(METADATA) as file:
        for values, file_name in zip(_kept(kept), file_names, strict=True):
            if file_name is not None:
                file.write(_line({"file_name": jsontext.string(file_name)} | _shown(values, rows.columns)))
                yield archive.taken(), 0
    if rows.ledger.rows:
        archive.add(ledger.EXTENSION, rows.ledger.chunks())
    yield archive.closed(), 0


def _kept(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The results that wait there, from the first; several may read at once."""
    place = 0
    while True:
        file.seek(place)
        line = file.readline()
        if not line:
            return
        place += len(line)
        yield dict(zip(COLUMNS, orjson.loads(line), strict=True))


def _leave_out(rows: Rows, values: Mapping[str, Any], reason: str) -> None:
    told = {
        key: value if key in JSON_COLUMNS and value is not None else json_value(value) for key, value in values.items()
    }
    first = {"id": told["id"], "image_url": told["image_url"], REASON: jsontext.string(reason)}
    rows.ledger.add(_line(first | told))
    rows.notes[ledger.LEFT_OUT] += 1
    rows.notes[f"{ledger.LEFT_OUT}_{reason}"] += 1


def _shown(values: Mapping[str, Any], columns: Iterable[str]) -> dict[str, str]:
    """A line's keys: JSON is a text in them, as `datasets` gives each column one type."""
    rest = {key: json_value(values[key]) for key in columns if key != "description"}
    return {"text": json_value(values["description"])} | rest


def _line(members: Mapping[str, str]) -> bytes:
    return ("{" + ",".join(f"{jsontext.string(key)}:{value}" for key, value in members.items()) + "}\n").encode()


class _Archive:
    """A Zip whose bytes are taken while it grows. The same files give the same bytes: it holds no times."""

    def __init__(self) -> None:
        self._file = _Growing()
        self._zip = zipfile.ZipFile(self._file, "w")

    def entry(self, path: str, *, packed: bool = True) -> IO[bytes]:
        """A file in it, of any size, to be written and closed before the next."""
        info = zipfile.ZipInfo(path)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=packed)

    def add(self, path: str, chunks: Iterable[bytes]) -> None:
        with self.entry(path) as file:
            for chunk in chunks:
                file.write(chunk)

    def taken(self) -> bytes:
        """What has come since it was last called."""
        return self._file.taken()

    def closed(self) -> bytes:
        self._zip.close()
        return self._file.taken()


class _Growing(io.RawIOBase):
    """What `zipfile` writes to, without a way back."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._bytes += data
        return len(data)

    def taken(self) -> bytes:
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken
