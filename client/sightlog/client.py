"""The history of an account: read, counted, exported, recorded."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from sightlog import profiles
from sightlog.api.async_operations import AsyncOperations
from sightlog.api.description import DescriptionDescription
from sightlog.api.enums import ExportStatus, OnConflict, OnInvalid
from sightlog.api.operations import Operations
from sightlog.api.plan_export import PlanExportPlanExport
from sightlog.api.statistics import StatisticsStatistics
from sightlog.api.viewer import ViewerViewer
from sightlog.asking import Asked, export_input
from sightlog.errors import NotFound
from sightlog.exports import AsyncExport, Export
from sightlog.filters import Filter, filter_of, one_of, order_of
from sightlog.recording import Batches, Given, Recorded
from sightlog.results import AsyncResults, Pages, Results
from sightlog.transport import Options

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

EXPORTS = 100
"""Exports that are asked for at a time."""


class Client:
    """Asks a Sightlog. The server and the key are those given, else of the environment (SIGHTLOG_URL,
    SIGHTLOG_API_KEY), else of a saved profile; NotSignedIn where no key is known.

    Safe for threads. What it keeps open ends with `close`, or with its `with`.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        profile: str | None = None,
        options: Options | None = None,
    ) -> None:
        self.operations = Operations(profiles.find(url, api_key, profile), options)
        """Each of the server's operations, as it is."""
        self._downloads: httpx.Client | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.operations.close()
        if self._downloads is not None:
            self._downloads.close()

    def viewer(self) -> ViewerViewer:
        """Whose key it is, and what it may do."""
        return self.operations.viewer().viewer

    def descriptions(
        self,
        *,
        order_by: str = "created_at",
        ascending: bool = False,
        limit: int | None = None,
        **filter: Unpack[Filter],
    ) -> Results:
        """The results that match, newest first, for as long as there are any or up to `limit`. `order_by` is
        `created_at` or `confidence`.

        They are read a page at a time, each time they are iterated; what is recorded meanwhile moves none.
        """
        return Results(self.operations, filter_of(**filter), order_of(order_by, ascending=ascending), limit)

    def search(self, *terms: str, limit: int | None = None, **filter: Unpack[Filter]) -> Results:
        """Those in whose text one of the terms occurs, ignoring case; `search_mode="all"`: each of them."""
        return self.descriptions(limit=limit, **(filter | {"search": terms}))

    def description(self, id: str) -> DescriptionDescription:
        """One result with its reviews; NotFound where there is none."""
        return _found(self.operations.description(id).description, f"There is no result {id!r}.")

    def statistics(
        self, *, time_zone: str | None = None, fill_days: bool = False, **filter: Unpack[Filter]
    ) -> StatisticsStatistics:
        """Numbers over all that match. Days are those of `time_zone`, such as `Europe/Berlin`, or else of UTC;
        `fill_days` lists those without results too.
        """
        return self.operations.statistics(filter_of(**filter), time_zone, fill_days).statistics

    def record(self, results: Iterable[Given], *, on_conflict: str = "keep", on_invalid: str = "fail") -> Recorded:
        """Records results: dictionaries with names as in files (`source_type`, `created_at`, …), or what `descriptions`
        gives. Ids are made where there are none, so that a request that is sent again records nothing twice.

        Every 10,000 are one request, all or nothing; InvalidInput names the first refused one (`input.17.createdAt`),
        and what was recorded before its request stays. With `on_invalid="skip"` all that are good are recorded, and
        `refused` says which were not, and why. With `on_conflict="replace"`, which needs the scope `admin`, a known id
        with other content is replaced instead of kept.
        """
        how = one_of(OnConflict, "on_conflict", on_conflict)
        skips = one_of(OnInvalid, "on_invalid", on_invalid) is OnInvalid.SKIP
        batches = Batches(results, skips=skips)
        for batch in batches:
            with batches.sending():
                if skips:
                    batches.add(self.operations.record_rows(batch, how).record_descriptions)
                else:
                    batches.add(self.operations.record_descriptions(batch, how).record_descriptions)
        return batches.told

    def export(
        self,
        format: str = "csv",
        *,
        allow_drift: bool = False,
        idempotency_key: str | None = None,
        **asked: Unpack[Asked],
    ) -> Export:
        """Starts an export of what matches: `csv`, `json`, `jsonl`, `parquet`, `xlsx` or `imagefolder`. `Asked` says
        what else there is to choose. The same idempotency key and input give the same export.

        With a `view`: Drifted where the history has changed since, unless `allow_drift`.
        """
        input = export_input(format, asked, allow_drift=allow_drift)
        key = idempotency_key or str(uuid.uuid4())
        return self._export(self.operations.create_export(input, key).create_export)

    def plan_export(self, format: str = "csv", **asked: Unpack[Asked]) -> PlanExportPlanExport:
        """What `export` would make of the same: rows, about how many bytes and seconds, and the windows of time to
        split it into where it would break a limit. Nothing is written.
        """
        return self.operations.plan_export(export_input(format, asked)).plan_export

    def find_export(self, id: str) -> Export:
        """NotFound where there is none."""
        return self._export(_found(self.operations.export(id).export, f"There is no export {id!r}."))

    def exports(self, *, status: str | None = None, limit: int | None = None) -> Iterator[Export]:
        """Newest first; `pending`, `processing`, `completed`, `failed` or `cancelled` ones alone."""
        wanted = status and one_of(ExportStatus, "status", status)
        return self._exports(Pages(limit, EXPORTS), wanted or None)

    def _exports(self, pages: Pages, status: ExportStatus | None) -> Iterator[Export]:
        while (given := pages.next()) is not None:
            found = self.operations.exports(status=status, **given).exports
            pages.take(found.nodes, found.page_info)
            yield from map(self._export, found.nodes)

    def _export(self, state: Any) -> Export:
        return Export(self.operations, self._files, state)

    def _files(self) -> httpx.Client:
        """For downloads: they may be anywhere, so the key stays here."""
        if self._downloads is None:
            self._downloads = httpx.Client(timeout=self.operations.options.timeout, follow_redirects=True)
        return self._downloads


