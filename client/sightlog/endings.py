"""What becomes of results in memory when a process ends or forks."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightlog.recorder import Recorder
    from sightlog.sending import Sending

open_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()
"""Those that a child has to begin anew."""

_running: set[Sending] = set()
_prepared = 0
_terminated = False
_ending = False
_ended = False


def watch(sending: Sending) -> None:
    """Has it ended in order with the process, also where that ends with os._exit."""
    global _prepared
    _running.add(sending)
    if _prepared != os.getpid():
        _prepared = os.getpid()
        _prepare()


def forget(sending: Sending) -> None:
    _running.discard(sending)


def _prepare() -> None:
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        util.Finalize(None, end_all, exitpriority=100)
    signals: Any = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(_on_worker_shutdown, weak=False)


def _on_worker_shutdown(**_: Any) -> None:
    end_all()


def handle_sigterm() -> None:
    """Where nobody else does: the signal would end the process at once, and what is in memory with it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, frame: Any) -> None:
    """Unwinds the program, as it may hold what the end needs; `end_all` then ends it by the signal.

    Where the end has begun it goes on, as an exception would break it off.
    """
    global _terminated
    _terminated = True
    if _ended:
        _die()
    util: Any = sys.modules.get("multiprocessing.util")
    if not _ending and not getattr(util, "_exiting", False):
        raise SystemExit(128 + number)


def _die() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def end_all() -> None:
    """Waits for all of this process until they have sent or written what they have, as long as their bounds say."""
    global _ending, _ended
    _ending = True
    running = [sending for sending in list(_running) if sending.pid == os.getpid() and sending.is_running]
    for sending in running:
        sending.end_by(time.monotonic() + sending.bounds.exit)
    for sending in running:
        try:
            sending.wait_for_end()
        except KeyboardInterrupt:
            sending.end_by(time.monotonic())
            with suppress(KeyboardInterrupt):
                sending.wait_for_end()
        left = sending.left()
        if left:
            print(left, file=sys.stderr, flush=True)
    if _terminated and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        _die()
    _ending, _ended = False, True


atexit.register(end_all)


def _in_child() -> None:
    global _terminated, _ending, _ended
    _running.clear()
    _terminated = _ending = _ended = False
    for recorder in list(open_recorders):
        recorder.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
