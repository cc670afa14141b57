"""An export's file comes whole and right, or not at all: from real storage, over a line that breaks, lies and ends."""

import asyncio
import errno
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

import sightlog
from app.models import Scope
from sightlog import AsyncClient, Client, Export, Progress, errors
from tests.client.between import Between, Harm
from tests.client.conftest import QUICKLY
from tests.conftest import Account, only_embedded
from tools import patience

ROWS = 500


@pytest.fixture
def export(account: Account, between: Between, connect: Callable[..., Client]) -> Export:
    """Completed, of some 100 kB; what is downloaded goes through `between`."""
    account.record(*({"description": f'{place}: a "red"\r\ndoor, ' + "x" * 150} for place in range(ROWS)))
    return connect(url=between.url).export("csv").wait()


@pytest.fixture
def content(export: Export, between: Between) -> bytes:
    """As the storage has it."""
    return httpx.get(between.urls[-1], verify=False).content


def assert_whole(path: Path, content: bytes, folder: Path) -> None:
    """That file with its receipt, and nothing else, is in the folder."""
    assert path.read_bytes() == content
    assert sightlog.verify(path).rows == ROWS
    assert sorted(one.name for one in folder.iterdir()) == [path.name, path.name + ".receipt.json"]


def test_it_comes_whole_with_its_receipt(export: Export, content: bytes, between: Between, tmp_path: Path) -> None:
    told: list[Progress] = []
    path = export.save(tmp_path / "out.csv", progress=told.append)
    assert path == tmp_path / "out.csv"
    assert_whole(path, content, tmp_path)
    assert told[0] == Progress("rows", ROWS, ROWS)
    assert told[-1] == Progress("bytes", len(content), len(content))
    assert [headers.get("authorization") for headers in between.seen] == [None]


def test_into_a_folder_it_comes_under_its_own_name(export: Export, content: bytes, tmp_path: Path) -> None:
    assert_whole(export.save(tmp_path), content, tmp_path)
    assert (tmp_path / f"export_{export.id}.csv").is_file()


def test_one_of_that_name_stays_until_the_new_one_is_whole(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("the old one")
    between.harms, between.lasting = [Harm(status=404)], True
    with pytest.raises(errors.Forbidden, match="refused with status 404"):
        export.save(path)
    assert path.read_text() == "the old one"
    between.harms = []
    assert_whole(export.save(path), content, tmp_path)


def test_it_goes_on_where_it_was_cut_off(export: Export, content: bytes, between: Between, tmp_path: Path) -> None:
    between.harms = [Harm(cut=1000), Harm(cut=0), Harm(cut=50_000)]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, "bytes=1000-", "bytes=1000-", "bytes=51000-"]
    assert {headers.get("if-range") for headers in between.seen[1:]} == {f'"{etag_of(between)}"'}


def etag_of(between: Between) -> str:
    etag: str = httpx.get(between.urls[-1], verify=False).headers["etag"]
    return etag.strip('"')


def test_it_is_given_up_when_it_gets_no_further(export: Export, between: Between, tmp_path: Path) -> None:
    between.harms, between.lasting = [Harm(cut=1000), Harm(cut=0)], True
    with pytest.raises(errors.Unavailable, match="broke off"):
        export.save(tmp_path / "out.csv")
    assert between.ranges == [None] + ["bytes=1000-"] * (QUICKLY.retries.tries - 1)
    assert [one.suffix for one in tmp_path.iterdir()] == [".incomplete"]


def test_the_next_call_goes_on(export: Export, content: bytes, between: Between, tmp_path: Path) -> None:
    between.harms, between.lasting = [Harm(cut=1000), Harm(cut=0)], True
    with pytest.raises(errors.Unavailable):
        export.save(tmp_path / "out.csv")
    between.harms = []
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges[-1] == "bytes=1000-"


def test_it_begins_anew_where_the_range_is_ignored(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    between.harms = [Harm(cut=1000), Harm(ignores_range=True)]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, "bytes=1000-"]


