"""The recorder for asyncio: nothing of it waits in the loop."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from sightlog.describing import Describing
from sightlog.recorder import Recorder
from sightlog.sending import Counters


class AsyncRecorder:
    """Takes what `Recorder` takes. `record` only puts a result into memory, so it is not awaited; threads do the
    rest, and call `on_refused`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.recorder = Recorder(*args, **kwargs)
        self.record = self.recorder.record

    def describing(self, **fields: Any) -> Describing:
        """For `async with` and `with`; see `Recorder.describing`."""
        return self.recorder.describing(**fields)

    def counters(self) -> Counters:
        return self.recorder.counters()

    async def flush(self, timeout: float = 30) -> bool:
        return await asyncio.to_thread(self.recorder.flush, timeout)

    async def close(self, timeout: float | None = None) -> Counters:
        return await asyncio.to_thread(self.recorder.close, timeout)

    async def __aenter__(self) -> AsyncRecorder:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
