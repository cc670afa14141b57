"""How files are packed, whatever their format: exports while they are written, imports while they are read."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

GZIP_LEVEL = 6
ZSTD_LEVEL = 3

DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
"""What reading an unpacked file raises where the packed one is damaged, or ends too early."""


class Compression(StrEnum):
    """How a file is packed: not at all, with gzip, or with Zstandard."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes:
        """The end of the packed file."""


@dataclass(frozen=True)
class Packing:
    """What is known of one compression. The bytes depend on those of the file alone: no time, no name in them."""

    suffix: str
    begins_with: bytes
    compressor: Callable[[], Compressor]
    reader: Callable[[IO[bytes]], IO[bytes]]
    read_by: type


def _gzip_compressor() -> Compressor:
    return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)


def _zstd_compressor() -> Compressor:
    parameter = zstd.CompressionParameter
    return zstd.ZstdCompressor(options={parameter.compression_level: ZSTD_LEVEL, parameter.checksum_flag: 1})


PACKINGS: dict[str, Packing] = {
    Compression.GZIP: Packing(
        suffix=".gz",
        begins_with=b"\x1f\x8b",
        compressor=_gzip_compressor,
        reader=lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
        read_by=gzip.GzipFile,
    ),
    Compression.ZSTD: Packing(
        suffix=".zst",
        begins_with=b"\x28\xb5\x2f\xfd",
        compressor=_zstd_compressor,
        reader=lambda file: cast("IO[bytes]", zstd.ZstdFile(file)),
        read_by=zstd.ZstdFile,
    ),
}


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The bytes that a file holds, unpacked if it begins as a packed one does."""
    buffered = io.BufferedReader(cast("io.RawIOBase", file))
    start = buffered.peek(4)
    for packing in PACKINGS.values():
        if start.startswith(packing.begins_with):
            return packing.reader(buffered)
    return buffered


def of(file: IO[bytes]) -> Compression:
    """How the file is packed that `unpacked` reads."""
    found = (Compression(name) for name, packing in PACKINGS.items() if isinstance(file, packing.read_by))
    return next(found, Compression.NONE)


def without_suffix(name: str) -> str:
    """The name that a packed file has when it is unpacked."""
    for packing in PACKINGS.values():
        name = name.removesuffix(packing.suffix)
    return name
