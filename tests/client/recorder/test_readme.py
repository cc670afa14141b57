"""The program of the client's README was run as written."""

import re
from pathlib import Path

from tests import programs
from tests.client.recorder.test_recording import kept
from tests.conftest import Account

README = Path(__file__).parents[3] / "client" / "README.md"


def test_its_program_runs(account: Account, tmp_path: Path, spool: Path) -> None:
    section = README.read_text().partition("\n## Recording\n")[2].partition("\n## ")[0]
    [program] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    done = programs.run(program, tmp_path, account, SIGHTLOG_SPOOL_DIR=str(spool))
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    assert {one["imageUrl"]: one["description"] for one in kept(account)} == {
        "https://example.com/1.jpg": "what your model says about https://example.com/1.jpg",
        "https://example.com/2.jpg": "A dog in the grass",
        "https://example.com/3.jpg": "A cat",
    }
