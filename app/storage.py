"""Where the files of exports lie.

A storage keeps objects under keys. An object appears whole when its sink is finished, or not at all. `LocalStorage`
keeps them in a folder and signs the URLs under which `downloads` serves them; `S3Storage` is in `app/s3.py`.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

from app.errors import Forbidden

URL_LIFETIME = 3600
"""Seconds for which a download URL works."""


class NotKept(OSError):
    """The storage took all of an object and said so, but has something else, or nothing."""


class Sink(Protocol):
    """The writing of one object. `finish` ends it, and asks the storage what it has now. `abort` ends it otherwise,
    also where `finish` has failed; then nothing is left.
    """

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """NotKept where what lies there is not what was written, as far as the storage can tell."""

    def abort(self) -> None: ...


class Storage(Protocol):
    """Raises OSError where it does not answer or has no space left."""

    def open(self, key: str, *, content_type: str, filename: str) -> Sink: ...

    def url(self, key: str, *, content_type: str, filename: str) -> str:
        """A URL that downloads the object without further authentication for `URL_LIFETIME` seconds."""

    def remove(self, key: str) -> None:
        """Removes an object; one that is not there is as good."""

    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        """Removes what lies, whole or half-written, under the unwanted ones of the keys that begin with `prefix` (ends
        in `/`), but for the whole objects under `keep`.
        """

    def check(self) -> None:
        """Raises where the storage cannot be used."""


class Part(Protocol):
    """A piece of an object, which is read to its end or closed."""

    def read(self, amt: int, /) -> bytes: ...

    def close(self) -> None: ...


class RemoteStorage(Storage, Protocol):
    """One on another machine."""

    def part(self, key: str, first: int, last: int) -> Part:
        """The bytes of an object from the first to the last."""


@dataclass(frozen=True)
class LocalStorage:
    folder: Path
    public_url: str
    secrets: Sequence[bytes]
    """The first signs; URLs that any of them signed are good."""

    def open(self, key: str, *, content_type: str, filename: str) -> "LocalSink":
        return LocalSink(self.path(key))

    def url(self, key: str, *, content_type: str, filename: str) -> str:
        expires = int(time.time()) + URL_LIFETIME
        query = urlencode(
            {"filename": filename, "expires": expires, "signature": _sign(self.secrets[0], key, filename, expires)}
        )
        return f"{self.public_url.rstrip('/')}/files/{quote(key)}?{query}"

    def remove(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        folder = self.path(prefix)
        for file in folder.iterdir() if folder.is_dir() else ():
            key = prefix + file.name
            if file.is_dir():
                self.clear(f"{key}/", unwanted=unwanted, keep=keep)
            elif key not in keep and unwanted(key):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # it is not empty, or not there
            folder.rmdir()

    def check(self) -> None:
        make_private(self.folder)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f"{self.folder} cannot be written")

    def path(self, key: str) -> Path:
        """The file of a key. Forbidden for one that leads out of the folder."""
        path = Path(os.path.normpath(self.folder.absolute() / key))
        if self.folder.absolute() not in path.parents or "\0" in key:
            raise Forbidden("There is no such file.")
        return path

    def verify(self, key: str, filename: str, expires: str, signature: str) -> Path:
        """The file that a signed URL leads to. Forbidden where it was altered or has expired."""
        moment = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 16 else 0
        good = (_sign(secret, key, filename, moment).encode() for secret in self.secrets)
        if not any(hmac.compare_digest(signed, signature.encode()) for signed in good):
            raise Forbidden("This download URL was altered: ask for the export again to get a new one.")
        if moment < time.time():
            raise Forbidden("This download URL has expired: ask for the export again to get a new one.")
        return self.path(key)


def _sign(secret: bytes, key: str, filename: str, expires: int) -> str:
    message = "\n".join((key, filename, str(expires))).encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


class LocalSink:
    """A file that its owner alone may read, under another name until it is whole."""

    def __init__(self, path: Path) -> None:
        make_private(path.parent)
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o600), "wb")
        self._size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._size += len(data)

    def finish(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        _sync_names(self._path.parent)
        kept = self._path.stat().st_size
        if kept != self._size:
            raise NotKept(f"{self._path} has {kept} bytes of {self._size}")

    def abort(self) -> None:
        try:
            self._file.close()
        finally:
            self._part.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)


def _sync_names(folder: Path) -> None:
    """A file that was renamed has its new name after a loss of power, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Makes the folder, and those it lies in, for their owner alone; those that are there stay as they are."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
