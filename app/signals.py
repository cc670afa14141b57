"""Being told to end."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress


def ending() -> Callable[[], None]:
    """From now on SIGTERM and Ctrl-C do not end the process; what is returned waits for the first of them.

    Python runs a handler in the midst of another: one that sets a `threading.Event` twice waits for itself. A byte in a
    pipe needs no lock.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)

    def tell(*_: object) -> None:
        with suppress(BlockingIOError):
            os.write(told, b".")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)

    def wait() -> None:
        os.read(heard, 1)

    return wait
