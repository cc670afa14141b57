"""The file of an export on its way to the disk.

It grows under a name that ends in `.incomplete` and has the beginning of its SHA-256 in it, so that what a killed
process leaves is gone on with, and what belongs to another file is not. Only a file that is just what the receipt says
gets its name.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from sightlog import receipts
from sightlog.errors import Conflict, Damaged, Forbidden, NotWritten, SightlogError, kind_of
from sightlog.locks import lock
from sightlog.receipts import Receipt

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Expired(Forbidden):
    """The URL is not, or no longer, good; a new one may be."""


class Changed(Damaged):
    """What comes is not the rest of what is here, nor the file of the receipt."""


@dataclass
class Download:
    """A file that grows by requests for what is missing of it. `told` hears how many bytes are here."""

    file: IO[bytes]
    path: Path
    receipt: Receipt
    told: Callable[[int], object]
    size: int = 0
    signed: str | None = None
    """The receipt as the server signed it."""
    etag: str | None = field(default=None, init=False)
    """Of what is here, as far as this process knows; without it the SHA-256 decides at the end."""

    @property
    def is_whole(self) -> bool:
        return self.size == self.receipt.bytes

    @property
    def headers(self) -> dict[str, str]:
        """Those of the next request."""
        plainly = {"Accept-Encoding": "identity"}
        if not self.size:
            return plainly
        condition = {"If-Range": self.etag} if self.etag else {}
        return plainly | {"Range": f"bytes={self.size}-"} | condition

    def begin(self, status: int, headers: httpx.Headers) -> None:
        etag = headers.get("ETag")
        if status == 206:
            self._continue(headers, etag)
        elif status == 200:
            self.restart()
        elif status == 416:
            raise Changed("Nothing follows on what is here of the file.")
        elif status in (400, 401, 403, 404, 410):  # which of them depends on who signed the URL
            raise Expired(f"The download URL is refused with status {status}.")
        else:
            raise refused(status)
        # A weak one promises nothing about bytes.
        self.etag = None if etag and etag.startswith("W/") else etag

    def _continue(self, headers: httpx.Headers, etag: str | None) -> None:
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if not found or int(found[1]) != self.size:
            raise Changed("What comes is not the part of the file that was asked for.")
        if found[2] not in ("*", str(self.receipt.bytes)):
            raise Changed(f"The file there has {found[2]} bytes, its receipt says {self.receipt.bytes}.")
        if self.etag and etag != self.etag:
            raise Changed("The file there has changed.")

    def write(self, chunk: bytes) -> None:
        if self.size + len(chunk) > self.receipt.bytes:
            raise Changed(f"More than the {self.receipt.bytes} bytes of the receipt come.")
        with written(self.path):
            left = memoryview(chunk)
            while left:
                count = self.file.write(left)
                self.size += count
                left = left[count:]
        self.told(self.size)

    def restart(self) -> None:
        """From nothing."""
        with written(self.path):
            self.file.seek(0)
            self.file.truncate()
        self.size, self.etag = 0, None

    def sync(self) -> None:
        with written(self.path):
            os.fsync(self.file.fileno())


def refused(status: int) -> SightlogError:
    return kind_of(None, status)(f"The download is refused with status {status}.")


def incomplete(path: Path, receipt: Receipt) -> Path:
    """Where a file is until it is whole."""
    return path.with_name(f"{path.name}.{receipt.sha256[:12]}.incomplete")


@contextmanager
def opened(path: Path, receipt: Receipt, told: Callable[[int], object]) -> Iterator[Download]:
    """What is there of the file, to go on with. Conflict where another process is at it."""
    place = incomplete(path, receipt)
    with written(place):
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if not lock(file.fileno()):
            raise Conflict(f"Another process downloads {place}.")
        size = file.seek(0, os.SEEK_END)
        download = Download(file, place, receipt, told, size)
        if size > receipt.bytes:
            download.restart()
        missing = receipt.bytes - download.size
        free = shutil.disk_usage(place.parent).free
        if free < missing:
            raise NotWritten(f"{place} needs {missing:,} bytes more, and {free:,} are free.", code="ENOSPC")
        yield download


def finish(download: Download, path: Path) -> None:
    """Gives the file its name, with its receipt beside it. Damaged where it is not what the receipt says."""
    download.sync()
    download.receipt.check(download.path)
    with written(path):
        receipts.write(path, download.signed or download.receipt.document)
        if os.name == "nt":  # where what is open keeps its name
            download.file.close()
        os.replace(download.path, path)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power cut; Windows cannot, and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """NotWritten, which says why, for what the system refuses."""
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0)
        raise NotWritten(f"{path} cannot be written: {error.strerror or error}.", code=code) from error