def test_it_begins_anew_where_the_etag_is_another(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    between.harms = [Harm(cut=1000, etag='"another"')]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.seen[1]["if-range"] == '"another"'


def test_a_weak_etag_is_no_condition(export: Export, content: bytes, between: Between, tmp_path: Path) -> None:
    between.harms = [Harm(cut=1000, etag='W/"weak"')]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert [headers.get("if-range") for headers in between.seen] == [None, None]
    assert between.ranges == [None, "bytes=1000-"]


def altered(content: bytes) -> bytes:
    return content.replace(b"red", b"bed", 1)


def test_what_is_altered_on_the_way_is_fetched_again(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    between.harms = [Harm(alters=altered)]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, None]


def test_what_is_altered_again_gets_no_name(export: Export, between: Between, tmp_path: Path) -> None:
    between.harms, between.lasting = [Harm(alters=altered)], True
    with pytest.raises(errors.Damaged, match="SHA-256"):
        export.save(tmp_path / "out.csv")
    assert between.ranges == [None, None]
    assert list(tmp_path.iterdir()) == []


def test_no_more_is_written_than_the_receipt_says(export: Export, between: Between, tmp_path: Path) -> None:
    between.signs = False
    told = export.state.receipt
    assert told
    export.state.receipt = told.model_copy(update={"bytes_": told.bytes_ - 1})
    with pytest.raises(errors.Damaged, match="More than the"):
        export.save(tmp_path / "out.csv")
    assert [one.stat().st_size for one in tmp_path.iterdir()] == [0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_url_is_followed_by_a_new_one(
    export: Export, content: bytes, between: Between, tmp_path: Path, status: int
) -> None:
    between.harms = [Harm(cut=1000), Harm(status=status)]
    before = len(between.urls)
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, "bytes=1000-", "bytes=1000-"]
    assert len(between.urls) == before + 1


def test_a_url_that_the_storage_refuses_is_followed_by_a_new_one(client: Client, tmp_path: Path) -> None:
    """No `between`: the server's own 403, and S3's."""
    export = client.export("jsonl").wait()
    export.state.download_url = f"{export.state.download_url}0"
    path = export.save(tmp_path)
    assert sightlog.verify(path).rows == 0


def test_a_file_that_is_gone(export: Export, between: Between, tmp_path: Path) -> None:
    between.harms, between.lasting = [Harm(status=403)], True
    export.delete()
    with pytest.raises(errors.NotFound, match=export.id):
        export.save(tmp_path / "out.csv")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_storage_that_is_busy_is_asked_again(
    export: Export, content: bytes, between: Between, tmp_path: Path, status: int
) -> None:
    between.harms = [Harm(status=status), Harm(cut=10), Harm(status=status)]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, None, "bytes=10-", "bytes=10-"]


@pytest.mark.parametrize("left", [b"y" * 1000, b"y" * 10_000_000], ids=["wrong", "too long"])
def test_what_lies_there_is_not_trusted(
    export: Export, content: bytes, between: Between, tmp_path: Path, left: bytes
) -> None:
    assert export.receipt
    (tmp_path / f"out.csv.{export.receipt.sha256[:12]}.incomplete").write_bytes(left)
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)


