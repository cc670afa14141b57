"""Recording from asyncio: the loop goes on, whatever the server does."""

import asyncio
import time
from pathlib import Path

import pytest

from sightlog.async_recorder import AsyncRecorder
from sightlog.describing import describe
from sightlog.recorder import Bounds, Counters
from tests.client.recorder.conftest import Scripted


def test_what_is_recorded_arrives(scripted: Scripted, spool: Path) -> None:
    async def run() -> None:
        async with AsyncRecorder(scripted.url, "sk_test") as log:

            @describe(log, metadata={"model": "m"})
            async def caption(url: str) -> str:
                await asyncio.sleep(0.01)
                return f"A dog in {url}"

            assert await asyncio.gather(*(caption(str(number)) for number in range(20))) == [
                f"A dog in {number}" for number in range(20)
            ]
            with pytest.raises(ValueError, match="no"):
                async with log.describing(id="bad"):
                    raise ValueError("no")
            task = asyncio.create_task(caption("never"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await log.flush()
            assert log.counters() == Counters(recorded=21)

    asyncio.run(run())
    assert scripted.taken.pop("bad")["errorMessage"] == "ValueError: no"
    assert {(row["imageUrl"], row["description"]) for row in scripted.taken.values()} == {
        (str(number), f"A dog in {number}") for number in range(20)
    }
    assert all(row["metadata"]["duration_ms"] >= 10 for row in scripted.taken.values())


def test_the_loop_never_waits(scripted: Scripted, spool: Path) -> None:
    """Not for a server that hangs, not for a full memory, not for the end."""
    scripted.held.clear()
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - began)

    async def run() -> None:
        watching = asyncio.create_task(watch())
        log = AsyncRecorder(scripted.url, "sk_test", bounds=Bounds(batch_rows=10, queue_rows=100))
        for number in range(500):
            log.record(id=str(number))
            await asyncio.sleep(0)
        flushing = asyncio.create_task(log.flush(0.5))
        assert await flushing is False
        left = await log.close(0.5)
        watching.cancel()
        assert left.spooled + left.dropped == 500

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began > 0.9
    assert longest < 0.4