class AsyncClient:
    """The same for asyncio. `descriptions`, `search` and `exports` are iterated with `async for`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        profile: str | None = None,
        options: Options | None = None,
    ) -> None:
        self.operations = AsyncOperations(profiles.find(url, api_key, profile), options)
        self._downloads: httpx.AsyncClient | None = None

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.operations.close()
        if self._downloads is not None:
            await self._downloads.aclose()

    async def viewer(self) -> ViewerViewer:
        return (await self.operations.viewer()).viewer

    def descriptions(
        self,
        *,
        order_by: str = "created_at",
        ascending: bool = False,
        limit: int | None = None,
        **filter: Unpack[Filter],
    ) -> AsyncResults:
        return AsyncResults(self.operations, filter_of(**filter), order_of(order_by, ascending=ascending), limit)

    def search(self, *terms: str, limit: int | None = None, **filter: Unpack[Filter]) -> AsyncResults:
        return self.descriptions(limit=limit, **(filter | {"search": terms}))

    async def description(self, id: str) -> DescriptionDescription:
        return _found((await self.operations.description(id)).description, f"There is no result {id!r}.")

    async def statistics(
        self, *, time_zone: str | None = None, fill_days: bool = False, **filter: Unpack[Filter]
    ) -> StatisticsStatistics:
        return (await self.operations.statistics(filter_of(**filter), time_zone, fill_days)).statistics

    async def record(
        self, results: Iterable[Given], *, on_conflict: str = "keep", on_invalid: str = "fail"
    ) -> Recorded:
        how = one_of(OnConflict, "on_conflict", on_conflict)
        skips = one_of(OnInvalid, "on_invalid", on_invalid) is OnInvalid.SKIP
        batches = Batches(results, skips=skips)
        for batch in batches:
            with batches.sending():
                if skips:
                    batches.add((await self.operations.record_rows(batch, how)).record_descriptions)
                else:
                    batches.add((await self.operations.record_descriptions(batch, how)).record_descriptions)
        return batches.told

    async def export(
        self,
        format: str = "csv",
        *,
        allow_drift: bool = False,
        idempotency_key: str | None = None,
        **asked: Unpack[Asked],
    ) -> AsyncExport:
        input = export_input(format, asked, allow_drift=allow_drift)
        key = idempotency_key or str(uuid.uuid4())
        return self._export((await self.operations.create_export(input, key)).create_export)

    async def plan_export(self, format: str = "csv", **asked: Unpack[Asked]) -> PlanExportPlanExport:
        return (await self.operations.plan_export(export_input(format, asked))).plan_export

    async def find_export(self, id: str) -> AsyncExport:
        return self._export(_found((await self.operations.export(id)).export, f"There is no export {id!r}."))

    def exports(self, *, status: str | None = None, limit: int | None = None) -> AsyncIterator[AsyncExport]:
        wanted = status and one_of(ExportStatus, "status", status)
        return self._exports(Pages(limit, EXPORTS), wanted or None)

    async def _exports(self, pages: Pages, status: ExportStatus | None) -> AsyncIterator[AsyncExport]:
        while (given := pages.next()) is not None:
            found = (await self.operations.exports(status=status, **given)).exports
            pages.take(found.nodes, found.page_info)
            for state in found.nodes:
                yield self._export(state)

    def _export(self, state: Any) -> AsyncExport:
        return AsyncExport(self.operations, self._files, state)

    def _files(self) -> httpx.AsyncClient:
        if self._downloads is None:
            self._downloads = httpx.AsyncClient(timeout=self.operations.options.timeout, follow_redirects=True)
        return self._downloads


def _found(value: T | None, message: str) -> T:
    if value is None:
        raise NotFound(message)
    return value
