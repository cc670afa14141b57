"""The program of the client's README was run as written."""

import re
import subprocess
import sys
from pathlib import Path

from app.models import Scope
from tests.client.recorder.test_recording import kept
from tests.conftest import Account
from tools import patience

README = Path(__file__).parents[3] / "client" / "README.md"


def test_its_program_runs(account: Account, tmp_path: Path, spool: Path) -> None:
    section = README.read_text().partition("\n## Recording\n")[2].partition("\n## ")[0]
    [program] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={
            "SIGHTLOG_URL": account.stack.url,
            "SIGHTLOG_API_KEY": account.keys[Scope.WRITE],
            "SIGHTLOG_SPOOL_DIR": str(spool),
            "PATH": "",
        },
        capture_output=True,
        text=True,
        timeout=patience.seconds(60),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    assert {one["imageUrl"]: one["description"] for one in kept(account)} == {
        "https://example.com/1.jpg": "what your model says about https://example.com/1.jpg",
        "https://example.com/2.jpg": "A dog in the grass",
        "https://example.com/3.jpg": "A cat",
    }
