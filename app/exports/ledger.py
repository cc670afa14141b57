"""What could not be exported: a line of JSON for each result, with why, in a file beside that of its export."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

CONTENT_TYPE = "application/x-ndjson"
EXTENSION = "ledger.jsonl"
LEFT_OUT = "left_out"
"""The note of a receipt: lines of the ledger. `left_out_` and a reason is that of those with that reason."""

_IN_MEMORY = 256 * 1024
_CHUNK = 256 * 1024


class Ledger:
    """Gathered while an export is written; on disk where it is long."""

    def __init__(self) -> None:
        self.rows = 0
        self._file: SpooledTemporaryFile[bytes] | None = None

    def add(self, line: bytes) -> None:
        """An object with its LF."""
        if self._file is None:
            self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._file.write(line)
        self.rows += 1

    def chunks(self) -> Iterator[bytes]:
        """All that was added."""
        if self._file is not None:
            self._file.seek(0)
            while chunk := self._file.read(_CHUNK):
                yield chunk

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
