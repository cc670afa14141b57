"""What the heap of the C library gives back."""

import ctypes
import subprocess
import sys

import pytest

from tools.docs import ROOT

PROGRAM = """
import threading
from pathlib import Path
from app import heap

def resident():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) // 1024

def work(kept):
    blocks = [bytes(1000) for _ in range(60_000)]
    kept.append(blocks[-1])  # the end of the heap cannot go

heap.return_large_blocks()
kept, begun = [], resident()
for _ in range(heap.ARENAS):
    thread = threading.Thread(target=work, args=[kept])
    thread.start()
    thread.join()
before = resident()
heap.trim()
print(before - begun, resident() - begun)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library is not glibc")
def test_what_small_blocks_took_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 50
    assert after < 15
