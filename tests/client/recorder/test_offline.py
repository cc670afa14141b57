"""A server that is away, slow or full: results wait on disk, and come when it is back."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from sightlog.recorder import Bounds, Counters, Recorder
from tests.client.recorder.conftest import UNAVAILABLE, Scripted
from tools import patience


def waiting(spool: Path) -> list[Any]:
    return [orjson.loads(line) for file in sorted(spool.glob("*.jsonl")) for line in file.read_bytes().splitlines()]


def test_what_cannot_be_sent_comes_later(
    scripted: Scripted, recorder: Callable[..., Recorder], spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    log = recorder(scripted.url, bounds=Bounds(age=0.05))
    log.record(id="a", description="A dog")
    assert log.flush() is False
    assert [row["id"] for row in waiting(spool)] == ["a"]
    (file,) = spool.iterdir()
    assert (file.stat().st_mode & 0o777, spool.stat().st_mode & 0o777) == (0o600, 0o700)
    log.record(id="b", description="A cat")
    assert log.flush() is False
    assert log.counters().spooled == 2
    scripted.answer = lambda rows: None
    patience.until(lambda: log.counters().recorded == 2, 30)
    assert log.flush() is True
    assert log.close() == Counters(recorded=2, spooled=2)
    assert (scripted.descriptions, list(spool.iterdir())) == (["A cat", "A dog"], [])
    assert [one.getMessage() for one in caplog.records] == [f"sightlog: Results are kept in {spool} for now: not now"]


def test_a_server_says_how_long_to_wait(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    asked: list[float] = []

    def answer(rows: list[dict[str, Any]]) -> Any:
        asked.append(time.monotonic())
        limited = {"error": {"code": "RATE_LIMIT_ERROR", "message": "slower"}}
        return (429, {"Retry-After": "2"}, limited) if len(asked) == 1 else None

    scripted.answer = answer
    log = recorder(scripted.url, bounds=Bounds(age=0.05))
    log.record(id="a")
    patience.until(lambda: log.counters().recorded == 1, 30)
    assert asked[1] - asked[0] >= 2


def test_a_key_that_is_not_taken_loses_nothing(
    scripted: Scripted, recorder: Callable[..., Recorder], spool: Path
) -> None:
    refused = {"error": {"code": "INVALID_API_KEY", "message": "The key is not known."}}
    scripted.answer = lambda rows: (401, {}, refused)
    log = recorder(scripted.url, key="old", spool_name="captions")
    log.record(id="a")
    assert log.flush() is False
    log.close()
    scripted.answer = lambda rows: None
    other = recorder(scripted.url, key="new")
    other.record(id="b")
    assert other.flush() is True
    assert set(scripted.taken) == {"b"}
    renewed = recorder(scripted.url, key="new", spool_name="captions")
    renewed.record(id="c")
    patience.until(lambda: set(scripted.taken) == {"a", "b", "c"}, 30)


def test_a_server_that_hangs_holds_up_nobody(
    scripted: Scripted, recorder: Callable[..., Recorder], spool: Path
) -> None:
    scripted.held.clear()
    log = recorder(scripted.url, bounds=Bounds(batch_rows=10, queue_rows=40))
    began = time.monotonic()
    for number in range(200):
        log.record(id=str(number))
        if number % 10 == 9:
            patience.until(lambda: log.counters().waiting <= 30, 10, every=0.001)
    assert log.counters().dropped == 0
    assert time.monotonic() - began < patience.seconds(5)
    assert len(waiting(spool)) >= 200 - 40
    began = time.monotonic()
    left = log.close(0.3)
    assert time.monotonic() - began < patience.seconds(2)
    assert (left.spooled, left.dropped, left.waiting) == (200, 0, 0)
    assert {row["id"] for row in waiting(spool)} == set(map(str, range(200)))


def test_a_full_spool_is_said_once_and_what_is_lost_is_counted(
    scripted: Scripted, recorder: Callable[..., Recorder], spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    log = recorder(scripted.url, bounds=Bounds(batch_rows=10, queue_rows=100, spool_bytes=5_000, age=0.01))
    for number in range(400):
        log.record(id=f"{number:03}", description="x" * 100)
        if number % 10 == 9:
            log.flush(0.05)
    counters = log.counters()
    assert counters.spooled + counters.waiting + counters.dropped == 400
    assert counters.spooled == len(waiting(spool)) > 0
    assert counters.dropped > 0
    assert counters.waiting <= 110
    assert sum(file.stat().st_size for file in spool.iterdir()) <= 5_000
    told = [one.getMessage() for one in caplog.records]
    assert sum("cannot be kept on disk" in one for one in told) == 1
    assert sum("are dropped" in one for one in told) == 1
    log.close(0.1)
    lost = 400 - counters.spooled
    assert caplog.records[-1].getMessage().endswith(f"{lost} results are lost: they could neither be sent nor written.")


def test_a_folder_that_cannot_be_written(scripted: Scripted, recorder: Callable[..., Recorder], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    scripted.answer = lambda rows: UNAVAILABLE
    log = recorder(scripted.url, spool_dir=tmp_path / "file" / "spool", bounds=Bounds(age=0.05))
    log.record(id="a")
    assert log.flush(0.5) is False
    assert log.counters() == Counters(waiting=1)
    scripted.answer = lambda rows: None
    patience.until(lambda: log.counters() == Counters(recorded=1), 30)


def test_a_torn_line_is_left_out_and_counted(
    scripted: Scripted, recorder: Callable[..., Recorder], spool: Path
) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    log = recorder(scripted.url)
    for id in ("a", "b", "c"):
        log.record(id=id, description="A dog")
    log.flush()
    log.close(0)
    (file,) = spool.glob("*.jsonl")
    os.truncate(file, file.stat().st_size - 20)
    scripted.answer = lambda rows: None
    log.record(id="d")
    patience.until(lambda: log.counters().recorded == 3, 30)
    assert log.counters().damaged == 1
    assert (set(scripted.taken), list(spool.iterdir())) == ({"a", "b", "d"}, [])


def test_one_bad_result_on_disk_does_not_hold_up_the_others(
    scripted: Scripted, recorder: Callable[..., Recorder]
) -> None:
    def answer(rows: list[dict[str, Any]]) -> Any:
        broken = {"errors": [{"message": "oh", "extensions": {"code": "INTERNAL_ERROR"}}]}
        return (500, {}, broken) if any(row["id"] == "bad" for row in rows) else None

    scripted.answer = lambda rows: UNAVAILABLE
    log = recorder(scripted.url, bounds=Bounds(age=0.05))
    for id in ("a", "bad", "b"):
        log.record(id=id)
    assert log.flush() is False
    scripted.answer = answer
    patience.until(lambda: log.counters() == Counters(recorded=2, refused=1, spooled=3), 30)