def test_what_lies_there_whole_is_only_compared(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    assert export.receipt
    (tmp_path / f"out.csv.{export.receipt.sha256[:12]}.incomplete").write_bytes(content)
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.seen == []


PROGRAM = """
import sys, sightlog
url, key, id, path = sys.argv[1:]
with sightlog.Client(url, key) as client:
    client.find_export(id).save(path, progress=lambda progress: print(progress.unit, progress.done, flush=True))
"""


def test_after_kill_9_it_goes_on(
    account: Account, export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    hold = threading.Event()
    between.harms = [Harm(cut=70_000, hold=hold)]
    command = [sys.executable, "-c", PROGRAM, between.url, account.keys[Scope.READ], export.id, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert any(line.strip() == "bytes 70000" for line in first.stdout)
        with pytest.raises(errors.Conflict, match="Another process downloads"):
            export.save(tmp_path / "out")
        first.send_signal(signal.SIGKILL)
    hold.set()
    assert [one.stat().st_size for one in tmp_path.iterdir()] == [70_000]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=patience.seconds(60))
    assert_whole(tmp_path / "out", content, tmp_path)
    assert between.ranges == [None, "bytes=70000-"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No process of ours writes a larger one meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_no_more_can_be_written_it_says_so_and_goes_on_later(
    export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    with largest_file(40_000), pytest.raises(errors.NotWritten, match="cannot be written: File too large") as refused:
        export.save(tmp_path / "out.csv")
    assert refused.value.code == errno.errorcode[errno.EFBIG]
    assert [one.stat().st_size for one in tmp_path.iterdir()] == [40_000]
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, "bytes=40000-"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Has 256 kB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_disk_that_gets_full(export: Export, content: bytes, between: Between, small_disk: Path) -> None:
    other = small_disk / "other"

    def fill(progress: Progress) -> None:
        if progress.unit == "bytes" and not other.exists():
            with suppress(OSError), other.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)

    between.harms = [Harm(cut=20_000)]
    with pytest.raises(errors.NotWritten, match="No space left") as refused:
        export.save(small_disk / "out.csv", progress=fill)
    assert refused.value.code == "ENOSPC"
    assert (small_disk / "out.csv").exists() is False
    with pytest.raises(errors.NotWritten, match=r"needs [\d,]+ bytes more, and [\d,]+ are free"):
        export.save(small_disk / "out.csv")
    other.unlink()
    assert_whole(export.save(small_disk / "out.csv"), content, small_disk)
    assert between.ranges[-1] not in (None, "bytes=0-")


def test_a_folder_that_is_not_there(export: Export, tmp_path: Path) -> None:
    with pytest.raises(errors.NotWritten, match="No such file or directory"):
        export.save(tmp_path / "nowhere" / "out.csv")


def test_asyncio_downloads_the_same_way(
    account: Account, export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    between.harms = [Harm(cut=1000), Harm(status=403), Harm(alters=altered)]

    async def save() -> Path:
        async with AsyncClient(between.url, account.keys[Scope.READ], options=QUICKLY) as client:
            return await (await client.find_export(export.id)).save(tmp_path / "out.csv")

    assert_whole(asyncio.run(save()), content, tmp_path)
    assert between.ranges == [None, "bytes=1000-", "bytes=1000-", None]


def test_a_cancelled_task_leaves_what_came(
    account: Account, export: Export, content: bytes, between: Between, tmp_path: Path
) -> None:
    between.harms = [Harm(cut=1000, hold=threading.Event())]

    async def save() -> None:
        came = asyncio.Event()
        async with AsyncClient(between.url, account.keys[Scope.READ], options=QUICKLY) as client:
            found = await client.find_export(export.id)

            def told(progress: Progress) -> None:
                if progress.unit == "bytes":
                    came.set()

            task = asyncio.create_task(found.save(tmp_path / "out.csv", progress=told))
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(save())
    assert_whole(export.save(tmp_path / "out.csv"), content, tmp_path)
    assert between.ranges == [None, "bytes=1000-"]


@only_embedded
def test_memory_does_not_grow_with_the_file(account: Account, between: Between, tmp_path: Path) -> None:
    """200 MB, of which the server has 10 MB and `between` makes more: the memory that saving took, at its peak."""
    account.record(*({"description": "x" * 100_000} for _ in range(50)))
    program = """
import resource, sys, sightlog
from sightlog import receipts
url, key, path = sys.argv[1:]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with sightlog.Client(url, key) as client:
    client.export("jsonl", search="nothing").save(path + ".small")
    before = peak()
    export = client.export("jsonl")
    export.save(path)
    print((peak() - before) // 1024)
"""
    between.times = 40
    done = subprocess.run(
        [sys.executable, "-c", program, between.url, account.keys[Scope.READ], str(tmp_path / "out.jsonl")],
        check=True,
        capture_output=True,
        text=True,
        timeout=patience.seconds(120),
    )
    assert (tmp_path / "out.jsonl").stat().st_size > 200_000_000
    assert sightlog.verify(tmp_path / "out.jsonl").rows == 2000
    assert int(done.stdout) < 16
