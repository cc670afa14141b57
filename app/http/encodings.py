"""Bodies that come packed (`Content-Encoding`), unpacked piece by piece while their bytes arrive."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from app.compression import zstd
from app.errors import InvalidInput, UnknownEncoding

PIECE = 64 * 1024
"""Bytes that are unpacked at a time, which takes some tenths of a millisecond."""

_WINDOW = {int(zstd.DecompressionParameter.window_log_max): 23}
"""8 MB is what a zstd body may make its reader remember, by RFC 9659."""


_LONGER = "The packed body goes on behind its end."


class Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Gzip:
    """zlib's, which leaves to its caller what it did not come to."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_UNPACKERS: dict[str, Callable[[], Unpacker]] = {
    "gzip": Gzip,
    "x-gzip": Gzip,
    "zstd": lambda: zstd.ZstdDecompressor(options=_WINDOW),
}


def unpacker(encoding: str) -> Unpacker | None:
    """For a `Content-Encoding`; None where the body is not packed. UnknownEncoding for one that is not understood."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name not in _UNPACKERS:
        raise UnknownEncoding("The Content-Encoding of a body may be gzip or zstd.")
    return _UNPACKERS[name]()


async def unpack(packed: AsyncIterator[bytes], by: Unpacker) -> AsyncIterator[bytes]:
    """Pieces of at most 64 KB; the event loop has its turn between them. InvalidInput where nothing can be unpacked."""
    try:
        async for data in packed:
            if by.eof and data:
                raise InvalidInput(_LONGER)
            while not by.eof and (piece := by.decompress(data, PIECE)):
                yield piece
                await asyncio.sleep(0)
                data = b""  # what is left of it is kept inside
    except (zlib.error, zstd.ZstdError):
        raise InvalidInput("The body is not packed as its Content-Encoding says.") from None
    if by.unused_data:
        raise InvalidInput(_LONGER)
    if not by.eof:
        raise InvalidInput("The packed body ends too early.")
