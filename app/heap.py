"""The heap of the C library, which keeps for itself what it was once given."""

import ctypes
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Names of glibc's <malloc.h>."""

LARGE = 512 * 1024
"""Bytes of a block that goes back to the system when it is freed. Answers are smaller: a page of 1,000 took twice the
time where each of its pieces was asked of the system again."""
KEPT = 16 * 2**20
"""Bytes that are kept at the end of the heap."""
ARENAS = 4


def return_large_blocks() -> None:
    """Lets blocks of long texts and bodies go back to the system, whichever thread had them. Without it, glibc keeps up
    to 64 MiB for each thread, and from the first large block on also those as large. Does nothing elsewhere.

    To be called before threads are started.
    """
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
        mallopt(_M_TRIM_THRESHOLD, KEPT)
        mallopt(_M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Gives back to the system what is free anywhere in the heap: after work that took tens of megabytes in small
    blocks, of which each thread's part of the heap would keep as much. Does nothing where there is no glibc.
    """
    malloc_trim = _function("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _function(name: str) -> Any:
    """Of the C library; None where it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None)
