"""The lines of a file, in UTF-8, whatever ends them and however it was encoded."""

import codecs
import io
from collections.abc import Iterator
from typing import IO, NamedTuple, cast

MAX_RECORD = 64 * 2**20

CHUNK = 2**20

_UTF8_MARK = codecs.BOM_UTF8
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

NOT_UTF8 = "is not UTF-8: write it as UTF-8 first, for example with `iconv -f WINDOWS-1252 -t UTF-8`"


class Unreadable(Exception):
    """Why a line, or the rest of a file, could not be read: a sentence for the one who imports it."""


class Line(NamedTuple):
    """The bytes of a line with what ends it, or why it cannot be read."""

    number: int
    content: bytes | Unreadable


Lines = Iterator[Line]


def in_utf8(file: IO[bytes]) -> io.BufferedReader:
    """The file without a byte order mark; what such a mark says to be UTF-16 is read as UTF-8."""
    buffered = _buffered(file)
    start = buffered.peek(4)
    if start.startswith(_UTF8_MARK):
        buffered.read(len(_UTF8_MARK))
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            buffered.read(len(mark))
            return io.BufferedReader(_Recoded(buffered, encoding), CHUNK)
    return buffered


def _buffered(file: IO[bytes]) -> io.BufferedReader:
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(_Unpacked(file), CHUNK)


def of(file: io.BufferedReader, *, end: bytes = b"\n") -> Lines:
    """Each line with its number; what is too long is passed over to its end. `end` is LF or CR."""
    number, pieces, size = 0, list[bytes](), 0
    for piece in _pieces(file, end):
        size += len(piece)
        if size < MAX_RECORD:
            pieces.append(piece)
        if piece.endswith(end):
            number += 1
            yield _line(number, pieces, size)
            pieces, size = [], 0
    if size:
        yield _line(number + 1, pieces, size)


def _line(number: int, pieces: list[bytes], size: int) -> Line:
    if size >= MAX_RECORD:
        return Line(number, Unreadable(f"is longer than {MAX_RECORD >> 20} MiB"))
    return Line(number, pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _pieces(file: io.BufferedReader, end: bytes) -> Iterator[bytes]:
    """Lines, or parts of them where they are long."""
    if end == b"\n":
        while piece := file.readline(CHUNK):
            yield piece
        return
    while chunk := file.read1(CHUNK):
        *whole, rest = chunk.split(end)
        yield from (line + end for line in whole)
        if rest:
            yield rest


class _Unpacked(io.RawIOBase):
    """A packed file, read piece by piece: what comes before it is damaged is not lost."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = cast("io.BufferedIOBase", file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._file.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Recoded(io.RawIOBase):
    """A file in another encoding, read as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        ended = False
        while not self._left and not ended:
            data = self._file.read(CHUNK)
            ended = not data
            try:
                self._left = self._decoder.decode(data, final=ended).encode()
            except UnicodeDecodeError:
                name = self._encoding.upper()[:6]
                raise Unreadable(f"is not the {name} that its byte order mark says it is") from None
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
