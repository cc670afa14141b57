"""Every command of the README was run as written, the tables are those of the code, and no link leads nowhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests import programs
from tests.client.recorder.test_recording import kept
from tests.conftest import Account
from tools import docs, patience
from tools.stack import Stack


def test_the_settings_are_those_of_the_code() -> None:
    text = docs.OPERATIONS.read_text()
    assert docs.made(text) == text
    assert "| `SIGHTLOG_RATE_LIMIT` | `500` |" in text


PAGES = [*docs.ROOT.glob("*.md"), *docs.ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(docs.ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_listed() -> None:
    listed = (docs.ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in docs.ROOT.glob("docs/*.md") if f"({page.name})" not in listed] == ["README.md"]


def test_the_tour_runs_as_written(tmp_path: Path) -> None:
    tour = "\n".join(docs.blocks("sh"))
    with Stack(tmp_path, {}) as stack:
        tour = tour.replace("http://127.0.0.1:8000", stack.url)
        tour = tour.replace('"$PWD/.venv/bin:$PATH"', f'"{Path(sys.executable).parent}:$PATH"')
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", tour],
            cwd=tmp_path,
            env=stack.environment,
            capture_output=True,
            text=True,
            timeout=patience.seconds(120),
        )
        assert done.returncode == 0, done.stderr
        told = done.stdout
        assert '"errors"' not in told
        assert '{"data":{"recordDescriptions":{"recorded":1,"alreadyKnown":0}}}' in told
        assert '"status":"COMPLETED"' in told
        assert "\tA dog in the grass\n" in told
        assert "\ndogs.csv.gz: " in told
        assert '"filter_summary":"Date: from 2025-01-01"' in told
        assert "1 recorded, 0 already known, 0 rejected" in told
        status, _ = json.JSONDecoder().raw_decode(
            told, told.index('{"export_id":"', told.index('"status":"completed"') - 80)
        )
        assert httpx.get(status["download_url"]).text.startswith("id,type,source_type,")


def test_the_program_at_the_top_runs_as_written(account: Account, tmp_path: Path) -> None:
    [program] = docs.blocks("python")
    done = programs.run(program, tmp_path, account, SIGHTLOG_SPOOL_DIR=str(tmp_path / "spool"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {one["imageUrl"]: one["description"] for one in kept(account)} == {
        "https://example.com/1.jpg": "A dog in the grass",
        "https://example.com/2.jpg": "what your model says",
    }
