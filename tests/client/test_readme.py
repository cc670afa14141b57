"""The programs of the client's README were run as written."""

import re
from pathlib import Path

import pytest

from app.models import Scope
from tests import programs
from tests.conftest import Account

README = Path(__file__).parents[2] / "client" / "README.md"


@pytest.mark.parametrize(("heading", "told"), [("Reading", "A dog in the grass\n1\n"), ("Exporting", "\n1\n")])
def test_its_programs_run(account: Account, tmp_path: Path, heading: str, told: str) -> None:
    account.record({"description": "A dog in the grass", "sourceType": "batch", "confidenceScore": 0.9})
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(found) == 1
    done = programs.run(found[0], tmp_path, account, Scope.READ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(told)
