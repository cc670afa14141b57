"""The images of an export, fetched from where customers say they are: a few at a time, in order, and bounded."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from tempfile import SpooledTemporaryFile

from app import threads
from app.outbound import Answer, Failed, Failure, Guard
from app.settings import Settings

_IN_MEMORY = 256 * 1024
_CHUNK = 256 * 1024
_HEAD = 16
"""Bytes that tell what a file is."""

_TRIES = 2
"""Of an image whose server was not reached, within its time."""

_LOOK = 0.1
"""Seconds between two looks whether the export is still wanted."""

_KINDS = {
    "jpg": rb"\xff\xd8\xff",
    "png": rb"\x89PNG\r\n\x1a\n",
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF....WEBP",
    "tif": rb"II\*\0|MM\0\*",
    "bmp": rb"BM....\0\0\0\0",
}
_HEADERS = {"User-Agent": "Sightlog", "Accept": "image/*"}


class Reason(StrEnum):
    """Why an image is not there, besides those of `Failure`. None of them tells what a server said."""

    NO_ADDRESS = "no_address"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    NOT_AN_IMAGE = "not_an_image"
    OVER_LIMIT = "over_limit"


@dataclass(frozen=True)
class Image:
    """One that was fetched: as it was sent, and what its first bytes say that it is."""

    file: "SpooledTemporaryFile[bytes]"
    extension: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """All of it, once."""
        with self.file:
            while chunk := self.file.read(_CHUNK):
                yield chunk


def fetched(
    urls: Iterable[str | None], settings: Settings, check: Callable[[], None]
) -> Generator[Image | str, None, None]:
    """For each URL in its order the image, or why there is none. `check` is called while nothing comes."""
    run = _Run(settings)
    pool = threads.Pool(settings.images_at_a_time, "image")
    waiting: deque[Future[Image | str]] = deque()
    try:
        for url in urls:
            waiting.append(pool.start(run.fetch, url))
            if len(waiting) == 2 * settings.images_at_a_time:
                yield run.within(_next(waiting, check))
        while waiting:
            yield run.within(_next(waiting, check))
    finally:
        run.ended.set()
        for one in waiting:
            one.cancel()


def _next(waiting: "deque[Future[Image | str]]", check: Callable[[], None]) -> Image | str:
    while not wait([waiting[0]], _LOOK).done:
        check()
    check()
    return waiting.popleft().result()


class _Run:
    """The fetching for one export: what is left of its time and bytes."""

    def __init__(self, settings: Settings) -> None:
        self.ended = threading.Event()
        self._settings = settings
        self._guard = Guard([ip_network(text) for text in settings.outbound_networks])
        self._left = settings.max_images_bytes
        self._ends = time.monotonic() + settings.images_timeout.total_seconds()

    def within(self, one: Image | str) -> Image | str:
        """The image, while there is room for it; none is fetched any more once there was not."""
        if isinstance(one, str):
            return one
        self._left -= one.size
        if self._left >= 0:
            return one
        one.file.close()
        return Reason.OVER_LIMIT

    def fetch(self, url: str | None) -> Image | str:
        if not url:
            return Reason.NO_ADDRESS
        ends = min(time.monotonic() + self._settings.image_timeout.total_seconds(), self._ends)
        reason: str = Failure.UNREACHABLE
        for _ in range(_TRIES):
            left = ends - time.monotonic()
            if self._left < 0 or time.monotonic() >= self._ends:
                return Reason.OVER_LIMIT
            if left <= 0 or self.ended.is_set():
                break
            try:
                return self._fetch(self._absolute(url), left)
            except Failed as failed:
                reason = failed.reason
                if reason != Failure.UNREACHABLE:
                    break
        return reason

    def _fetch(self, url: str, timeout: float) -> Image:
        most = self._settings.max_image_bytes
        with self._guard.request(
            "GET", url, headers=_HEADERS, timeout=timeout, max_bytes=most, ended=self.ended
        ) as answer:
            if 300 <= answer.status < 400:
                raise Failed(Reason.REDIRECTED)
            if answer.status != 200:
                raise Failed(Reason.REFUSED)
            return _kept(answer)

    def _absolute(self, url: str) -> str:
        """A path is of this server, as in the console."""
        return self._settings.public_url.rstrip("/") + url if re.match("/(?!/)", url) else url


def _kept(answer: Answer) -> Image:
    file = SpooledTemporaryFile[bytes](_IN_MEMORY)
    try:
        head, size, extension = b"", 0, None
        for chunk in answer.chunks:
            size += len(chunk)
            file.write(chunk)
            if extension is None:
                head += chunk[:_HEAD]
                extension = _kind(head) if len(head) >= _HEAD else None
        extension = extension or _kind(head)
        file.seek(0)
        return Image(file, extension, size)
    except BaseException:
        with suppress(OSError):
            file.close()
        raise


def _kind(head: bytes) -> str:
    """The extension of an image that begins so; Failed where none does."""
    for extension, begins in _KINDS.items():
        if re.match(begins, head, re.DOTALL):
            return extension
    raise Failed(Reason.NOT_AN_IMAGE)
