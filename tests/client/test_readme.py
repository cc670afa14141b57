"""The programs of the client's README were run as written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.models import Scope
from tests.conftest import Account
from tools import patience

README = Path(__file__).parents[2] / "client" / "README.md"


@pytest.mark.parametrize(("heading", "told"), [("Reading", "A dog in the grass\n1\n"), ("Exporting", "\n1\n")])
def test_its_programs_run(account: Account, tmp_path: Path, heading: str, told: str) -> None:
    account.record({"description": "A dog in the grass", "sourceType": "batch", "confidenceScore": 0.9})
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    programs = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(programs) == 1
    done = subprocess.run(
        [sys.executable, "-c", programs[0]],
        cwd=tmp_path,
        env={"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[Scope.READ], "PATH": ""},
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(told)
