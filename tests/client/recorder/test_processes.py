"""How processes end, and what becomes of what they had recorded: of real ones."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightlog.recorder import Recorder
from tests.client.recorder.conftest import UNAVAILABLE, Program, Scripted
from tools import patience

Start = Callable[..., Program]

RECORD_AND_WAIT = """
log.record(id="a", description="A dog")
ready()
time.sleep(60)
"""


def numbers(count: int) -> set[str]:
    return set(map(str, range(count)))


def lines(spool: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in spool.glob("*.jsonl"))


def test_the_end_of_a_program_sends_what_is_left(scripted: Scripted, program: Start) -> None:
    code = "for number in range(5000):\n    log.record(id=str(number))\n"
    assert program(scripted.url, code, bounds="age=60").end() == (0, "", "")
    assert set(scripted.taken) == numbers(5000)


def test_an_exception_ends_it_as_well(scripted: Scripted, program: Start) -> None:
    status, _, err = program(scripted.url, "log.record(id='a')\nraise SystemError('no')", bounds="age=60").end()
    assert (status, err.splitlines()[-1], set(scripted.taken)) == (1, "SystemError: no", {"a"})


def test_an_end_without_a_server(program: Start, scripted: Scripted, spool: Path) -> None:
    began = time.monotonic()
    status, out, err = program("http://127.0.0.1:1", "for number in range(100):\n    log.record(id=str(number))").end()
    assert time.monotonic() - began < patience.seconds(5)
    assert (status, out) == (0, "")
    assert err.splitlines()[-1] == (
        f"sightlog: What http://127.0.0.1:1 did not take yet, up to 100 results, is in {spool}; "
        "the next process that records there with the same key sends them."
    )
    assert lines(spool) == 100


def test_an_end_while_the_server_hangs_is_bounded(scripted: Scripted, program: Start, spool: Path) -> None:
    scripted.held.clear()
    began = time.monotonic()
    status, _, err = program(scripted.url, "log.record(id='a')", bounds="exit=0.5").end()
    assert time.monotonic() - began < patience.seconds(5)
    assert (status, err.count("\n"), lines(spool)) == (0, 1, 1)
    assert "the next process that records there with the same key sends them" in err


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_a_signal_ends_it_in_order(
    scripted: Scripted, program: Start, number: signal.Signals, status: signal.Signals
) -> None:
    running = program(scripted.url, RECORD_AND_WAIT, bounds="age=60")
    running.wait_until_ready()
    running.signal(number)
    ended, _, err = running.end()
    assert (ended, set(scripted.taken)) == (status, {"a"})
    assert ("KeyboardInterrupt" in err) == (number == signal.SIGINT)


def test_a_signal_amid_recording(scripted: Scripted, program: Start) -> None:
    """Whatever the program holds at that moment, its end does not wait for it in vain."""
    code = """
number = 0
log.record(id="-1")
ready()
while True:
    log.record(id=str(number))
    number += 1
    print(number)
"""
    running = program(scripted.url, code, bounds="queue_rows=1000000, exit=60")
    running.wait_until_ready()
    time.sleep(0.3)
    running.signal(signal.SIGTERM)
    status, out, err = running.end()
    told = [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
    assert (status, err) == (-signal.SIGTERM, "")
    assert numbers(len(told)) <= set(scripted.taken)


def test_a_second_ctrl_c_while_it_ends(scripted: Scripted, program: Start, spool: Path) -> None:
    scripted.held.clear()
    running = program(scripted.url, RECORD_AND_WAIT, bounds="age=0.01, exit=60")
    running.wait_until_ready()
    running.signal(signal.SIGINT)
    patience.until(lambda: scripted.requests, 10)
    time.sleep(0.5)
    running.signal(signal.SIGINT)
    status, _, err = running.end(10)
    assert (status, lines(spool)) == (-signal.SIGINT, 1), err
    assert err.splitlines()[-1].startswith("sightlog: What http")


def test_a_handler_of_the_programs_own_is_left_alone(scripted: Scripted, program: Start) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + RECORD_AND_WAIT
    running = program(scripted.url, code, bounds="age=60")
    running.wait_until_ready()
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 7
    assert set(scripted.taken) == {"a"}


def test_what_was_spooled_survives_kill_9_and_the_next_process_sends_it(
    scripted: Scripted, program: Start, spool: Path
) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    code = "for number in range(300):\n    log.record(id=str(number))\nlog.flush()\nready()\ntime.sleep(60)"
    running = program(scripted.url, code)
    running.wait_until_ready()
    running.signal(signal.SIGKILL)
    assert running.end()[0] == -signal.SIGKILL
    assert lines(spool) == 300
    scripted.answer = lambda rows: None
    status, _, err = program(scripted.url, "log.record(id='next')\nlog.flush()\ntime.sleep(0.5)").end()
    assert (status, err) == (0, "")
    assert set(scripted.taken) == numbers(300) | {"next"}
    assert list(spool.iterdir()) == []


def test_kill_9_amid_writing_leaves_files_that_can_be_read(scripted: Scripted, program: Start, spool: Path) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    code = "number = 0\nready()\nwhile True:\n    log.record(description='x' * 5000)\n    number += 1\n"
    for _ in range(4):
        kept = lines(spool)
        running = program(scripted.url, code, bounds="batch_rows=50, age=0.01")
        running.wait_until_ready()
        patience.until(lambda kept=kept: lines(spool) > kept + 100, 20, every=0.001)  # type: ignore[misc]
        running.signal(signal.SIGKILL)
        running.end()
    kept = lines(spool)
    scripted.answer = lambda rows: None
    code = f"""
log.record(id="next")
while log.counters().recorded < {kept + 1}:
    time.sleep(0.01)
print(log.counters().damaged <= 4)
"""
    assert program(scripted.url, code).end(60) == (0, "True\n", "")
    assert len(scripted.taken) == kept + 1
    assert list(spool.iterdir()) == []


def test_a_file_is_sent_by_one_process(scripted: Scripted, program: Start, spool: Path) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    owner = program(scripted.url, "log.record(id='a')\nlog.flush()\nready()\ntime.sleep(60)")
    owner.wait_until_ready()
    owner.signal(signal.SIGSTOP)
    scripted.answer = lambda rows: None
    assert program(scripted.url, "log.record(id='b')\nlog.flush()\ntime.sleep(0.3)").end()[0] == 0
    assert (set(scripted.taken), lines(spool)) == ({"b"}, 1)
    owner.signal(signal.SIGKILL)
    owner.signal(signal.SIGCONT)
    owner.end()
    several = [program(scripted.url, f"log.record(id='c{n}')\nlog.flush()\ntime.sleep(0.5)") for n in range(3)]
    assert [one.end()[0] for one in several] == [0, 0, 0]
    assert sum(row["id"] == "a" for rows in scripted.requests[2:] for row in rows) == 1
    assert set(scripted.taken) == {"a", "b", "c0", "c1", "c2"}


def test_a_child_discards_what_it_inherited(scripted: Scripted, program: Start) -> None:
    code = """
log.record(id="parent")
pid = os.fork()
if pid == 0:
    assert log.counters().waiting == 0
    log.record(id="child")
    assert log.flush()
    assert log.counters().recorded == 1
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
log.record(id="parent again")
"""
    assert program(scripted.url, code, bounds="age=60").end() == (0, "", "")
    assert set(scripted.taken) == {"parent", "child", "parent again"}
    assert sum(map(len, scripted.requests)) == 3


def test_a_child_that_never_records_does_not_hold_the_file(scripted: Scripted, program: Start, spool: Path) -> None:
    scripted.answer = lambda rows: UNAVAILABLE
    code = "log.record(id='a')\nlog.flush()\nif os.fork() == 0:\n    time.sleep(60)\nready()\ntime.sleep(60)"
    running = program(scripted.url, code)
    running.wait_until_ready()
    running.popen.kill()
    running.popen.wait()
    scripted.answer = lambda rows: None
    assert program(scripted.url, "log.record(id='b')\nlog.flush()\ntime.sleep(0.5)").end()[0] == 0
    assert set(scripted.taken) == {"a", "b"}


def test_forks_while_threads_record(scripted: Scripted, program: Start) -> None:
    """A child finds no lock that a thread of its parent held when it was forked."""
    code = """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
going = True
def work(name):
    number = 0
    while going:
        log.record(id=f"{name}-{number}")
        number += 1
threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
for thread in threads: thread.start()
children = []
for number in range(20):
    pid = os.fork()
    if pid == 0:
        log.record(id=f"child-{number}")
        os._exit(0 if log.flush(20) else 1)
    children.append(pid)
    time.sleep(0.01)
statuses = [os.waitpid(pid, 0)[1] for pid in children]
going = False
for thread in threads: thread.join()
assert statuses == [0] * 20, statuses
"""
    status, _, err = program(scripted.url, code, bounds="queue_rows=1000000").end(60)
    assert (status, err) == (0, "")
    assert {f"child-{number}" for number in range(20)} <= set(scripted.taken)


def test_workers_of_a_server_that_loaded_the_program_first(scripted: Scripted, program: Start) -> None:
    """As `gunicorn --preload`: the parent made the recorder and used it, its workers record, and SIGTERM ends them."""
    code = """
log.record(id="master")
def worker(name):
    for number in range(50):
        log.record(id=f"{name}-{number}")
    os.write(1, b"ready\\n")
    while True: time.sleep(1)
pids = []
for name in range(3):
    pid = os.fork()
    if pid == 0:
        worker(name)
    pids.append(pid)
print(*pids, flush=True)
for pid in pids: os.waitpid(pid, 0)
"""
    running = program(scripted.url, code, bounds="age=60")
    assert running.popen.stdout is not None
    said = [running.popen.stdout.readline() for _ in range(4)]
    (pids,) = (line.split() for line in said if line != "ready\n")
    for pid in pids:
        os.kill(int(pid), signal.SIGTERM)
    assert running.end()[0] == 0
    assert set(scripted.taken) == {"master", *(f"{name}-{number}" for name in range(3) for number in range(50))}
    assert sum(map(len, scripted.requests)) == 151


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing(scripted: Scripted, tmp_path: Path, spool: Path, method: str) -> None:
    """Such children end without atexit, as soon as their work is done."""
    script = tmp_path / "script.py"
    script.write_text(f"""
import multiprocessing
from sightlog.recorder import Bounds, Recorder
log = Recorder({scripted.url!r}, "sk_test", bounds=Bounds(age=60))
def work(number):
    log.record(id=str(number))
    return number
def alone():
    log.record(id="alone")
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    log.record(id="parent")
    with context.Pool(2, maxtasksperchild=5) as pool:
        assert pool.map(work, range(40)) == list(range(40))
        pool.close()
        pool.join()
    process = context.Process(target=alone)
    process.start()
    process.join()
    assert process.exitcode == 0
""")
    import subprocess

    done = subprocess.run(
        [sys.executable, "-W", "ignore", script], capture_output=True, text=True, timeout=patience.seconds(60)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(scripted.taken) == numbers(40) | {"parent", "alone"}


def test_a_pool_that_is_terminated(scripted: Scripted, program: Start) -> None:
    code = """
import multiprocessing, warnings
warnings.simplefilter("ignore", DeprecationWarning)
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(lambda_, range(10))
""".replace("with ", "def lambda_(number):\n    log.record(id=str(number))\nwith ")
    assert program(scripted.url, code, bounds="age=60").end() == (0, "", "")
    assert set(scripted.taken) == numbers(10)


def test_a_recorder_of_this_process_is_not_disturbed_by_its_children(
    scripted: Scripted, recorder: Callable[..., Recorder], program: Start
) -> None:
    log: Any = recorder(scripted.url)
    log.record(id="a")
    assert program(scripted.url, "log.record(id='b')").end()[0] == 0
    assert log.flush()
    assert set(scripted.taken) == {"a", "b"}
