"""The thread that renews a lease while another works."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.jobs.leases import LEASE

log = logging.getLogger(__name__)

HEARTBEAT = 0.5
"""Seconds between two renewals; so long may work go on that was cancelled."""


@contextmanager
def beating(what: str, renew: Callable[[], bool], lost: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """Calls `renew` again and again while the block runs. Once that says no, it calls `lost` from its own thread, and
    no more; also where renewing fails for as long as a lease holds, or while this process is to `stop`.
    """
    ended = threading.Event()

    def beat() -> None:
        renewed = time.monotonic()
        while not ended.wait(HEARTBEAT):
            try:
                if not renew():
                    break
                renewed = time.monotonic()
            except Exception:
                log.warning("%s: its lease cannot be renewed now", what, exc_info=True)
                if stop.is_set() or time.monotonic() - renewed > LEASE.total_seconds():
                    break
        else:
            return
        lost()

    in_context = contextvars.copy_context().run
    thread = threading.Thread(target=in_context, args=(beat,), name=f"lease of {what}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
