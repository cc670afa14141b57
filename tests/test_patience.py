"""How the tests wait, and what they say when a server does not start."""

import os
import subprocess
import sys

import pytest

from tools import patience
from tools.docs import ROOT


@pytest.mark.parametrize(
    ("load", "factor", "expected"), [(0.5, "1", 30), (2, "1", 30), (8, "1", 120), (8, "2.5", 300), (0, "0.1", 3)]
)
def test_limits_grow_with_the_load_of_each_processor(
    monkeypatch: pytest.MonkeyPatch, load: float, factor: str, expected: float
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setenv("SIGHTLOG_TEST_PATIENCE", factor)
    assert patience.seconds(30) == expected


def test_a_server_that_does_not_start_ends_the_run_and_is_told_at_once() -> None:
    """Without any patience none starts in time; no test is tried then."""
    command = [sys.executable, "-m", "pytest", "-n", "1", "--dist", "loadgroup", "-k", "servers"]
    command.append("tests/rest_compat/test_list_pages.py")
    environment = os.environ | {"SIGHTLOG_TEST_PATIENCE": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout
    told = done.stdout + done.stderr
    assert "real_servers cannot be started, twice: Postgres did not start" in told
    assert "passed" not in told
    assert " error" not in told
