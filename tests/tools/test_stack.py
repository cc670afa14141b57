"""Starting and stopping Sightlog's processes."""

from pathlib import Path

import pytest

from tools.stack import Stack


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    """The worker has no Redis, so it ends at once."""
    stack = Stack(tmp_path, {}, apis=1, workers=1)
    with pytest.raises(RuntimeError, match="A worker of its own needs SIGHTLOG_REDIS_URL"), stack:
        pass
    processes = [*stack.api_processes, *stack.worker_processes]
    assert [process.is_running() for process in processes] == [False, False]
