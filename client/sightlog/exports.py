"""An export, from its start to its file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx

from sightlog import contents, downloads, signatures, tables
from sightlog.api.async_operations import AsyncOperations
from sightlog.api.enums import ExportStatus
from sightlog.api.fragments import ExportState
from sightlog.api.operations import Operations
from sightlog.downloads import Changed, Download, Expired
from sightlog.errors import (
    Conflict,
    Damaged,
    ExportFailed,
    NotFound,
    NotWritten,
    SightlogError,
    StillRunning,
    Unavailable,
)
from sightlog.receipts import Receipt
from sightlog.steps import Call, Fetch, Pause, Steps, Work, run, run_async
from sightlog.transport import Trying

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

FIRST_POLL, LONGEST_POLL = 0.1, 3.0
"""Seconds between two questions whether an export is done; half as much more each time."""

SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
EXTENSIONS = {"imagefolder": "zip"}
"""Of formats that have another name than their files."""


@dataclass(frozen=True)
class Progress:
    """How far an export is: `rows` that the server has written, then `bytes` that are here. None: not known yet."""

    unit: str
    done: int
    total: int | None


Told = Callable[[Progress], object]


class _Export:
    """What both kinds know and do: as it was when the server was last asked."""

    def __init__(self, operations: Operations | AsyncOperations, state: ExportState) -> None:
        self.state = state
        self._profile = operations.profile
        self._retries = operations.options.retries

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def status(self) -> str:
        """`pending`, `processing`, `completed`, `failed` or `cancelled`."""
        return self.state.status.value.lower()

    @property
    def filename(self) -> str:
        """As the server calls the file."""
        format, compression = self.state.format.value.lower(), self.state.compression.value.lower()
        return f"export_{self.id}.{EXTENSIONS.get(format, format)}{SUFFIXES[compression]}"

    @property
    def left_out(self) -> int:
        """Results that are not in its file, as it says in its ledger: `state.ledger`, `state.receipt.notes`."""
        return self.state.ledger.rows if self.state.ledger else 0

    @property
    def receipt(self) -> Receipt | None:
        """Once it is completed."""
        told = self.state.receipt
        if told is None:
            return None
        return Receipt(
            export_id=self.id,
            url=self._profile.url,
            format=self.state.format.value.lower(),
            compression=self.state.compression.value.lower(),
            fields=tuple(self.state.fields),
            rows=told.rows,
            bytes=told.bytes_,
            sha256=told.sha_256,
            snapshot_at=told.snapshot_at,
            notes={note.name: note.count for note in told.notes},
        )

    def _refreshing(self) -> Steps[None]:
        found = (yield Call("export", {"id": self.id})).export
        if found is None:
            raise NotFound(f"There is no export {self.id}.")
        self.state = found

    def _cancelling(self) -> Steps[None]:
        self.state = (yield Call("cancel_export", {"id": self.id})).cancel_export

    def _retrying(self) -> Steps[None]:
        self.state = (yield Call("retry_export", {"id": self.id})).retry_export

    def _deleting(self) -> Steps[None]:
        yield Call("delete_export", {"id": self.id})

    def _waiting(self, progress: Told | None, timeout: float | None) -> Steps[None]:
        begun, pause = time.monotonic(), FIRST_POLL
        while True:
            if progress and self.status != "pending":
                progress(Progress("rows", self.state.progress.rows_written, self.state.progress.rows_total))
            if self.status not in ("pending", "processing"):
                break
            left = float("inf") if timeout is None else timeout - (time.monotonic() - begun)
            if left <= 0:
                raise StillRunning(f"The export {self.id} is still {self.status} after {timeout:g} s; it goes on.")
            yield Pause(min(pause, left))
            pause = min(pause * 1.5, LONGEST_POLL)
            yield from self._refreshing()
        if self.state.status is not ExportStatus.COMPLETED:
            raise ExportFailed(self.state.error_message or f"The export {self.id} was cancelled.")

    def _saving(self, path: str | PathLike[str], progress: Told | None, timeout: float | None) -> Steps[Path]:
        yield from self._waiting(progress, timeout)
        receipt = self.receipt
        if receipt is None:
            raise NotFound(f"The export {self.id} has no receipt, so its file cannot be checked.")
        target = Path(path)
        if target.is_dir():
            target /= self.filename

        def told(size: int) -> None:
            if progress:
                progress(Progress("bytes", size, receipt.bytes))

        signed = yield from self._signed(receipt)
        with downloads.opened(target, receipt, told) as download:
            download.signed = signed
            yield from self._downloading(download)
            try:
                yield Work(partial(downloads.finish, download, target))
            except Damaged:  # what an earlier process left may be, or what came
                download.restart()
                yield from self._downloading(download)
                try:
                    yield Work(partial(downloads.finish, download, target))
                except Damaged:
                    download.path.unlink()
                    raise
        return target

    def _signed(self, receipt: Receipt) -> Steps[str | None]:
        """The receipt with the server's signature; None where it signs none, or is older. Damaged where it is of
        another file, or the signature is wrong.
        """
        try:
            path, query = f"/api/v2/data/export/{self.id}/download", {"receipt": ""}
            text: str = (yield Call("request", {"method": "GET", "path": path, "params": query})).text
            document = json.loads(text)
        except (NotFound, ValueError):
            return None
        if not isinstance(document, dict) or "signature" not in document:
            return None
        if (document.get("sha256"), document.get("bytes")) != (receipt.sha256, receipt.bytes):
            raise Damaged(f"The signed receipt of the export {self.id} is of another file.")
        known = yield Work(signatures.known)
        if document.get("key_id") not in known:
            keys = yield from self._keys()
            yield Work(partial(signatures.trust, self._profile.url, keys))
            known = known | keys
        with suppress(signatures.NotCheckable):  # then it is kept for who can
            signatures.check(document, known)
        return text

    def _keys(self) -> Steps[dict[str, str]]:
        """None where something before the server answers in its place."""
        try:
            answer = yield Call("request", {"method": "GET", "path": "/.well-known/sightlog-key"})
            return signatures.told(answer.json())
        except (SightlogError, ValueError):
            return {}

    def _downloading(self, download: Download) -> Steps[None]:
        """Goes on where it broke off, for as long as it gets any further."""
        url = self.state.download_url
        trying, furthest = Trying(self._retries), download.size
        while not download.is_whole:
            error: SightlogError
            try:
                if url is None:
                    url = yield from self._signed_anew()
                yield Fetch(url, download.headers, download)
                if download.is_whole:
                    return
                error = Unavailable("The download ended too early.")
            except httpx.RequestError as broken:
                error = Unavailable(f"The download broke off: {str(broken) or type(broken).__name__}")
            except Expired as expired:
                error, url = expired, None
            except Changed as changed:
                download.restart()
                error = changed
            except (NotWritten, NotFound, Conflict):
                raise
            except SightlogError as refused:
                error = refused
            if download.size > furthest:
                trying, furthest = Trying(self._retries), download.size
            yield Pause(trying.pause(error))

    def _signed_anew(self) -> Steps[str]:
        yield from self._refreshing()
        if self.state.download_url is None:
            raise Conflict(f"The file of the export {self.id} was removed; a new export makes it again.")
        return self.state.download_url

    def _tabling(self, make: Callable[[Iterator[Any], Mapping[str, str]], Any]) -> Steps[Any]:
        with TemporaryDirectory(prefix="sightlog-") as folder:
            path = yield from self._saving(folder, None, None)
            format, compression = self.state.format.value.lower(), self.state.compression.value.lower()
            dialect = self.state.dialect.value.lower() if self.state.dialect else "rfc4180"
            columns = {one.as_: one.name for one in self.state.columns}
            of_json = {alias for alias, name in columns.items() if name in contents.JSON_COLUMNS}
            table = yield Work(lambda: make(contents.rows_of(path, format, compression, dialect, of_json), columns))
        return table


class Export(_Export):
    """An export of an account, as it was when the server was last asked: `state` has all of it."""

    def __init__(self, operations: Operations, files: Callable[[], httpx.Client], state: ExportState) -> None:
        super().__init__(operations, state)
        self._run = partial(run, operations=operations, files=files)

    def refresh(self) -> Export:
        """Asks the server how far it is."""
        self._run(self._refreshing())
        return self

    def wait(self, progress: Told | None = None, timeout: float | None = None) -> Export:
        """Until it is completed. StillRunning after `timeout` seconds, ExportFailed if it fails or is cancelled."""
        self._run(self._waiting(progress, timeout))
        return self

    def save(self, path: str | PathLike[str], progress: Told | None = None, timeout: float | None = None) -> Path:
        """Waits for it, and writes its file there, in place of one of that name; into a folder under its own name.
        Where the file is. `timeout` is for the waiting alone.

        It goes on where it broke off, also when it is called again. Only a file whose bytes, SHA-256 and rows are those
        of the receipt gets its name, and its receipt beside it, signed where the server does so (`sightlog.verify`);
        Damaged otherwise. NotWritten
        where the disk has no space.
        """
        saved: Path = self._run(self._saving(path, progress, timeout))
        return saved

    def cancel(self) -> Export:
        """Conflict where it has ended."""
        self._run(self._cancelling())
        return self

    def retry(self) -> Export:
        """Starts it again. Conflict where it has neither failed nor been cancelled."""
        self._run(self._retrying())
        return self

    def delete(self) -> None:
        """Removes it and its file from the server."""
        self._run(self._deleting())

    def to_pandas(self) -> pandas.DataFrame:
        """Its rows, once it is completed; see `sightlog.tables` for the columns."""
        return self._run(self._tabling(tables.pandas_of))

    def to_polars(self) -> polars.DataFrame:
        table: polars.DataFrame = self._run(self._tabling(tables.polars_of))
        return table

    def to_arrow(self) -> pyarrow.Table:
        return self._run(self._tabling(tables.arrow_of))


class AsyncExport(_Export):
    """The same for asyncio."""

    def __init__(self, operations: AsyncOperations, files: Callable[[], httpx.AsyncClient], state: ExportState) -> None:
        super().__init__(operations, state)
        self._run = partial(run_async, operations=operations, files=files)

    async def refresh(self) -> AsyncExport:
        await self._run(self._refreshing())
        return self

    async def wait(self, progress: Told | None = None, timeout: float | None = None) -> AsyncExport:
        await self._run(self._waiting(progress, timeout))
        return self

    async def save(self, path: str | PathLike[str], progress: Told | None = None, timeout: float | None = None) -> Path:
        saved: Path = await self._run(self._saving(path, progress, timeout))
        return saved

    async def cancel(self) -> AsyncExport:
        await self._run(self._cancelling())
        return self

    async def retry(self) -> AsyncExport:
        await self._run(self._retrying())
        return self

    async def delete(self) -> None:
        await self._run(self._deleting())

    async def to_pandas(self) -> pandas.DataFrame:
        return await self._run(self._tabling(tables.pandas_of))

    async def to_polars(self) -> polars.DataFrame:
        table: polars.DataFrame = await self._run(self._tabling(tables.polars_of))
        return table

    async def to_arrow(self) -> pyarrow.Table:
        return await self._run(self._tabling(tables.arrow_of))
