"""Results and exports one after the other, by cursor, for as long as there are any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from sightlog import tables
from sightlog.api.async_operations import AsyncOperations
from sightlog.api.fragments import Result
from sightlog.api.input_types import DescriptionFilter, DescriptionOrder
from sightlog.api.operations import Operations
from sightlog.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

PAGE = 1000
"""Results that are asked for at a time: the most that the server gives."""


class Pages:
    """Where the reading of a list is: what to ask for next, until there is nothing left to ask for."""

    def __init__(self, limit: int | None, page: int) -> None:
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit is 0 or more, not {limit}.", field="limit")
        self._left = limit
        self._page = page
        self._after: str | None = None
        self._more = True

    def next(self) -> dict[str, Any] | None:
        first = self._page if self._left is None else min(self._page, self._left)
        return {"first": first, "after": self._after} if self._more and first else None

    def take(self, nodes: list[Any], page_info: Any) -> None:
        self._after = page_info.end_cursor
        self._more = page_info.has_next_page and bool(nodes)
        if self._left is not None:
            self._left -= len(nodes)

    def smaller(self, error: TooLarge) -> None:
        """Half of it the next time, as the answer was too large; TooLarge where it was of one."""
        if self._page == 1:
            raise error
        self._page //= 2


class Results:
    """The matches of a filter. Each time they are iterated they are read anew, a page at a time."""

    def __init__(
        self,
        operations: Operations,
        filter: DescriptionFilter,
        order: DescriptionOrder,
        limit: int | None,
        page: int = PAGE,
    ) -> None:
        Pages(limit, page)
        self._read = partial(operations.descriptions, filter_=filter, order_by=order)
        self._pages = partial(Pages, limit, page)

    def pages(self) -> Iterator[list[Result]]:
        pages = self._pages()
        while (given := pages.next()) is not None:
            try:
                found = self._read(**given).descriptions
            except TooLarge as error:
                pages.smaller(error)
                continue
            pages.take(found.nodes, found.page_info)
            yield found.nodes

    def __iter__(self) -> Iterator[Result]:
        for page in self.pages():
            yield from page

    def to_pandas(self) -> pandas.DataFrame:
        """All of them, in memory; see `sightlog.tables` for the columns."""
        return tables.pandas_of(map(tables.row_of, self))

    def to_polars(self) -> polars.DataFrame:
        return tables.polars_of(map(tables.row_of, self))

    def to_arrow(self) -> pyarrow.Table:
        return tables.arrow_of(map(tables.row_of, self))


class AsyncResults:
    """The same for asyncio."""

    def __init__(
        self,
        operations: AsyncOperations,
        filter: DescriptionFilter,
        order: DescriptionOrder,
        limit: int | None,
        page: int = PAGE,
    ) -> None:
        Pages(limit, page)
        self._read = partial(operations.descriptions, filter_=filter, order_by=order)
        self._pages = partial(Pages, limit, page)

    async def pages(self) -> AsyncIterator[list[Result]]:
        pages = self._pages()
        while (given := pages.next()) is not None:
            try:
                found = (await self._read(**given)).descriptions
            except TooLarge as error:
                pages.smaller(error)
                continue
            pages.take(found.nodes, found.page_info)
            yield found.nodes

    async def __aiter__(self) -> AsyncIterator[Result]:
        async for page in self.pages():
            for result in page:
                yield result

    async def to_pandas(self) -> pandas.DataFrame:
        return await self._table(tables.pandas_of)

    async def to_polars(self) -> polars.DataFrame:
        table: polars.DataFrame = await self._table(tables.polars_of)
        return table

    async def to_arrow(self) -> pyarrow.Table:
        return await self._table(tables.arrow_of)

    async def _table(self, make: Callable[..., Any]) -> Any:
        rows = [tables.row_of(result) async for result in self]
        return await asyncio.to_thread(make, rows)
