"""Programs of a README, run as written."""

import subprocess
import sys
from pathlib import Path

from app.models import Scope
from tests.conftest import Account
from tools import patience


def run(
    program: str, folder: Path, account: Account, scope: Scope = Scope.WRITE, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """In a process that knows the account's server and key, and nothing else of ours."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[scope], "PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )
